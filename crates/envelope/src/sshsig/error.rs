//! What can be wrong with SSH signatures and keys.

use model::{BadSignature, Hash, KeyError};

/// Why bytes are not an SSH signature or key that is read here, or not one of this message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshSigError {
    /// More bytes than are read.
    #[error("{length} bytes of SSH signature or key, where at most {} are read", super::SSHSIG_BYTES_MAX)]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the armor of an SSH signature.
    #[error("not an armored SSH signature, which begins with `-----BEGIN SSH SIGNATURE-----`")]
    Armor,
    /// A field is cut off, too long, or not what stands there.
    #[error("the {what} of the SSH signature or key is malformed")]
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// A kind of key or signature that is not read.
    #[error(
        "`{algorithm}` is not verified here; known are ssh-ed25519, ecdsa-sha2-nistp256, both as sk- keys, and RSA of 3072 or 4096 bits with rsa-sha2-512"
    )]
    UnknownAlgorithm {
        /// Which.
        algorithm: String,
    },
    /// The key is of a known kind, and still no key.
    #[error("the SSH key cannot be used")]
    Key(#[source] KeyError),
    /// Not a line of `authorized_keys`, or one with options.
    #[error("not a line of the form `ssh-ed25519 AAAA… comment`")]
    Line,
    /// The signature is for another namespace.
    #[error("the signature is for the namespace `{found}`, not for `{expected}`")]
    OtherNamespace {
        /// What it is for.
        found: String,
        /// What it should be for.
        expected: String,
    },
    /// The signature is by another key.
    #[error("the signature is by another key than the expected one")]
    OtherKey,
    /// It was signed by a digest that nobody computed.
    #[error("it was signed by its {hash}, which is not known")]
    DigestUnknown {
        /// The hash.
        hash: Hash,
    },
    /// The signature is bad.
    #[error("the SSH signature is bad")]
    BadSignature(#[from] BadSignature),
    /// What is to be sealed is not a signature of this kind of key.
    #[error("a signature that does not go with the SSH key it should be sealed with")]
    Unsealable,
}
