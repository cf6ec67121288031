//! Proof that whoever asks for a certificate holds the key that it is for: a certificate request that the key signed
//! (RFC 2986), or the key's signature over a name that the token has.

use der::{Decode, Encode};
use model::{BadSignature, KeyError, PublicKey};
use x509_cert::request::CertReq;

use crate::algorithm::signature_identifier;
use crate::certificate::Malformation;
use crate::encoding;
use crate::token::Challenge;

/// The longest certificate request that is read.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// A key whose possession was proven. There is no other way to have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possessed(PublicKey);

/// Why possession of a key is not proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PossessionError {
    /// Longer than any request.
    #[error("a certificate request of {length} bytes, where at most {REQUEST_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// Not a request.
    #[error("not the DER of a PKCS #10 certificate request")]
    NotDer(#[source] Malformation),
    /// A key that is not certified here.
    #[error("the certificate request's key cannot be certified")]
    Key(#[from] KeyError),
    /// Signed with another algorithm than the key has.
    #[error("the certificate request is signed with another algorithm than that of its key")]
    OtherAlgorithm,
    /// Not signed with the key.
    #[error("the certificate request is not signed with its own key")]
    Request(#[source] BadSignature),
    /// Not the signature of any name that the token has.
    #[error(
        "the proof of possession is not the key's signature over the token's `email` or `sub`: sign the very text of that claim"
    )]
    Challenge,
}

impl Possessed {
    /// By a certificate request: all that it says is ignored but its key, which signed it.
    pub fn by_request(der: &[u8]) -> Result<Self, PossessionError> {
        if der.len() > REQUEST_BYTES_MAX {
            return Err(PossessionError::TooLong { length: der.len() });
        }
        let not_der = |cause| PossessionError::NotDer(Malformation::new(cause));
        let request = CertReq::from_der(der).map_err(not_der)?;
        // What is signed is encoded anew to be checked, and so it must be the bytes that came.
        if request.to_der().map_err(not_der)? != der {
            return Err(not_der(der::ErrorKind::Noncanonical { tag: der::Tag::Sequence }.into()));
        }
        let key = PublicKey::from_spki(&encoding::der(&request.info.public_key))?;
        if encoding::der(&request.algorithm) != signature_identifier(key.algorithm()) {
            return Err(PossessionError::OtherAlgorithm);
        }
        let signature = request.signature.as_bytes().ok_or(PossessionError::Request(BadSignature))?;
        key.verify(&encoding::der(&request.info), signature).map_err(PossessionError::Request)?;
        Ok(Self(key))
    }

    /// By the key's signature over one of the names in the token.
    pub fn by_challenge(
        key: PublicKey,
        challenge: &Challenge,
        signature: &[u8],
    ) -> Result<Self, PossessionError> {
        let mut texts = challenge.texts();
        let signed = texts.any(|text| key.verify(text.as_bytes(), signature).is_ok());
        if signed { Ok(Self(key)) } else { Err(PossessionError::Challenge) }
    }

    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.0
    }
}
