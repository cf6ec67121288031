//! genTime: a GeneralizedTime that may have a fraction (RFC 3161 §2.4.2), which no other structure of X.509 has.

use der::{DecodeValue, EncodeValue, ErrorKind, FixedTag, Header, Length, Reader, Tag, Writer};
use model::Instant;

/// The time in a token, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GenTime(pub(super) Instant);

impl GenTime {
    /// `YYYYMMDDhhmmss[.f…]Z`: RFC 3339 without its punctuation. Neither ends a fraction with a zero.
    fn text(self) -> String {
        self.0.to_string().replace(['-', ':', 'T'], "")
    }

    fn parse(text: &str) -> Option<Self> {
        // The longest is fourteen digits, a point, nine digits and `Z`.
        if text.len() > 25 || !text.is_ascii() {
            return None;
        }
        let (year, rest) = text.split_at_checked(4)?;
        let (month, rest) = rest.split_at_checked(2)?;
        let (day, rest) = rest.split_at_checked(2)?;
        let (hour, rest) = rest.split_at_checked(2)?;
        let (minute, second) = rest.split_at_checked(2)?;
        let time = Self(format!("{year}-{month}-{day}T{hour}:{minute}:{second}").parse().ok()?);
        // One instant has one spelling; this also refuses leap seconds, which have no instant of their own.
        (time.text() == text).then_some(time)
    }
}

impl FixedTag for GenTime {
    const TAG: Tag = Tag::GeneralizedTime;
}

impl<'a> DecodeValue<'a> for GenTime {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let bytes = reader.read_slice(header.length())?;
        let text = std::str::from_utf8(bytes).ok();
        text.and_then(Self::parse).ok_or_else(|| ErrorKind::DateTime.into())
    }
}

impl EncodeValue for GenTime {
    fn value_len(&self) -> der::Result<Length> {
        self.text().len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn an_instant_has_one_spelling() {
        let time = |text: &str| GenTime(text.parse().unwrap());
        for (instant, text) in [
            ("2026-11-20T09:06:42Z", "20261120090642Z"),
            ("2026-11-20T09:06:42.5Z", "20261120090642.5Z"),
            ("2026-11-20T09:06:42.000000001Z", "20261120090642.000000001Z"),
        ] {
            assert_eq!(time(instant).text(), text);
            assert_eq!(GenTime::parse(text), Some(time(instant)));
        }
        for other in [
            "20261120090642",
            "20261120090642.Z",
            "20261120090642.50Z",
            "20261120090642.0000000001Z",
            "20261120090660Z",
            "20261320090642Z",
            "20261120090642+0000",
            "2026112009064Z",
            "",
            "äöü",
        ] {
            assert_eq!(GenTime::parse(other), None, "{other}");
        }
    }
}
