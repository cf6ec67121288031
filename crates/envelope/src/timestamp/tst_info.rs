//! What a token says (RFC 3161 §2.4.2), and the bytes that an authority's key signs.

use std::time::Duration;

use model::Instant;
use pki::Certificate;

use super::asn1::{Accuracy, TstInfo as Asn1};
use super::gen_time::GenTime;
use super::request::{Imprint, Request, VERSION, bounded, integer, oid};
use super::{POLICY, TimestampError};
use crate::cms::attributes::{CertificateName, NewAttributes};
use crate::cms::{CMS_BYTES_MAX, CmsError};
use crate::der_set::{read, write};
use crate::{ToBeSigned, oids};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TstInfo {
    /// Under which policy, as a dotted OID.
    pub policy: String,
    /// Over what.
    pub imprint: Imprint,
    /// The token's number, as the content octets of its INTEGER; some authorities write negative ones.
    pub serial: Vec<u8>,
    /// When.
    pub time: Instant,
    /// How exactly.
    pub accuracy: Option<Duration>,
    /// The nonce of the request.
    pub nonce: Option<Vec<u8>>,
    /// The authority's name: the DER of a GeneralName.
    pub(super) authority: Option<Vec<u8>>,
}

/// How exact avouch's own tokens are.
const ACCURACY: Duration = Duration::from_secs(1);

impl TstInfo {
    /// What the token for this request says, if it was made at this time and has this number.
    ///
    /// The time is cut to the second, well within the accuracy that the token states: a fraction is allowed, but
    /// `@sigstore/verify` reads one of exactly three digits or none, and DER has no trailing zeros to make it three.
    pub fn answer(request: &Request, time: Instant, serial: u64) -> Result<Self, TimestampError> {
        if let Some(policy) = request.policy.as_ref().filter(|policy| *policy != POLICY) {
            return Err(TimestampError::OtherPolicy { policy: policy.clone() });
        }
        Ok(Self {
            policy: POLICY.to_owned(),
            imprint: request.imprint.clone(),
            serial: integer_octets(serial),
            time: time.whole_second(),
            accuracy: Some(ACCURACY),
            nonce: request.nonce.clone(),
            authority: None,
        })
    }

    /// Reads the DER.
    pub fn parse(der: &[u8]) -> Result<Self, TimestampError> {
        let info: Asn1<'_> = read(der, CMS_BYTES_MAX).map_err(TimestampError::TstInfo)?;
        if info.version != VERSION {
            return Err(TimestampError::Version { version: info.version });
        }
        // Extensions that are not critical may be overlooked (RFC 5280 §4.2).
        if info.extensions.iter().flatten().any(|extension| extension.critical) {
            return Err(TimestampError::Extension);
        }
        Ok(Self {
            policy: info.policy.to_string(),
            imprint: Imprint::read(&info.message_imprint)?,
            serial: bounded(&info.serial_number)?,
            time: info.gen_time.0,
            accuracy: info.accuracy.map(duration),
            nonce: info.nonce.map(|nonce| bounded(&nonce)).transpose()?,
            authority: info.tsa.map(|name| write(&name)),
        })
    }

    /// The DER. The authority's name is not written: its certificate is named by its hash.
    pub fn encode(&self) -> Result<Vec<u8>, TimestampError> {
        Ok(write(&Asn1 {
            version: VERSION,
            policy: oid(&self.policy)?,
            message_imprint: self.imprint.asn1(),
            serial_number: integer(&self.serial)?,
            gen_time: GenTime(self.time),
            accuracy: self.accuracy.map(accuracy),
            ordering: false,
            nonce: self.nonce.as_deref().map(integer).transpose()?,
            tsa: None,
            extensions: None,
        }))
    }
}

/// The content octets of a positive INTEGER: no leading zero but the one that keeps it positive.
pub fn integer_octets(number: u64) -> Vec<u8> {
    let mut bytes = [&[0][..], &number.to_be_bytes()].concat();
    while matches!(bytes.as_slice(), [0, 0..=0x7f, ..]) {
        bytes.remove(0);
    }
    bytes
}

fn duration(accuracy: Accuracy) -> Duration {
    Duration::from_secs(accuracy.seconds.unwrap_or(0).into())
        + Duration::from_millis(accuracy.milliseconds.unwrap_or(0).into())
        + Duration::from_micros(accuracy.microseconds.unwrap_or(0).into())
}

/// Parts that are zero are left out (RFC 3161 §2.4.2).
fn accuracy(duration: Duration) -> Accuracy {
    let microseconds = u16::try_from(duration.subsec_micros() % 1_000).unwrap_or(0);
    let milliseconds = u16::try_from(duration.subsec_millis()).unwrap_or(0);
    let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    Accuracy {
        seconds: (seconds != 0).then_some(seconds),
        milliseconds: (milliseconds != 0).then_some(milliseconds),
        microseconds: (microseconds != 0).then_some(microseconds),
    }
}

/// The bytes that an authority's key signs for a token: the signed attributes over the DER of [`TstInfo`].
pub fn compose(
    tst_info: &[u8],
    certificate: &Certificate,
    signing_time: Instant,
) -> Result<ToBeSigned, TimestampError> {
    let algorithm = certificate.public_key().map_err(CmsError::Key)?.algorithm();
    let attributes = NewAttributes {
        content_type: oids::TST_INFO,
        message_digest: &algorithm.content_hash().digest(tst_info),
        signing_time,
        certificate,
        certificate_name: CertificateName::Hash,
    };
    Ok(ToBeSigned::Message(attributes.encode()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_the_whole_second() {
        let imprint = Imprint::sha256(&model::Digest::of(b"signature"));
        let wish = crate::timestamp::CertificateWish::Embedded;
        let request = Request { imprint, policy: None, nonce: None, certificate: wish };
        let time = Instant::from_nanoseconds(1_795_165_602_054_786_197);
        let said = TstInfo::answer(&request, time, 1).map(|info| info.time);
        assert!(matches!(said, Ok(said) if said == Instant::from_seconds(1_795_165_602)));
    }

    #[test]
    fn serial_numbers_are_positive_and_have_one_encoding() {
        for (number, bytes) in [
            (0, &[0][..]),
            (1, &[1]),
            (0x7f, &[0x7f]),
            (0x80, &[0, 0x80]),
            (0x100, &[1, 0]),
            (u64::MAX, &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(integer_octets(number), bytes);
        }
    }
}
