//! The hashes of signatures that others made. What avouch itself defines is SHA-256 throughout: see
//! [`Digest`](crate::Digest).

use aws_lc_rs::digest as sha;
use aws_lc_rs::signature as lc;
use blake2::{Blake2b512, Digest as _};

use crate::{Algorithm, BadSignature, PublicKey, limits};

/// A hash of the SHA-2 family, or the one that minisign has beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE2b with 64 bytes (RFC 7693), by which minisign signs files. No signature algorithm has it in itself.
    Blake2b512,
}

impl Hash {
    /// Every hash there is.
    pub const ALL: [Self; 4] = [Self::Sha256, Self::Sha384, Self::Sha512, Self::Blake2b512];

    /// Hashes `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let mut running = Running::new(self);
        running.update(bytes);
        running.finish()
    }

    /// What the library of signatures calls it, if it has it.
    pub(crate) fn sha2(self) -> Option<&'static sha::Algorithm> {
        match self {
            Self::Sha256 => Some(&sha::SHA256),
            Self::Sha384 => Some(&sha::SHA384),
            Self::Sha512 => Some(&sha::SHA512),
            Self::Blake2b512 => None,
        }
    }

    /// Its name where digests are named in lower case, as in in-toto statements and in `sha256:…`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake2b512 => "blake2b512",
        }
    }

    /// How many bytes a digest has.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 | Self::Blake2b512 => 64,
        }
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Blake2b512 => "BLAKE2b-512",
        })
    }
}

/// A hash over bytes that arrive piece by piece.
#[derive(Clone)]
pub(crate) enum Running {
    Sha2(sha::Context),
    Blake2b512(Box<Blake2b512>),
}

impl Running {
    pub(crate) fn new(hash: Hash) -> Self {
        match hash.sha2() {
            Some(algorithm) => Self::Sha2(sha::Context::new(algorithm)),
            None => Self::Blake2b512(Box::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha2(context) => context.update(bytes),
            Self::Blake2b512(state) => state.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha2(context) => context.finish().as_ref().to_vec(),
            Self::Blake2b512(state) => state.finalize().to_vec(),
        }
    }
}

impl Algorithm {
    /// Is it RSA, of whatever size?
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    /// The hash of the content in a CMS signature with such a key: the signature's own, and SHA-512 for Ed25519
    /// (RFC 8419 §3.1).
    pub const fn content_hash(self) -> Hash {
        match self.hash() {
            Some(hash) => hash,
            None => Hash::Sha512,
        }
    }

    /// The hash that its signatures are over; `None` where the message itself is signed.
    pub const fn hash(self) -> Option<Hash> {
        match self {
            Self::EcdsaP256 | Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Some(Hash::Sha256),
            Self::EcdsaP384 => Some(Hash::Sha384),
            Self::Ed25519 => None,
        }
    }
}

impl PublicKey {
    /// Checks a signature that was made with a hash of the signer's choice, as CMS and SSHSIG allow. An Ed25519
    /// key has no such choice and verifies nothing here.
    pub fn verify_hashed(&self, hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() > limits::SIGNATURE_BYTES_MAX {
            return Err(BadSignature);
        }
        // The key's own hash, as nearly everywhere: the key was read for it.
        if self.algorithm().hash() == Some(hash) {
            return self.verify(message, signature);
        }
        let verification = verification(self.algorithm(), hash).ok_or(BadSignature)?;
        lc::UnparsedPublicKey::new(verification, self.raw())
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }

    /// The same over a message of which only the digest under that hash is known, as OpenPGP has it.
    pub fn verify_hash(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() > limits::SIGNATURE_BYTES_MAX {
            return Err(BadSignature);
        }
        let verification = verification(self.algorithm(), hash).ok_or(BadSignature)?;
        let sha2 = hash.sha2().ok_or(BadSignature)?;
        let digest = sha::Digest::import_less_safe(digest, sha2).map_err(|_| BadSignature)?;
        lc::UnparsedPublicKey::new(verification, self.raw())
            .verify_digest(&digest, signature)
            .map_err(|_| BadSignature)
    }

    /// Checks a signature in the other padding of RSA (RSASSA-PSS with SHA-256, RFC 8017 §8.1), which metadata of TUF
    /// may have. A key that is not of RSA verifies nothing here.
    pub fn verify_pss(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() > limits::SIGNATURE_BYTES_MAX || !self.algorithm().is_rsa() {
            return Err(BadSignature);
        }
        lc::UnparsedPublicKey::new(&lc::RSA_PSS_2048_8192_SHA256, self.raw())
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}

/// How signatures of an algorithm are checked that were made with a hash of the signer's choice.
fn verification(algorithm: Algorithm, hash: Hash) -> Option<&'static dyn lc::VerificationAlgorithm> {
    Some(match (algorithm, hash) {
        (Algorithm::EcdsaP256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (Algorithm::EcdsaP256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (Algorithm::EcdsaP256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (Algorithm::EcdsaP384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (Algorithm::EcdsaP384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (Algorithm::EcdsaP384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096, Hash::Sha256) => {
            &lc::RSA_PKCS1_2048_8192_SHA256
        }
        (Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096, Hash::Sha384) => {
            &lc::RSA_PKCS1_2048_8192_SHA384
        }
        (Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096, Hash::Sha512) => {
            &lc::RSA_PKCS1_2048_8192_SHA512
        }
        (Algorithm::Ed25519, _) | (_, Hash::Blake2b512) => return None,
    })
}
