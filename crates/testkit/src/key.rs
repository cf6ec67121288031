//! Private keys that a test makes and throws away.

use aws_lc_rs::digest as sha;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use model::{Algorithm, Hash, Hashed, PublicKey};

const MADE: &str = "a key that was just made works";

/// A throwaway key of any algorithm that avouch verifies.
pub enum Key {
    /// P-256 or P-384.
    Ecdsa(EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
    /// RSA, which nobody but tests makes.
    Rsa(RsaKeyPair),
}

impl Key {
    /// Makes one.
    pub fn generate(algorithm: Algorithm) -> Self {
        let ecdsa = |curve| Self::Ecdsa(EcdsaKeyPair::generate(curve).expect(MADE));
        let rsa = |size| Self::Rsa(RsaKeyPair::generate(size).expect(MADE));
        match algorithm {
            Algorithm::EcdsaP256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Algorithm::EcdsaP384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Algorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().expect(MADE)),
            Algorithm::Rsa2048 => rsa(KeySize::Rsa2048),
            Algorithm::Rsa3072 => rsa(KeySize::Rsa3072),
            Algorithm::Rsa4096 => rsa(KeySize::Rsa4096),
            other => panic!("no throwaway keys of {other}"),
        }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let spki: PublicKeyX509Der<'_> = match self {
            Self::Ecdsa(key) => key.public_key().as_der().expect(MADE),
            Self::Ed25519(key) => key.public_key().as_der().expect(MADE),
            Self::Rsa(key) => key.public_key().as_der().expect(MADE),
        };
        PublicKey::from_spki(spki.as_ref()).expect(MADE)
    }

    /// Signs as its algorithm says.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(message, &RSA_PKCS1_SHA256)
    }

    /// Signs as SSH has it: RSA with SHA-512.
    pub fn sign_ssh(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(message, &RSA_PKCS1_SHA512)
    }

    /// Signs a message of which only the digest is known.
    pub fn sign_hashed(&self, hashed: &Hashed) -> Vec<u8> {
        let hash = if hashed.hash() == Hash::Sha384 { &sha::SHA384 } else { &sha::SHA256 };
        let digest = sha::Digest::import_less_safe(hashed.as_bytes(), hash).expect("a digest of that hash");
        match self {
            Self::Ecdsa(key) => key.sign_digest(&digest).expect(MADE).as_ref().to_vec(),
            Self::Ed25519(_) => panic!("Ed25519 signs messages"),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).expect(MADE);
                signature
            }
        }
    }

    fn sign_with(&self, message: &[u8], rsa: &'static dyn RsaEncoding) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).expect(MADE).as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa, &random, message, &mut signature).expect(MADE);
                signature
            }
        }
    }
}
