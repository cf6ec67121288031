//! The worked example, throwaway keys, and certificates made with them.

use std::path::PathBuf;

use data_encoding::BASE64;
use model::{
    Algorithm, Base64, Carried, Content, Digest, FileClaim, Form, HashState, Hashed, Hex16, Instant, Item,
    ItemKey, Parameters, PublicKey,
};
use pki::{Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};
pub(crate) use testkit::Key;

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

/// An item over these bytes as a key of this algorithm needs it.
pub(crate) fn carried_item(form: Form, algorithm: Algorithm, content: &[u8]) -> Item {
    match form.carries(algorithm) {
        Carried::Digest(hash) => {
            let hashed = Hashed::from_slice(hash, &hash.digest(content)).unwrap();
            Item { content: (hashed, content.len() as u64).into(), ..item(form, content) }
        }
        Carried::State(hash) => {
            let mut state = HashState::new(hash).unwrap();
            state.update(content);
            Item { content: Content::State(state), ..item(form, content) }
        }
        Carried::Inline => inline_item(form, content),
    }
}

/// An item that holds these bytes.
pub(crate) fn inline_item(form: Form, content: &[u8]) -> Item {
    Item { content: Content::Inline { bytes: Base64(content.to_vec()) }, ..item(form, content) }
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
