//! The room `verify`: its own trust root, and what it says of foreign bundles and CMS signatures.

use std::sync::LazyLock;

use der::pem::decode_vec;
use envelope::cms as signed_data;
use envelope::trusted_root::TrustedRoot;
use model::{Digest, Instant, PublicKey};
use verify::{
    Artifact, BundleTrust, CmsTrust, Evidence, Expectations, Present, TimeSource, TrustRoot, verify_bundle,
    verify_cms,
};

use crate::Reading::{self, Refused, Taken};
use crate::known::{ARTIFACT, CERTIFICATES, ROOTS, SIGNED_ATTRIBUTES, THEN, UNSIGNED};

macro_rules! example {
    ($file:literal) => {
        include_bytes!(concat!("../../crates/verify/tests/vectors/worked-example/", $file))
    };
}

static SIGSTORE: LazyLock<TrustedRoot> =
    LazyLock::new(|| TrustedRoot::from_json(example!("trusted_root.key.json")).expect("a good trusted root"));

static SIGSTORE_OF_CMS: LazyLock<TrustedRoot> =
    LazyLock::new(|| TrustedRoot::from_json(example!("trusted_root.json")).expect("a good trusted root"));

/// The key of the worked example's bundle.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let (_, spki) = decode_vec(example!("blob/key.pub.pem")).expect("a good PEM block");
    PublicKey::from_spki(&spki).expect("a good key")
});

/// A trust root: what is read is written again as the same bytes.
pub fn trust_root(bytes: &[u8]) -> Reading {
    let Ok(root) = TrustRoot::parse(bytes) else { return Refused };
    assert_eq!(root.encode(), bytes, "a trust root is read from its canonical bytes alone");
    assert_eq!(root.registry().platform(), root.platform());
    let _ = (root.expires(), root.roots(), root.logs().count());
    assert!(root.fingerprint().lines().count() == 1, "a fingerprint is read out");
    Taken
}

/// A bundle, verified with the worked example's key and trusted root: it is over that one file or none.
pub fn bundle(bytes: &[u8]) -> Reading {
    let trust = BundleTrust::Given { key: &KEY, sigstore: &SIGSTORE };
    let judge =
        |file, expected: &Expectations| verify_bundle(&artifact(file), bytes, trust, expected, present());
    for expected in [Expectations::default(), lenient()] {
        assert!(judge(UNSIGNED, &expected).is_err(), "nobody signed that");
    }
    let verdict = judge(ARTIFACT, &Expectations::default());
    assert!(verdict.is_err() || judge(ARTIFACT, &lenient()).is_ok(), "who asks for less gets no less");
    Reading::of(&verdict)
}

/// A CMS signature, verified below the worked example's roots: it is one of that file or none.
pub fn cms(bytes: &[u8]) -> Reading {
    let trust = CmsTrust::Given { roots: &ROOTS, sigstore: &SIGSTORE_OF_CMS };
    let judge =
        |file, expected: &Expectations| verify_cms(&artifact(file), bytes, trust, expected, present());
    assert!(judge(UNSIGNED, &lenient()).is_err(), "nobody signed that");
    let verdict = judge(ARTIFACT, &lenient());
    if verdict.is_ok() {
        let opened = signed_data::open(bytes).expect("what was verified can be opened");
        assert!(SIGNED_ATTRIBUTES.contains(&opened.to_be_signed()), "nobody signed these attributes");
        assert!(opened.certificates().iter().any(|one| CERTIFICATES.contains(one)));
    }
    Reading::of(&verdict)
}

fn artifact(bytes: &[u8]) -> Artifact {
    Artifact { digests: Digest::of(bytes).into(), name: None }
}

/// What asks for no evidence of time and log.
fn lenient() -> Expectations {
    Expectations { timestamp: Evidence::IfPresent, log: Evidence::IfPresent, ..Expectations::default() }
}

/// An hour after the example was made.
fn present() -> Present {
    Present { at: Instant::from_seconds(THEN.seconds() + 3_600), source: TimeSource::Named }
}
