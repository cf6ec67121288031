//! What DER derivation lacks: a SET OF that keeps the order of its elements, and reading that demands re-encoding.

use der::{Decode, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};

/// A SET OF whose elements stand as their writer put them.
///
/// DER would sort them, and RFC 5652 demands DER of attributes only: most writers put certificates in the order of
/// the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetInOrder<T>(pub(crate) Vec<T>);

impl<T> FixedTag for SetInOrder<T> {
    const TAG: Tag = Tag::Set;
}

impl<'a, T: Decode<'a>> DecodeValue<'a> for SetInOrder<T> {
    type Error = T::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> Result<Self, T::Error> {
        let mut elements = Vec::new();
        while !reader.is_finished() {
            elements.push(T::decode(reader)?);
        }
        Ok(Self(elements))
    }
}

impl<T: Encode> EncodeValue for SetInOrder<T> {
    fn value_len(&self) -> der::Result<Length> {
        self.0.iter().try_fold(Length::ZERO, |length, element| length + element.encoded_len()?)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.iter().try_for_each(|element| element.encode(writer))
    }
}

/// What is wrong with bytes that should have been DER, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformation {
    /// More bytes than are read.
    #[error("{length} bytes, where at most {limit} are read")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many are read.
        limit: usize,
    },
    /// Not DER, or not of this structure.
    #[error("{0}")]
    NotDer(NotDer),
    /// This structure, in an encoding that DER does not have.
    #[error("an encoding that is not DER: it differs at byte {at}")]
    NotCanonical {
        /// The first byte that differs.
        at: usize,
    },
}

/// Where bytes stop being DER of the structure that is expected, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDer(der::Error);

impl Malformation {
    pub(crate) const fn new(cause: der::Error) -> Self {
        Self::NotDer(NotDer(cause))
    }
}

/// Reads a structure of at most `limit` bytes that must re-encode to itself.
pub(crate) fn read<'a, T>(bytes: &'a [u8], limit: usize) -> Result<T, Malformation>
where
    T: Decode<'a, Error = der::Error> + Encode,
{
    if bytes.len() > limit {
        return Err(Malformation::TooLong { length: bytes.len(), limit });
    }
    let value = T::from_der(bytes).map_err(Malformation::new)?;
    let again = value.to_der().map_err(Malformation::new)?;
    if again != bytes {
        let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
        return Err(Malformation::NotCanonical { at });
    }
    Ok(value)
}

/// The DER of a structure that was composed here.
pub(crate) fn write<T: Encode>(value: &T) -> Vec<u8> {
    // INVARIANT: what is written was composed of bounded parts, and DER fails only for lengths of 256 MiB and more.
    value.to_der().expect("structures of bounded length always encode as DER")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use der::asn1::SetOfVec;

    use super::*;

    #[test]
    fn a_set_out_of_order_is_not_der_where_der_is_asked_for() {
        let (sorted, unsorted) = ([0x31, 6, 2, 1, 1, 2, 1, 2], [0x31, 6, 2, 1, 2, 2, 1, 1]);
        assert!(read::<SetOfVec<u8>>(&sorted, 8).is_ok());
        let refused = read::<SetOfVec<u8>>(&unsorted, 8);
        assert_eq!(refused.unwrap_err(), Malformation::NotCanonical { at: 4 });
        assert_eq!(read::<SetInOrder<u8>>(&unsorted, 8), Ok(SetInOrder(vec![2, 1])));
        let refused = read::<SetInOrder<u8>>(&sorted, 7);
        assert_eq!(refused, Err(Malformation::TooLong { length: 8, limit: 7 }));
    }

    #[test]
    fn lengths_have_one_encoding_and_nothing_follows() {
        for other in [&[0x31, 0x81, 3, 2, 1, 1][..], &[0x31, 0x80, 2, 1, 1, 0, 0], &[0x31, 3, 2, 1, 1, 0]] {
            assert!(matches!(read::<SetInOrder<u8>>(other, 16), Err(Malformation::NotDer(_))), "{other:?}");
        }
    }
}
