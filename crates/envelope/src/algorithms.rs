//! Which AlgorithmIdentifiers go with which keys and hashes.

use model::{Algorithm, BadSignature, Hash, PublicKey};
use pki::algorithm::{self, DigestAlgorithm, Parameters};

/// RSA with the hash named elsewhere (RFC 3370 §3.2): what most writers of CMS put.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The hash that an AlgorithmIdentifier names, with NULL or without parameters.
pub(crate) fn hash(identifier: &[u8]) -> Option<Hash> {
    DigestAlgorithm::from_identifier(identifier).map(|digest| match digest {
        DigestAlgorithm::Sha256 => Hash::Sha256,
        DigestAlgorithm::Sha384 => Hash::Sha384,
        DigestAlgorithm::Sha512 => Hash::Sha512,
    })
}

/// The AlgorithmIdentifier of a hash, without parameters (RFC 5754 §2).
pub(crate) fn hash_identifier(hash: Hash) -> &'static [u8] {
    digest_algorithm(hash).identifier(Parameters::Absent)
}

/// The same with NULL, as writers of timestamps put it.
pub(crate) fn hash_identifier_with_null(hash: Hash) -> &'static [u8] {
    digest_algorithm(hash).identifier(Parameters::Null)
}

fn digest_algorithm(hash: Hash) -> DigestAlgorithm {
    match hash {
        Hash::Sha384 => DigestAlgorithm::Sha384,
        Hash::Sha512 => DigestAlgorithm::Sha512,
        _ => DigestAlgorithm::Sha256,
    }
}

/// The AlgorithmIdentifier of signatures in CMS by this kind of key.
pub(crate) fn signature_identifier(algorithm: Algorithm) -> &'static [u8] {
    if algorithm.is_rsa() { RSA } else { algorithm::signature_identifier(algorithm) }
}

/// Does this identifier name what such a key makes with such a hash?
pub(crate) fn names_signature(identifier: &[u8], algorithm: Algorithm, hash: Hash) -> bool {
    match algorithm {
        Algorithm::Ed25519 => {
            identifier == algorithm::signature_identifier(algorithm) && hash == Hash::Sha512
        }
        // ecdsa-with-SHA2 is { 1.2.840.10045.4.3.n } and shaNWithRSAEncryption { 1.2.840.113549.1.1.n }.
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => {
            let arc = match hash {
                Hash::Sha384 => 0x03,
                Hash::Sha512 => 0x04,
                _ => 0x02,
            };
            identifier == [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, arc]
        }
        _ if algorithm.is_rsa() => {
            let arc = match hash {
                Hash::Sha384 => 0x0c,
                Hash::Sha512 => 0x0d,
                _ => 0x0b,
            };
            let named =
                [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arc, 0x05, 0x00];
            identifier == RSA || identifier == named
        }
        _ => false,
    }
}

/// Checks a signature over signed attributes, with the hash that the envelope names.
pub(crate) fn verify(
    key: &PublicKey,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    match key.algorithm() {
        Algorithm::Ed25519 => key.verify(message, signature),
        _ => key.verify_hashed(hash, message, signature),
    }
}
