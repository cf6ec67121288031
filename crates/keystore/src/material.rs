//! Private keys in memory: the algorithms of the software store.

use aws_lc_rs::digest as sha;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use model::{Algorithm, PublicKey};
use zeroize::Zeroizing;

use crate::{Key, KeyStoreError, Signable};

/// The DER that stands before the 65 bytes of a P-256 point in a SubjectPublicKeyInfo (RFC 5480).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A private key that is open. The library wipes what it holds when it is dropped.
pub(crate) struct OpenKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    EcdsaP256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl OpenKey {
    /// Makes a key; its PKCS #8 comes beside it, to be sealed.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>), KeyStoreError> {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::EcdsaP256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random),
            Algorithm::Ed25519 => Ed25519KeyPair::generate_pkcs8(&random),
            _ => return Err(KeyStoreError::Algorithm { algorithm }),
        };
        let pkcs8 = pkcs8.map_err(|_| KeyStoreError::Library { action: "make a key" })?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        let key =
            Self::open(algorithm, &pkcs8).ok_or(KeyStoreError::Library { action: "read the key it made" })?;
        Ok((key, pkcs8))
    }

    /// Opens the PKCS #8 of a key of this algorithm; `None` if it is none.
    pub(crate) fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Self> {
        let (pair, public) = match algorithm {
            Algorithm::EcdsaP256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok()?;
                let spki = [&P256_SPKI_PREFIX, pair.public_key().as_ref()].concat();
                (Pair::EcdsaP256(pair), PublicKey::from_spki(&spki).ok()?)
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
                let public = PublicKey::from_ed25519(pair.public_key().as_ref().try_into().ok()?);
                (Pair::Ed25519(pair), public)
            }
            _ => return None,
        };
        Some(Self { pair, public })
    }
}

impl Key for OpenKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        let signature = match (&self.pair, what) {
            (Pair::EcdsaP256(pair), Signable::Message(message)) => pair.sign(&SystemRandom::new(), message),
            (Pair::EcdsaP256(pair), Signable::Sha256(digest)) => {
                sha::Digest::import_less_safe(digest.as_bytes(), &sha::SHA256)
                    .and_then(|digest| pair.sign_digest(&digest))
            }
            (Pair::Ed25519(pair), Signable::Message(message)) => pair.try_sign(message),
            (Pair::Ed25519(_), Signable::Sha256(_)) => {
                return Err(KeyStoreError::SignsNoDigest { algorithm: self.public.algorithm() });
            }
        };
        let signature = signature.map_err(|_| KeyStoreError::Library { action: "sign" })?;
        Ok(signature.as_ref().to_vec())
    }
}
