//! What a key signs.

use model::{BadSignature, Digest, PublicKey};

/// The exact bytes given to a key, or their digest where the bytes themselves never travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToBeSigned {
    /// Bytes that the key hashes, or signs as they are (Ed25519).
    Message(Vec<u8>),
    /// The SHA-256 of bytes that stayed where they were: what `blob` keys sign.
    Sha256(Digest),
}

impl ToBeSigned {
    /// The SHA-256 of the bytes: what the journal and the transparency log name.
    pub fn sha256(&self) -> Digest {
        match self {
            Self::Message(message) => Digest::of(message),
            Self::Sha256(digest) => *digest,
        }
    }

    /// Checks a signature over these bytes. A key that does not sign SHA-256 digests has no signature of one.
    pub fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Message(message) => key.verify(message, signature),
            Self::Sha256(digest) => key.verify_sha256(digest, signature),
        }
    }
}
