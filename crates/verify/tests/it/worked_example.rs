//! The worked example: data that cosign, sigstore-python, @sigstore/verify and OpenSSL accept, and every change of it.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use envelope::trusted_root::TrustedRoot;
use model::{Digest, Instant, PublicKey};
use pki::Certificate;
use serde_json::Value;
use verify::{
    Artifact, BundleTrust, CmsTrust, Expectations, Present, Refused, TimeSource, Verified, Whose,
    verify_bundle, verify_cms,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/worked-example")
}

fn read(path: &str) -> Vec<u8> {
    fs::read(folder().join(path)).unwrap()
}

fn spki(pem: &[u8]) -> PublicKey {
    let text = std::str::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    PublicKey::from_spki(&BASE64.decode(body.as_bytes()).unwrap()).unwrap()
}

fn artifact(bytes: &[u8]) -> Artifact {
    Artifact { digests: Digest::of(bytes).into(), name: Some("artifact.txt".to_owned()) }
}

/// An hour after the example was made.
fn present() -> Present {
    Present { at: "2026-11-20T10:06:42Z".parse().unwrap(), source: TimeSource::Named }
}

fn judge_bundle(file: &[u8], bundle: &[u8], key: &PublicKey, root: &[u8]) -> Result<Verified, Refused> {
    let sigstore = TrustedRoot::from_json(root).unwrap();
    let trust = BundleTrust::Given { key, sigstore: &sigstore };
    verify_bundle(&artifact(file), bundle, trust, &Expectations::default(), present())
}

#[test]
fn a_bundle_of_a_managed_key_verifies_with_key_and_trusted_root() {
    let verified = judge_bundle(
        &read("artifact.txt"),
        &read("blob/bundle.sigstore.json"),
        &spki(&read("blob/key.pub.pem")),
        &read("trusted_root.key.json"),
    )
    .unwrap();
    let [item] = verified.items() else { panic!("one signature") };
    assert_eq!(item.time().at, "2026-11-20T09:06:42Z".parse::<Instant>().unwrap());
    assert!(matches!(&item.time().whose, Whose::TimestampAuthority { .. }));
    let said: Vec<String> = item.proven().iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|line| line.contains("entry 3 of the log sign.example.test")), "{said:#?}");
}

#[test]
fn a_cms_signature_with_a_token_verifies_with_its_root() {
    for kind in ["rsa", "ecdsa"] {
        let verified =
            judge_cms(kind, &read("artifact.txt"), &read(&format!("cms/{kind}/artifact.txt.p7s")), None);
        let verified = verified.unwrap_or_else(|refused| panic!("{kind}: {refused:?}"));
        assert_eq!(verified.items().len(), 1);
    }
}

fn judge_cms(kind: &str, file: &[u8], p7s: &[u8], root: Option<&[u8]>) -> Result<Verified, Refused> {
    let pem = root.map_or_else(|| read(&format!("cms/{kind}/root.pem")), <[u8]>::to_vec);
    let roots = [Certificate::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap()];
    let sigstore = TrustedRoot::from_json(&read("trusted_root.json")).unwrap();
    let trust = CmsTrust::Given { roots: &roots, sigstore: &sigstore };
    verify_cms(&artifact(file), p7s, trust, &Expectations::default(), present())
}

#[test]
fn every_change_of_the_tamper_matrix_is_refused_for_bundles_of_a_managed_key() {
    let cases: Vec<Value> = serde_json::from_slice(&read("tamper-matrix.json")).unwrap();
    let mut judged = 0;
    for case in cases.iter().filter(|case| case["example"] == "blob") {
        judged += 1;
        let part = case["part"].as_str().unwrap();
        let mut bundle = blob_bundle();
        let mut root: Value = serde_json::from_slice(&read("trusted_root.json")).unwrap();
        let mut file = read("artifact.txt");
        change(&mut bundle, case.get("bundle"));
        change(&mut root, case.get("trusted_root"));
        flip(&mut file, case.get("file"));
        let key =
            case.get("key").map_or_else(|| read("blob/key.pub.pem"), |pem| pem.as_str().unwrap().into());
        let (bundle, root) = (serde_json::to_vec(&bundle).unwrap(), serde_json::to_vec(&root).unwrap());
        let refused = match TrustedRoot::from_json(&root) {
            Err(_) => true,
            Ok(_) => judge_bundle(&file, &bundle, &spki(&key), &root).is_err(),
        };
        assert_eq!(refused, part != "(untouched)", "{case:#}");
    }
    assert!(judged > 40, "{judged} cases");
}

#[test]
fn every_change_of_the_tamper_matrix_is_refused_for_cms() {
    let cases: Vec<Value> = serde_json::from_slice(&read("tamper-matrix.cms.json")).unwrap();
    let mut judged = 0;
    for case in &cases {
        judged += 1;
        let example = case["example"].as_str().unwrap();
        let kind = example.rsplit('/').next().unwrap();
        let (mut file, mut p7s) = (read("artifact.txt"), read(&format!("cms/{kind}/artifact.txt.p7s")));
        flip(&mut file, case.get("file"));
        match case.get("p7s").and_then(|change| change.get("replace")) {
            Some(whole) => p7s = BASE64.decode(whole.as_str().unwrap().as_bytes()).unwrap(),
            None => flip(&mut p7s, case.get("p7s")),
        }
        let root = case.get("root").map(|name| {
            let name = name.as_str().unwrap();
            if name.starts_with("-----") { name.as_bytes().to_vec() } else { read(name) }
        });
        let outcome = judge_cms(kind, &file, &p7s, root.as_deref());
        assert_eq!(outcome.is_err(), case["part"] != "(untouched)", "{case:#}: {outcome:?}");
    }
    assert_eq!(judged, 38);
}

