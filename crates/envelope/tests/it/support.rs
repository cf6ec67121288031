//! The worked example, throwaway keys, and certificates made with them.

use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64;
use model::{
    Algorithm, Base64, Content, Digest, FileClaim, Form, Hex16, Instant, Item, ItemKey, Parameters, PublicKey,
};
use pki::{Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};

/// A file of the worked example.
pub(crate) fn example(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/worked-example").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn example_text(name: &str) -> String {
    String::from_utf8(example(name)).unwrap()
}

pub(crate) fn example_chain(name: &str) -> Vec<Certificate> {
    Certificate::chain_from_pem(&example_text(name)).unwrap()
}

pub(crate) fn example_certificate(name: &str) -> Certificate {
    Certificate::from_pem(&example_text(name)).unwrap()
}

pub(crate) fn example_key(name: &str) -> PublicKey {
    let text = example_text(name);
    let base64: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    PublicKey::from_spki(&BASE64.decode(base64.as_bytes()).unwrap()).unwrap()
}

/// The time of everything in the worked example.
pub(crate) fn then() -> Instant {
    "2026-11-20T09:06:42Z".parse().unwrap()
}

/// An item over these bytes, of which it holds the digest alone.
pub(crate) fn item(form: Form, content: &[u8]) -> Item {
    let (sha256, size) = (Digest::of(content), content.len() as u64);
    Item {
        index: 0,
        salt: Hex16([7; 16]),
        name: "artifact.txt".to_owned(),
        format: "raw".parse().unwrap(),
        form,
        parameters: Parameters::default(),
        key: ItemKey { name: "payments/release".parse().unwrap(), generation: 1, record: Digest::ZERO },
        content: Content::Sha256 { digest: sha256, length: size },
        file: FileClaim { sha256, size },
    }
}

/// An item that holds these bytes.
pub(crate) fn inline_item(form: Form, content: &[u8]) -> Item {
    Item { content: Content::Inline { bytes: Base64(content.to_vec()) }, ..item(form, content) }
}

pub(crate) enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EcdsaP256 => {
                Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
            }
            Algorithm::EcdsaP384 => {
                Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap())
            }
            Algorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Rsa3072 => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa3072).unwrap()),
            other => panic!("no throwaway keys of {other}"),
        }
    }

    pub(crate) fn public(&self) -> PublicKey {
        let spki: PublicKeyX509Der<'_> = match self {
            Self::Ecdsa(key) => key.public_key().as_der().unwrap(),
            Self::Ed25519(key) => key.public_key().as_der().unwrap(),
            Self::Rsa(key) => key.public_key().as_der().unwrap(),
        };
        PublicKey::from_spki(spki.as_ref()).unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(message, &RSA_PKCS1_SHA256)
    }

    /// As SSH has it: RSA with SHA-512.
    pub(crate) fn sign_ssh(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with(message, &RSA_PKCS1_SHA512)
    }

    fn sign_with(&self, message: &[u8], rsa: &'static dyn RsaEncoding) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A key with its certificate, and the root that issued it.
pub(crate) struct Signer {
    pub(crate) key: Key,
    pub(crate) certificate: Certificate,
    pub(crate) root: Certificate,
}

impl Signer {
    pub(crate) fn new(algorithm: Algorithm, profile: &CertificateProfile) -> Self {
        let (root_key, key) = (Key::generate(Algorithm::EcdsaP256), Key::generate(algorithm));
        let name = |common_name| DistinguishedName::new("Example", common_name).unwrap();
        let validity =
            Validity::new("2026-01-01T00:00:00Z".parse().unwrap(), "2045-01-01T00:00:00Z".parse().unwrap());
        let new = NewCertificate {
            profile: &CertificateProfile::Root,
            subject: &name("Root"),
            public_key: &root_key.public(),
            serial: Serial::from_random([1; 16]),
            validity: validity.unwrap(),
            issuer: Issuer::Itself,
        };
        let tbs = new.compose().unwrap();
        let root = tbs.seal(&root_key.sign(tbs.der())).unwrap();
        let new = NewCertificate {
            profile,
            subject: &name("Signer"),
            public_key: &key.public(),
            serial: Serial::from_random([2; 16]),
            issuer: Issuer::Certificate(&root),
            ..new
        };
        let tbs = new.compose().unwrap();
        let certificate = tbs.seal(&root_key.sign(tbs.der())).unwrap();
        Self { key, certificate, root }
    }
}
