//! Private keys in memory: the algorithms of the software store.

use aws_lc_rs::digest as sha;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use model::{Algorithm, Hash, Hashed, PublicKey};
use zeroize::Zeroizing;

use crate::{Key, KeyStoreError, Signable};

/// A private key that is open. The library wipes what it holds when it is dropped.
pub(crate) struct OpenKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// How keys of an algorithm are made and used.
enum Kind {
    Ecdsa(&'static EcdsaSigningAlgorithm),
    Ed25519,
    Rsa(KeySize),
}

impl Kind {
    /// `None` for algorithms of which no keys are made here.
    const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::EcdsaP256 => Some(Self::Ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)),
            Algorithm::EcdsaP384 => Some(Self::Ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)),
            Algorithm::Ed25519 => Some(Self::Ed25519),
            Algorithm::Rsa3072 => Some(Self::Rsa(KeySize::Rsa3072)),
            Algorithm::Rsa4096 => Some(Self::Rsa(KeySize::Rsa4096)),
            _ => None,
        }
    }
}

impl OpenKey {
    /// Makes a key; its PKCS #8 comes beside it, to be sealed.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>), KeyStoreError> {
        let kind = Kind::of(algorithm).ok_or(KeyStoreError::Algorithm { algorithm })?;
        let random = SystemRandom::new();
        let pkcs8 = match kind {
            Kind::Ecdsa(curve) => EcdsaKeyPair::generate_pkcs8(curve, &random).map(|one| copy(one.as_ref())),
            Kind::Ed25519 => Ed25519KeyPair::generate_pkcs8(&random).map(|one| copy(one.as_ref())),
            Kind::Rsa(size) => RsaKeyPair::generate(size).and_then(|pair| {
                let one: Pkcs8V1Der<'_> = pair.as_der()?;
                Ok(copy(one.as_ref()))
            }),
        };
        let pkcs8 = pkcs8.map_err(|_| KeyStoreError::Library { action: "make a key" })?;
        let key =
            Self::open(algorithm, &pkcs8).ok_or(KeyStoreError::Library { action: "read the key it made" })?;
        Ok((key, pkcs8))
    }

    /// Opens the PKCS #8 of a key of this algorithm; `None` if it is none.
    pub(crate) fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Self> {
        let (pair, spki) = match Kind::of(algorithm)? {
            Kind::Ecdsa(curve) => {
                let pair = EcdsaKeyPair::from_pkcs8(curve, pkcs8).ok()?;
                let spki = spki(pair.public_key())?;
                (Pair::Ecdsa(pair), spki)
            }
            Kind::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
                let spki = spki(pair.public_key())?;
                (Pair::Ed25519(pair), spki)
            }
            Kind::Rsa(_) => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
                let spki = spki(pair.public_key())?;
                (Pair::Rsa(pair), spki)
            }
        };
        let public = PublicKey::from_spki(spki.as_ref()).ok()?;
        // The modulus says which RSA this is; a file that names another size is none of ours.
        (public.algorithm() == algorithm).then_some(Self { pair, public })
    }
}

fn copy(pkcs8: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(pkcs8.to_vec())
}

fn spki(public: &impl AsDer<PublicKeyX509Der<'static>>) -> Option<PublicKeyX509Der<'static>> {
    public.as_der().ok()
}

impl Key for OpenKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        let refuse = |_| KeyStoreError::Library { action: "sign" };
        match what {
            Signable::Message(message) => self.pair.sign(message).map_err(refuse),
            Signable::Hashed(hashed) => {
                let (algorithm, hash) = (self.public.algorithm(), hashed.hash());
                if algorithm.hash() != Some(hash) {
                    return Err(KeyStoreError::SignsNoDigest { algorithm, hash });
                }
                self.pair.sign_digest(hashed).map_err(refuse)
            }
        }
    }
}

impl Pair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Ecdsa(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    fn sign_digest(&self, hashed: &Hashed) -> Result<Vec<u8>, Unspecified> {
        let hash = if hashed.hash() == Hash::Sha384 { &sha::SHA384 } else { &sha::SHA256 };
        let digest = sha::Digest::import_less_safe(hashed.as_bytes(), hash)?;
        match self {
            Self::Ecdsa(pair) => Ok(pair.sign_digest(&digest)?.as_ref().to_vec()),
            Self::Ed25519(_) => Err(Unspecified),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature)?;
                Ok(signature)
            }
        }
    }
}