fn flip(bytes: &mut [u8], change: Option<&Value>) {
    let Some(change) = change else { return };
    let offset = change["offset"].as_u64().unwrap() as usize;
    bytes[offset] ^= change["xor"].as_u64().unwrap() as u8;
}

fn change(json: &mut Value, changes: Option<&Value>) {
    for change in changes.and_then(Value::as_array).into_iter().flatten() {
        let at = change["at"].as_str().unwrap();
        let (parent, last) = at.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        let parent = json.pointer_mut(parent).unwrap();
        let value = change.get("value").cloned();
        match (change["op"].as_str().unwrap(), parent) {
            ("set", Value::Object(map)) => drop(map.insert(last, value.unwrap())),
            ("set", Value::Array(list)) if last == "-" => list.push(value.unwrap()),
            ("set", Value::Array(list)) => {
                let index: usize = last.parse().unwrap();
                if index < list.len() { list[index] = value.unwrap() } else { list.push(value.unwrap()) }
            }
            ("remove", Value::Object(map)) => drop(map.remove(&last)),
            ("remove", Value::Array(list)) => drop(list.remove(last.parse().unwrap())),
            (op, parent) => panic!("{op} {at} of {parent}"),
        }
    }
}

fn blob_bundle() -> Value {
    serde_json::from_slice(&read("blob/bundle.sigstore.json")).unwrap()
}

/// Why the blob's bundle is refused, as it was changed.
fn refusal_of(bundle: &Value) -> verify::Refused {
    let (bundle, key) = (serde_json::to_vec(bundle).unwrap(), spki(&read("blob/key.pub.pem")));
    judge_bundle(&read("artifact.txt"), &bundle, &key, &read("trusted_root.key.json")).unwrap_err()
}

/// CVE-2026-48816: a time was believed to which no proof binds the entry.
#[test]
fn an_integrated_time_that_nothing_binds_is_refused() {
    let mut bundle = blob_bundle();
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1795165602".into();
    let refused = refusal_of(&bundle);
    assert!(format!("{refused:?}").contains("integratedTime"), "{refused:?}");
}

/// CVE-2026-49834: a threshold counted entries, and not the logs that they came from.
#[test]
fn two_entries_of_one_log_are_not_two_logs_but_a_refusal() {
    let mut bundle = blob_bundle();
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap();
    entries.push(entries[0].clone());
    let refused = refusal_of(&bundle);
    assert_eq!(refused.part(), verify::Part::LogEntry);
}

/// CVE-2024-45395, GHSA-cq38-jh5f-37mq: a bundle could be made to be verified for ever.
#[test]
fn a_bundle_without_bounds_is_refused_before_anything_is_verified() {
    let mut bundle = blob_bundle();
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap();
    let one = entries[0].clone();
    entries.extend(std::iter::repeat_n(one, 32));
    let refused = refusal_of(&bundle);
    assert_eq!(refused.part(), verify::Part::Bundle);
}

/// CVE-2026-22703: any valid entry of the log would do.
#[test]
fn a_log_entry_of_another_signature_is_refused_however_well_it_is_logged() {
    let mut bundle = blob_bundle();
    let other: Value = serde_json::from_slice(&read("dsse-key/bundle.sigstore.json")).unwrap();
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    let refused = refusal_of(&bundle);
    assert_eq!(refused.part(), verify::Part::LogEntry);
}

#[test]
fn a_token_from_the_future_cannot_be_checked_and_is_not_called_bad() {
    let sigstore = TrustedRoot::from_json(&read("trusted_root.key.json")).unwrap();
    let key = spki(&read("blob/key.pub.pem"));
    let trust = BundleTrust::Given { key: &key, sigstore: &sigstore };
    let yesterday = Present { at: "2026-11-19T09:06:42Z".parse().unwrap(), source: TimeSource::SystemClock };
    let bundle = read("blob/bundle.sigstore.json");
    let artifact = artifact(&read("artifact.txt"));
    let refused = verify_bundle(&artifact, &bundle, trust, &Expectations::default(), yesterday).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { .. }), "{refused:?}");
}

/// CVE-2026-48815: a documented expectation was dropped without a word.
#[test]
fn no_expectation_is_dropped_because_a_bundle_cannot_meet_it() {
    let sigstore = TrustedRoot::from_json(&read("trusted_root.key.json")).unwrap();
    let key = spki(&read("blob/key.pub.pem"));
    let trust = BundleTrust::Given { key: &key, sigstore: &sigstore };
    let (bundle, artifact) = (read("blob/bundle.sigstore.json"), artifact(&read("artifact.txt")));
    let expecting: [Expectations; 5] = [
        Expectations { product: Some("firmware".to_owned()), ..Expectations::default() },
        Expectations { version: Some("1.0".to_owned()), ..Expectations::default() },
        Expectations { class: Some(model::Class::Release), ..Expectations::default() },
        Expectations { profile: Some("default".parse().unwrap()), ..Expectations::default() },
        Expectations { quorum: verify::QuorumExpectation::Required, ..Expectations::default() },
    ];
    for expectations in expecting {
        assert!(
            verify_bundle(&artifact, &bundle, trust, &expectations, present()).is_err(),
            "{expectations:?}"
        );
    }
}
