//! Certificates as PEM text (RFC 7468).

use der::pem::{LineEnding, decode_vec, encode_string};
use model::PublicKey;

use crate::{CERTIFICATE_BYTES_MAX, Certificate, CertificateError};

/// Certificates in one PEM text: a chain of path validation's length, twice.
pub const CHAIN_MAX: usize = 16;

const LABEL: &str = "CERTIFICATE";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why a text is not certificates in PEM.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// Longer than the most certificates could be.
    #[error("{length} bytes of PEM, where {CHAIN_MAX} certificates fit into {}", text_bytes_max())]
    TooLong {
        /// What was received.
        length: usize,
    },
    /// Not PEM blocks with the label `CERTIFICATE` and white space between them.
    #[error("not PEM text of certificates: block {place} is no well-formed `{BEGIN}` block")]
    NotPem {
        /// Which block, from 1.
        place: usize,
    },
    /// None, or too many.
    #[error("{count} certificates in PEM, where 1 to {most} are expected")]
    Count {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A block whose bytes are not a certificate.
    #[error("PEM block {place} is not a certificate that avouch reads")]
    Certificate {
        /// Which block, from 1.
        place: usize,
        /// Why.
        #[source]
        source: CertificateError,
    },
}

const fn text_bytes_max() -> usize {
    CHAIN_MAX * CERTIFICATE_BYTES_MAX * 3 / 2
}

impl Certificate {
    /// Reads one certificate in PEM.
    pub fn from_pem(text: &str) -> Result<Self, PemError> {
        Ok(read(text, 1)?.remove(0))
    }

    /// Reads one or more certificates in PEM, in their order.
    pub fn chain_from_pem(text: &str) -> Result<Vec<Self>, PemError> {
        read(text, CHAIN_MAX)
    }

    /// The certificate in PEM.
    pub fn to_pem(&self) -> String {
        encode_string(LABEL, LineEnding::LF, self.der())
            .expect("a certificate of bounded length always encodes as PEM")
    }
}

/// A public key in PEM.
pub fn public_key_pem(key: &PublicKey) -> String {
    encode_string("PUBLIC KEY", LineEnding::LF, key.spki())
        .expect("a key of bounded length always encodes as PEM")
}

/// The bytes of the one block of this label that a text is.
pub fn pem_block(text: &str, label: &str) -> Option<Vec<u8>> {
    let (found, der) = decode_vec(text.trim().as_bytes()).ok()?;
    (found == label).then_some(der)
}

/// At least one certificate, and at most `most`.
fn read(text: &str, most: usize) -> Result<Vec<Certificate>, PemError> {
    if text.len() > text_bytes_max() {
        return Err(PemError::TooLong { length: text.len() });
    }
    let mut certificates = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let place = certificates.len() + 1;
        if place > most {
            return Err(PemError::Count { count: text.matches(BEGIN).count(), most });
        }
        let (block, after) = split(rest).ok_or(PemError::NotPem { place })?;
        let (label, der) = decode_vec(block.as_bytes()).map_err(|_| PemError::NotPem { place })?;
        if label != LABEL {
            return Err(PemError::NotPem { place });
        }
        let certificate =
            Certificate::from_der(&der).map_err(|source| PemError::Certificate { place, source })?;
        certificates.push(certificate);
        rest = after.trim_start();
    }
    if certificates.is_empty() {
        return Err(PemError::Count { count: 0, most });
    }
    Ok(certificates)
}

/// The first block, which must begin here, and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(BEGIN) {
        return None;
    }
    let end = text.find(END)? + END.len();
    text.split_at_checked(end)
}
