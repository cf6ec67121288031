//! The bundle cases of the public conformance suite: every one that must be accepted is, and no other.

use std::fs;
use std::path::Path;

use envelope::bundle::Bundle;
use envelope::trusted_root::TrustedRoot;
use model::{Digests, Instant, PublicKey};
use serde_json::{Value, json};
use verify::{Artifact, Identity, Pattern, Present, SignedBy, TimeSource, verify_sigstore};

/// Whom the suite's bundles are by, unless a case says otherwise.
const SUBJECT: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Cases in the suite.
const CASES: usize = 70;

fn present() -> Present {
    let at: Instant = "2026-11-20T00:00:00Z".parse().unwrap();
    Present { at, source: TimeSource::Named }
}

/// What a case brings, or its folder's text of that name.
fn text(case: &Path, name: &str, otherwise: &str) -> String {
    fs::read_to_string(case.join(name)).map_or_else(|_| otherwise.to_owned(), |text| text.trim().to_owned())
}

fn judge(suite: &Path, case: &Path) -> Result<(), String> {
    judge_bundle(suite, case, &fs::read(case.join("bundle.sigstore.json")).unwrap())
}

fn judge_bundle(suite: &Path, case: &Path, bundle: &[u8]) -> Result<(), String> {
    let root = fs::read(case.join("trusted_root.json"))
        .or_else(|_| fs::read(suite.join("trusted_root.production.json")))
        .unwrap();
    let root = TrustedRoot::from_json(&root).map_err(|error| model::told(&error))?;
    let artifact = fs::read(case.join("artifact")).or_else(|_| fs::read(suite.join("a.txt"))).unwrap();
    let artifact = Artifact { digests: Digests::of(&artifact, &[]), name: None };
    let key = case.join("key.pub").exists().then(|| key(&text(case, "key.pub", ""))).transpose()?;
    let identity = Identity {
        subject: Pattern::exactly(&text(case, "identity", SUBJECT)).unwrap(),
        issuer: Pattern::exactly(&text(case, "issuer", ISSUER)).unwrap(),
    };
    let signed_by = key.as_ref().map_or(SignedBy::Holder(&identity), SignedBy::Key);
    let verified = verify_sigstore(&artifact, bundle, signed_by, &root, present());
    verified.map(drop).map_err(|refused| model::told(&refused))
}

fn key(pem: &str) -> Result<PublicKey, String> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let spki = data_encoding::BASE64.decode(body.as_bytes()).map_err(|error| error.to_string())?;
    PublicKey::from_spki(&spki).map_err(|error| error.to_string())
}

#[test]
fn every_case_of_the_conformance_suite_is_judged_as_it_must_be() {
    let Some(vectors) = testkit::vectors() else { return };
    let suite = vectors.join("sigstore-conformance");
    let mut cases: Vec<_> =
        fs::read_dir(suite.join("bundle-verify")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert_eq!(cases.len(), CASES);
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        match (judge(&suite, case), name.ends_with("_fail")) {
            (Ok(()), true) => wrong.push(format!("{name}: accepted")),
            (Err(why), false) => wrong.push(format!("{name}: {why}")),
            (Err(why), true) => println!("{name}: {why}"),
            (Ok(()), false) => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {CASES}:\n{}", wrong.len(), wrong.join("\n"));
}

/// An attestation of the suite, as Python's package index would publish it (PEP 740).
#[test]
fn a_published_attestation_is_the_bundle_that_it_was_made_of_and_each_change_is_refused() {
    let Some(vectors) = testkit::vectors() else { return };
    let suite = vectors.join("sigstore-conformance");
    let case = suite.join("bundle-verify/happy-path-intoto-in-dsse-v3");
    let bundle: Value =
        serde_json::from_slice(&fs::read(case.join("bundle.sigstore.json")).unwrap()).unwrap();
    let (material, envelope) = (&bundle["verificationMaterial"], &bundle["dsseEnvelope"]);
    let published = json!({
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    });
    let judge = |published: &Value| {
        let bundle = Bundle::from_published(published.to_string().as_bytes());
        let bundle = bundle.map_err(|error| model::told(&error))?;
        judge_bundle(&suite, &case, &bundle.to_json())
    };
    judge(&published).unwrap();
    let mut in_lines = published.clone();
    let statement = published["envelope"]["statement"].as_str().unwrap().as_bytes();
    let lines: Vec<&str> = statement.chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    in_lines["envelope"]["statement"] = format!("{}\n", lines.join("\n")).into();
    judge(&in_lines).unwrap();
    let other = fs::read(suite.join("bundle-verify/rekor2-dsse-happy-path/bundle.sigstore.json")).unwrap();
    let other: Value = serde_json::from_slice(&other).unwrap();
    let changes = [
        ("/version", json!(2)),
        ("/envelope/statement", other["dsseEnvelope"]["payload"].clone()),
        ("/envelope/signature", other["dsseEnvelope"]["signatures"][0]["sig"].clone()),
        (
            "/verification_material/certificate",
            other["verificationMaterial"]["certificate"]["rawBytes"].clone(),
        ),
        ("/verification_material/transparency_entries", json!([])),
    ];
    for (pointer, value) in changes {
        let mut changed = published.clone();
        let place = changed.pointer_mut(pointer).unwrap();
        assert_ne!(*place, value, "{pointer}");
        *place = value;
        assert!(judge(&changed).is_err(), "{pointer}");
    }
}
