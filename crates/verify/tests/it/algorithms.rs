//! Keys that hash otherwise than with SHA-256: a file is held to the digest by which it was signed, and where nobody
//! computed that one, nothing is said of it.

use std::fs;
use std::path::Path;

use envelope::bundle::{Bundle, Content, Signer, key_hint};
use envelope::trusted_root::TrustedRoot;
use envelope::{Chosen, ToBeSigned, cms, compose};
use model::{
    Algorithm, Digest, Digest384, Digests, FileClaim, Form, Hash, Hashed, Hex16, Instant, Item, ItemKey,
    Parameters,
};
use pki::{Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};
use testkit::Key;
use verify::{
    Artifact, BundleTrust, CmsTrust, Evidence, Expectations, Gap, Present, Refused, TimeSource, Verified,
    verify_bundle, verify_cms,
};

const FILE: &[u8] = b"what the organisation ships\n";
const OTHER: &[u8] = b"what it does not ship\n";

fn artifact(bytes: &[u8], others: &[Hash]) -> Artifact {
    Artifact { digests: Digests::of(bytes, others), name: None }
}

fn then() -> Instant {
    "2026-11-20T09:06:42Z".parse().unwrap()
}

fn present() -> Present {
    Present { at: then(), source: TimeSource::Named }
}

/// Nothing but signature and file.
fn lenient() -> Expectations {
    Expectations { timestamp: Evidence::IfPresent, log: Evidence::IfPresent, ..Expectations::default() }
}

fn sigstore() -> TrustedRoot {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/worked-example/trusted_root.json");
    TrustedRoot::from_json(&fs::read(path).unwrap()).unwrap()
}

fn bundle(key: &Key, hint: Hashed) -> Vec<u8> {
    let signer = Signer::Key { hint: key_hint(&key.public()) };
    Bundle::seal(signer, Content::message(&hint, &key.sign(FILE)), None, None).to_json()
}

fn judge(artifact: &Artifact, bundle: &[u8], key: &Key) -> Result<Verified, Refused> {
    let trust = BundleTrust::Given { key: &key.public(), sigstore: &sigstore() };
    verify_bundle(artifact, bundle, trust, &lenient(), present())
}

const SHA384: &[Hash] = &[Hash::Sha384];

fn sha256_of(bytes: &[u8]) -> Hashed {
    Hashed::Sha256(Digest::of(bytes))
}

fn sha384_of(bytes: &[u8]) -> Hashed {
    Hashed::Sha384(Digest384::of(bytes))
}

#[test]
fn a_bundle_of_a_p384_key_is_held_to_the_sha_384_of_the_file() {
    let key = Key::generate(Algorithm::EcdsaP384);
    // Which hash the hint goes by is a custom, and not what was signed.
    for hint in [sha384_of(FILE), sha256_of(FILE)] {
        let bundle = bundle(&key, hint);
        judge(&artifact(FILE, SHA384), &bundle, &key).unwrap();
        let other = judge(&artifact(OTHER, SHA384), &bundle, &key).unwrap_err();
        assert!(matches!(other, Refused::Bad { .. }), "{other:?}");
        let unknown = judge(&artifact(FILE, &[]), &bundle, &key).unwrap_err();
        assert!(
            matches!(unknown, Refused::CannotCheck { gap: Gap::DigestUnknown { .. }, .. }),
            "{unknown:?}"
        );
        assert_eq!(unknown.hash_needed(), Some(Hash::Sha384));
    }
    for hint in [sha384_of(OTHER), sha256_of(OTHER)] {
        let refused = judge(&artifact(FILE, SHA384), &bundle(&key, hint), &key).unwrap_err();
        assert!(matches!(refused, Refused::Bad { .. }), "{refused:?}");
    }
}

#[test]
fn a_bundle_of_a_key_that_hashes_with_sha_256_may_name_another_digest_of_the_same_file() {
    let key = Key::generate(Algorithm::EcdsaP256);
    judge(&artifact(FILE, &[]), &bundle(&key, sha256_of(FILE)), &key).unwrap();
    let by_sha384 = bundle(&key, sha384_of(FILE));
    judge(&artifact(FILE, SHA384), &by_sha384, &key).unwrap();
    assert_eq!(judge(&artifact(FILE, &[]), &by_sha384, &key).unwrap_err().hash_needed(), Some(Hash::Sha384));
}

#[test]
fn a_bundle_over_the_bytes_themselves_cannot_be_checked_by_a_digest() {
    let key = Key::generate(Algorithm::Ed25519);
    let refused = judge(&artifact(FILE, SHA384), &bundle(&key, sha256_of(FILE)), &key).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { gap: Gap::Unsupported { .. }, .. }), "{refused:?}");
    assert_eq!(refused.hash_needed(), None);
}

/// A CMS signature over [`FILE`] by a key of this algorithm, and the root above it.
fn signed_cms(algorithm: Algorithm) -> (Vec<u8>, Certificate) {
    let (root_key, key) = (Key::generate(Algorithm::EcdsaP256), Key::generate(algorithm));
    let certificate = |profile: &CertificateProfile, key: &Key, issuer: Issuer<'_>| {
        let new = NewCertificate {
            profile,
            subject: &DistinguishedName::new("Example", &format!("{profile:?}")).unwrap(),
            public_key: &key.public(),
            serial: Serial::from_random([1; 16]),
            validity: Validity::new(Instant::from_seconds(then().seconds() - 60), then().after(HOUR))
                .unwrap(),
            issuer,
        };
        let tbs = new.compose().unwrap();
        tbs.seal(&root_key.sign(tbs.der())).unwrap()
    };
    let root = certificate(&CertificateProfile::Root, &root_key, Issuer::Itself);
    let leaf = certificate(&CertificateProfile::CodeSigning, &key, Issuer::Certificate(&root));
    let composed = compose(&item(), &Chosen::SigningTime(then()), Some(&leaf)).unwrap();
    let ToBeSigned::Message(attributes) = composed else { panic!("attributes") };
    (cms::seal(&attributes, &[leaf], &key.sign(&attributes), None).unwrap(), root)
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Inline, so that a key of any algorithm can sign it.
fn item() -> Item {
    Item {
        index: 0,
        salt: Hex16([0; 16]),
        name: "firmware.bin".to_owned(),
        format: "blob".parse().unwrap(),
        form: Form::Cms,
        parameters: Parameters::default(),
        key: ItemKey { name: "default/cms".parse().unwrap(), generation: 1, record: Digest::ZERO },
        content: model::Content::Inline { bytes: model::Base64(FILE.to_vec()) },
        file: FileClaim { sha256: Digest::of(FILE), size: FILE.len() as u64 },
    }
}

#[test]
fn a_cms_signature_is_held_to_the_digest_that_its_attributes_name() {
    for (algorithm, hash) in [(Algorithm::EcdsaP384, Hash::Sha384), (Algorithm::Ed25519, Hash::Sha512)] {
        let (p7s, root) = signed_cms(algorithm);
        let judge = |artifact: &Artifact| {
            let (roots, sigstore) = (std::slice::from_ref(&root), sigstore());
            verify_cms(artifact, &p7s, CmsTrust::Given { roots, sigstore: &sigstore }, &lenient(), present())
        };
        judge(&artifact(FILE, &[hash])).unwrap();
        let other = judge(&artifact(OTHER, &[hash])).unwrap_err();
        assert!(matches!(other, Refused::Bad { .. }), "{algorithm}: {other:?}");
        assert_eq!(judge(&artifact(FILE, &[])).unwrap_err().hash_needed(), Some(hash), "{algorithm}");
    }
}
