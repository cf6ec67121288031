//! What a key signs.

use model::{BadSignature, Digest, Hashed, PublicKey};

/// The exact bytes given to a key, or their digest where the bytes themselves never travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToBeSigned {
    /// Bytes that the key hashes, or signs as they are (Ed25519).
    Message(Vec<u8>),
    /// The digest of bytes that stayed where they were: what `blob` keys sign.
    Hashed(Hashed),
}

impl ToBeSigned {
    /// What the journal names: the SHA-256 of the bytes. Where another digest is all that is known of them, it is the
    /// SHA-256 of that; whether it is one or the other follows from the form and the algorithm of the key.
    pub fn sha256(&self) -> Digest {
        match self {
            Self::Message(message) => Digest::of(message),
            Self::Hashed(Hashed::Sha256(digest)) => *digest,
            Self::Hashed(Hashed::Sha384(digest)) => Digest::of(digest.as_bytes()),
        }
    }

    /// Checks a signature over these bytes. A key that does not sign such digests has no signature of one.
    pub fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Message(message) => key.verify(message, signature),
            Self::Hashed(hashed) => key.verify_digest(hashed, signature),
        }
    }
}
