//! What a key signs.

use model::{BadSignature, Digest, Hashed, PublicKey};

/// The exact bytes given to a key, or their digest where the bytes themselves never travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToBeSigned {
    /// Bytes that the key hashes, or signs as they are (Ed25519).
    Message(Vec<u8>),
    /// The digest of bytes that stayed where they were: what `blob` keys sign.
    Hashed(Hashed),
    /// Bytes that the key signs as they are, and then their signature with a comment behind it, in one order. The two
    /// signatures are one value, one behind the other: what `minisign` keys make.
    Twice {
        /// What is signed first.
        message: Vec<u8>,
        /// What is signed with the first signature before it.
        comment: String,
    },
}

/// How long each signature of [`ToBeSigned::Twice`] is: that of Ed25519, which alone makes them.
const EACH_BYTES: usize = 64;

impl ToBeSigned {
    /// What the journal names: the SHA-256 of the bytes. Where another digest is all that is known of them, it is the
    /// SHA-256 of that; whether it is one or the other follows from the form and the algorithm of the key. Of what is
    /// signed twice it is that of message and comment, from which all that is signed follows.
    pub fn sha256(&self) -> Digest {
        match self {
            Self::Message(message) => Digest::of(message),
            Self::Hashed(Hashed::Sha256(digest)) => *digest,
            Self::Hashed(hashed) => Digest::of(hashed.as_bytes()),
            Self::Twice { message, comment } => Digest::of(&[message, comment.as_bytes()].concat()),
        }
    }

    /// Checks a signature over these bytes. A key that does not sign such digests has no signature of one.
    pub fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            Self::Message(message) => key.verify(message, signature),
            Self::Hashed(hashed) => key.verify_digest(hashed, signature),
            Self::Twice { message, comment } => {
                let (first, second) = signature.split_at_checked(EACH_BYTES).ok_or(BadSignature)?;
                key.verify(message, first)?;
                key.verify(&countersigned(first, comment), second)
            }
        }
    }

    /// The part of a signature that its log entry names: of two, the first, because the second is over a text that may
    /// be nobody's business.
    pub fn logged<'a>(&self, signature: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Twice { .. } => signature.get(..EACH_BYTES).unwrap_or(signature),
            Self::Message(_) | Self::Hashed(_) => signature,
        }
    }
}

/// What is signed the second time.
pub fn countersigned(first: &[u8], comment: &str) -> Vec<u8> {
    [first, comment.as_bytes()].concat()
}
