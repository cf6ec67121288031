//! Throwaway keys, and certificates made with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use model::{Algorithm, Instant, PublicKey};
use pki::{Certificate, DistinguishedName, Issuer, NewCertificate, Profile, Serial, TbsCertificate, Validity};

pub(crate) enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        let ecdsa = |curve| Self::Ecdsa(EcdsaKeyPair::generate(curve).unwrap());
        let rsa = |size| Self::Rsa(RsaKeyPair::generate(size).unwrap());
        match algorithm {
            Algorithm::EcdsaP256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Algorithm::EcdsaP384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Algorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Rsa2048 => rsa(KeySize::Rsa2048),
            Algorithm::Rsa3072 => rsa(KeySize::Rsa3072),
            Algorithm::Rsa4096 => rsa(KeySize::Rsa4096),
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
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::new("Example", common_name).unwrap()
}

/// Within the validity of everything that is made here.
pub(crate) const NOW: &str = "2026-11-20T09:06:42Z";

pub(crate) fn validity() -> Validity {
    Validity::new(at("2026-01-01T00:00:00Z"), at("2045-01-01T00:00:00Z")).unwrap()
}

/// A root with its key, as a test needs one.
pub(crate) struct Authority {
    pub(crate) key: Key,
    pub(crate) certificate: Certificate,
}

impl Authority {
    pub(crate) fn new(algorithm: Algorithm, common_name: &str, profile: &Profile) -> Self {
        let key = Key::generate(algorithm);
        let public_key = key.public();
        let new = NewCertificate {
            profile,
            subject: &name(common_name),
            public_key: &public_key,
            serial: Serial::from_random([1; 16]),
            validity: Validity::new(at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:00Z")).unwrap(),
            issuer: Issuer::Itself,
        };
        let certificate = seal(&new.compose().unwrap(), &key);
        Self { key, certificate }
    }

    pub(crate) fn root(algorithm: Algorithm) -> Self {
        Self::new(algorithm, "Root", &Profile::Root)
    }

    pub(crate) fn issue(&self, profile: &Profile, common_name: &str, public_key: &PublicKey) -> Certificate {
        self.issue_for(profile, common_name, public_key, validity())
    }

    pub(crate) fn issue_for(
        &self,
        profile: &Profile,
        common_name: &str,
        public_key: &PublicKey,
        validity: Validity,
    ) -> Certificate {
        let new = NewCertificate {
            profile,
            subject: &name(common_name),
            public_key,
            serial: Serial::from_random([2; 16]),
            validity,
            issuer: Issuer::Certificate(&self.certificate),
        };
        seal(&new.compose().unwrap(), &self.key)
    }

    /// Signs the certificate again after `change` has had its way with the bytes that are signed.
    pub(crate) fn reissue(&self, certificate: &Certificate, find: &[u8], replacement: &[u8]) -> Certificate {
        assert_eq!(find.len(), replacement.len(), "lengths around it would no longer be right");
        let mut tbs = certificate.tbs_der();
        let place = tbs.windows(find.len()).rposition(|window| window == find).expect("the bytes to be changed");
        tbs[place..place + find.len()].copy_from_slice(replacement);
        sealed(&tbs, &certificate.signature_algorithm_der(), &self.key.sign(&tbs))
    }
}

pub(crate) fn seal(tbs: &TbsCertificate, key: &Key) -> Certificate {
    tbs.seal(&key.sign(tbs.der())).unwrap()
}

/// A certificate from its three parts, without the help of what is tested.
pub(crate) fn sealed(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Certificate {
    let bits = tlv(0x03, &[&[0], signature].concat());
    Certificate::from_der(&tlv(0x30, &[tbs, algorithm, &bits].concat())).unwrap()
}

pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let header = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&header, contents].concat()
}

/// The text of an error with all its causes.
pub(crate) fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
