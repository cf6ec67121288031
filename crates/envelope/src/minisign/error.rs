//! What can be wrong with signatures and keys of minisign.

use model::{BadSignature, Hash, KeyError};

use super::KeyNumber;

/// Why bytes are not a signature or key of minisign, or not one of this file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinisignError {
    /// More bytes than are read.
    #[error(
        "{length} bytes of minisign signature or key, where at most {} are read",
        super::MINISIG_BYTES_MAX
    )]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// A line is not what must stand there.
    #[error("the {what} of the minisign signature or key is malformed")]
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// The bytes of the key are no key.
    #[error("the minisign key cannot be used")]
    Key(#[source] KeyError),
    /// The signature is by another key.
    #[error("the signature is by the minisign key {found}, not by {expected}")]
    OtherKey {
        /// The number of the key that it names.
        found: KeyNumber,
        /// The number of the key at hand.
        expected: KeyNumber,
    },
    /// It was signed by a digest that nobody computed.
    #[error("it was signed by its {hash}, which is not known")]
    DigestUnknown {
        /// The hash.
        hash: Hash,
    },
    /// An old signature, and only digests of the file are known.
    #[error("it is an old minisign signature, which is over the file itself")]
    FileUnknown,
    /// An old signature of 64 bytes, which may be the digest of something else.
    #[error(
        "an old minisign signature over a file of 64 bytes cannot be told from a new one of the file that they are the digest of"
    )]
    Ambiguous,
    /// The signature of the file is bad.
    #[error("the minisign signature of the file is bad")]
    BadSignature(#[from] BadSignature),
    /// The second signature, over the trusted comment, is bad.
    #[error("the minisign signature of the trusted comment is bad")]
    BadComment(#[source] BadSignature),
    /// What is to be sealed is not two signatures of an Ed25519 key.
    #[error("a signature that is not two of an Ed25519 key")]
    Unsealable,
}
