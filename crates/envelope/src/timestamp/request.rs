//! Requests (RFC 3161 §2.4.1).

use der::asn1::{AnyRef, IntRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Tag};
use model::{Digest, Hash};

use super::asn1::{MessageImprint, TimeStampReq};
use super::{INTEGER_BYTES_MAX, REQUEST_BYTES_MAX, TimestampError};
use crate::algorithms;
use crate::der_set::{Malformation, read, write};

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the token will be over.
    pub imprint: Imprint,
    /// The policy that is asked for, as a dotted OID; without one, the authority's own.
    pub policy: Option<String>,
    /// A number that the token repeats, as the content octets of its INTEGER ([`integer_octets`](super::integer_octets)
    /// gives them); some clients send negative ones.
    pub nonce: Option<Vec<u8>>,
    /// Shall the token hold the authority's certificates?
    pub certificate: CertificateWish,
}

/// Shall a token hold its authority's certificates?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateWish {
    /// It shall.
    Embedded,
    /// It shall not: the verifier has them.
    Omitted,
}

/// The hash of what a token is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    hash: Hash,
    digest: Vec<u8>,
}

impl Imprint {
    /// An imprint by SHA-256.
    pub fn sha256(digest: &Digest) -> Self {
        Self { hash: Hash::Sha256, digest: digest.as_bytes().to_vec() }
    }

    /// An imprint by any of the hashes, if the digest is as long as that hash.
    pub fn from_digest(hash: Hash, digest: Vec<u8>) -> Result<Self, TimestampError> {
        if digest.len() != hash.length() {
            return Err(TimestampError::ImprintLength { length: digest.len() });
        }
        Ok(Self { hash, digest })
    }

    /// An imprint of these bytes.
    pub fn of(hash: Hash, bytes: &[u8]) -> Self {
        Self { hash, digest: hash.digest(bytes) }
    }

    /// The hash that it is made with.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The digest.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    pub(super) fn read(imprint: &MessageImprint<'_>) -> Result<Self, TimestampError> {
        let hash = algorithms::hash(&write(&imprint.hash_algorithm)).ok_or(TimestampError::UnknownHash)?;
        Self::from_digest(hash, imprint.hashed_message.as_bytes().to_vec())
    }

    pub(super) fn asn1(&self) -> MessageImprint<'_> {
        let identifier = algorithms::hash_identifier_with_null(self.hash);
        MessageImprint {
            hash_algorithm: AnyRef::from_der(identifier).expect("an identifier of our own is DER"),
            hashed_message: OctetStringRef::new(&self.digest).expect("a digest is short"),
        }
    }
}

impl Request {
    /// Reads the DER of a request.
    pub fn parse(der: &[u8]) -> Result<Self, TimestampError> {
        let request: TimeStampReq<'_> = read(der, REQUEST_BYTES_MAX).map_err(TimestampError::Request)?;
        if request.version != VERSION {
            return Err(TimestampError::Version { version: request.version });
        }
        if request.extensions.is_some() {
            return Err(TimestampError::Extension);
        }
        Ok(Self {
            imprint: Imprint::read(&request.message_imprint)?,
            policy: request.policy.map(|policy| policy.to_string()),
            nonce: request.nonce.map(|nonce| bounded(&nonce)).transpose()?,
            certificate: match request.certificate {
                true => CertificateWish::Embedded,
                false => CertificateWish::Omitted,
            },
        })
    }

    /// The DER of the request. A policy that is no dotted OID is an error.
    pub fn encode(&self) -> Result<Vec<u8>, TimestampError> {
        Ok(write(&TimeStampReq {
            version: VERSION,
            message_imprint: self.imprint.asn1(),
            policy: self.policy.as_deref().map(oid).transpose()?,
            nonce: self.nonce.as_deref().map(integer).transpose()?,
            certificate: self.certificate == CertificateWish::Embedded,
            extensions: None,
        }))
    }
}

/// The version of requests and of what tokens say.
pub(super) const VERSION: u8 = 1;

/// The bytes of a number, if they are not too many.
pub(super) fn bounded(number: &IntRef<'_>) -> Result<Vec<u8>, TimestampError> {
    let bytes = number.as_bytes();
    if bytes.len() > INTEGER_BYTES_MAX {
        return Err(TimestampError::IntegerLength { length: bytes.len() });
    }
    Ok(bytes.to_vec())
}

/// The number with these bytes, which are its one encoding.
pub(super) fn integer(bytes: &[u8]) -> Result<IntRef<'_>, TimestampError> {
    if bytes.len() > INTEGER_BYTES_MAX {
        return Err(TimestampError::IntegerLength { length: bytes.len() });
    }
    let number = AnyRef::new(Tag::Integer, bytes).and_then(|any| any.decode_as());
    number.map_err(|cause| TimestampError::TstInfo(Malformation::new(cause)))
}

pub(super) fn oid(dotted: &str) -> Result<ObjectIdentifier, TimestampError> {
    ObjectIdentifier::new(dotted)
        .map_err(|_| TimestampError::OtherPolicy { policy: dotted.chars().take(64).collect() })
}
