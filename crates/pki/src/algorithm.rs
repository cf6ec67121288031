//! The DER AlgorithmIdentifiers of signatures and digests, for certificates and CMS alike.

use model::Algorithm;

/// A digest algorithm of CMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How an AlgorithmIdentifier says that there are no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameters {
    /// By leaving them out, as RFC 5754 §2 asks of writers.
    Absent,
    /// By a NULL, which RFC 5754 §2 asks readers to take as well.
    Null,
}

const SHA256: &[u8] = &[0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const SHA256_NULL: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
const SHA384_NULL: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00];
const SHA512_NULL: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00];
const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const RSA_SHA256: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
const RSA_KEY: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// The AlgorithmIdentifier of a signature: without parameters for ECDSA (RFC 5758 §3.2) and Ed25519 (RFC 8410 §3),
/// with NULL for RSA (RFC 4055 §5).
pub fn signature_identifier(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::EcdsaP256 => ECDSA_SHA256,
        Algorithm::EcdsaP384 => ECDSA_SHA384,
        Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => RSA_SHA256,
        Algorithm::Ed25519 => ED25519,
        // INVARIANT: a test walks the list of `model`, which is open only as far as other crates can see.
        _ => unreachable!("an algorithm was added to the list without its identifier"),
    }
}

/// Does this AlgorithmIdentifier name the signatures that `algorithm` makes? In a CMS SignerInfo an RSA signature
/// may also go by the name of its key, rsaEncryption (RFC 3370 §3.2); the digest algorithm then says the rest.
pub fn names_signature(identifier: &[u8], algorithm: Algorithm) -> bool {
    let is_rsa = matches!(algorithm, Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096);
    identifier == signature_identifier(algorithm) || (is_rsa && identifier == RSA_KEY)
}

impl DigestAlgorithm {
    /// The digest of a CMS content that goes with signatures of this algorithm: the one that the signature uses
    /// itself, and SHA-512 for Ed25519 (RFC 8419 §3.1).
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EcdsaP384 => Self::Sha384,
            Algorithm::Ed25519 => Self::Sha512,
            _ => Self::Sha256,
        }
    }

    /// Its AlgorithmIdentifier.
    pub const fn identifier(self, parameters: Parameters) -> &'static [u8] {
        match (self, parameters) {
            (Self::Sha256, Parameters::Absent) => SHA256,
            (Self::Sha384, Parameters::Absent) => SHA384,
            (Self::Sha512, Parameters::Absent) => SHA512,
            (Self::Sha256, Parameters::Null) => SHA256_NULL,
            (Self::Sha384, Parameters::Null) => SHA384_NULL,
            (Self::Sha512, Parameters::Null) => SHA512_NULL,
        }
    }

    /// The digest algorithm that an AlgorithmIdentifier names, with or without NULL; `None` for all others.
    pub fn from_identifier(identifier: &[u8]) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|digest| {
            [Parameters::Absent, Parameters::Null].iter().any(|form| digest.identifier(*form) == identifier)
        })
    }
}
