//! What others got wrong, tried here: each test names the advisories of which it is the lesson. The table of all of them
//! is docs/reference/advisories.md.

use envelope::ToBeSigned;
use envelope::detached::{self, Kind as Written};
use envelope::rekor::{Body, Verifier};
use model::receipt::Receipt;
use model::{Digest, Form, Hashed, limits};
use pki::Certificate;
use quorum::{Change, KeyRecord, KeyState};
use serde_json::{Value, json};
use testkit::founding::key_record;
use verify::{
    Artifact, BundleTrust, Expectations, Fault, Gap, Part, Present, Refused, TimeSource, TrustRoot, Verified,
    verify_bundle, verify_receipt,
};

use crate::platform::{FILE, Pair, Platform, at};

fn file() -> Artifact {
    Artifact { digests: Digest::of(FILE).into(), name: None }
}

fn present() -> Present {
    Present { at: at(3_600), source: TimeSource::Named }
}

fn judge(receipt: &Receipt, root: &TrustRoot) -> Result<Verified, Refused> {
    verify_receipt(&file(), receipt, root, &Expectations::default(), present())
}

fn bundle_of(receipt: &Receipt, root: &TrustRoot) -> Value {
    let log_id = root.logs().next().unwrap().log_id();
    let files = detached::of_item(&receipt.items[0], Some(&log_id)).unwrap();
    let bundle = files.into_iter().find(|file| file.kind == Written::Bundle).unwrap();
    serde_json::from_slice(&bundle.bytes).unwrap()
}

fn judge_bundle(bundle: &Value, root: &TrustRoot) -> Result<Verified, Refused> {
    let (json, trust) = (serde_json::to_vec(bundle).unwrap(), BundleTrust::Platform(root));
    verify_bundle(&file(), &json, trust, &Expectations::default(), present())
}

/// CVE-2022-36056, CVE-2024-53267, CVE-2024-51746: a good entry of the log was taken for that of another signature.
#[test]
fn a_logged_entry_that_differs_in_digest_signature_or_signer_is_bad() {
    let platform = Platform::new();
    let (root, good) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    judge(&good, &root).unwrap();
    let signed = &good.items[0];
    let (own, other) = (platform.blob.sign(FILE), Pair::p256());
    let body = |bytes: &[u8], pair: &Pair, signature: &[u8]| {
        let bytes = ToBeSigned::Hashed(Hashed::Sha256(Digest::of(bytes)));
        Body::new(&bytes, signature, Verifier::PublicKey(pair.public())).unwrap().encode()
    };
    for (field, body) in [
        ("digest", body(b"another file", &platform.blob, &signed.signature.0)),
        ("signature", body(FILE, &platform.blob, &own)),
        ("signer", body(FILE, &other, &signed.signature.0)),
    ] {
        let mut receipt = good.clone();
        receipt.items[0].log = Some(platform.log_entry(&body));
        let refused = judge(&receipt, &root).unwrap_err();
        let Refused::Bad { part: Part::LogEntry, fault: Fault::OtherEntry { field: found }, .. } = refused
        else {
            panic!("{field}: {refused:?}")
        };
        assert_eq!(found, field);
    }
}

/// CVE-2026-39395, CVE-2022-36056: what could not be read was passed over, and the rest was good.
#[test]
fn a_part_that_cannot_be_read_is_refused_and_never_passed_over() {
    let platform = Platform::new();
    let (root, good) = (platform.trust_root(), platform.sign(&["default/cms", "default/governed"], at(100)));
    let json: Value = serde_json::from_slice(&good.encode()).unwrap();
    judge(&good, &root).unwrap();
    for part in [
        "/request",
        "/endorsements/0",
        "/items/0/item",
        "/items/0/chain/0",
        "/items/0/signature",
        "/items/0/chosen",
        "/items/0/timestamp",
        "/items/0/log/body",
        "/items/0/log/checkpoint",
        "/items/0/journal/leaf",
        "/items/0/journal/checkpoint",
    ] {
        for unreadable in ["", "e30=", "AAAA"] {
            let mut changed = json.clone();
            *changed.pointer_mut(part).unwrap_or_else(|| panic!("{part} is not there")) = json!(unreadable);
            let receipt: Receipt = serde_json::from_value(changed).unwrap();
            assert!(judge(&receipt, &root).is_err(), "{part} as `{unreadable}`");
        }
    }
}

/// CVE-2026-31830: the comparison of a stated digest was made, and its outcome not looked at.
#[test]
fn a_digest_that_is_stated_and_is_not_the_files_is_bad_though_the_signature_is_good() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    let mut bundle = bundle_of(&receipt, &root);
    judge_bundle(&bundle, &root).unwrap();
    let other = data_encoding::BASE64.encode(Digest::of(b"another file").as_bytes());
    *bundle.pointer_mut("/messageSignature/messageDigest/digest").unwrap() = json!(other);
    let refused = judge_bundle(&bundle, &root).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::File, .. }), "{refused:?}");
}

/// GHSA-fx35-mq7g-6g98: a public key inside a bundle was believed.
#[test]
fn a_bundle_that_brings_a_key_of_its_own_is_refused() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    let own = Pair::p256();
    let mut bundle = bundle_of(&receipt, &root);
    let signature = data_encoding::BASE64.encode(&own.sign(FILE));
    *bundle.pointer_mut("/messageSignature/signature").unwrap() = json!(signature);
    let hint = envelope::bundle::key_hint(&own.public());
    *bundle.pointer_mut("/verificationMaterial/publicKey/hint").unwrap() = json!(hint);
    let refused = judge_bundle(&bundle, &root).unwrap_err();
    assert_eq!(refused.part(), Part::Key, "{refused:?}");
    let spki = data_encoding::BASE64.encode(own.public().spki());
    *bundle.pointer_mut("/verificationMaterial/publicKey").unwrap() = json!({ "rawBytes": spki });
    let refused = judge_bundle(&bundle, &root).unwrap_err();
    assert_eq!(refused.part(), Part::Bundle, "{refused:?}");
}

/// CVE-2024-45395, CVE-2024-29903, GO-2023-1829, GO-2023-1831: counts that strangers give had no bounds.
#[test]
fn a_receipt_without_bounds_is_refused_before_anything_is_verified() {
    let platform = Platform::new();
    let (root, good) = (platform.trust_root(), platform.sign(&["default/governed"], at(100)));
    let many = |count: usize| -> Vec<String> { vec![good.endorsements[0].clone(); count] };
    let endorsements = Receipt { endorsements: many(limits::ENDORSEMENTS_MAX + 1), ..good.clone() };
    let items = vec![good.items[0].clone(); limits::ITEMS_MAX + 1];
    let items = Receipt { items, ..good.clone() };
    let mut chain = platform.sign(&["default/cms"], at(100));
    let certificate = chain.items[0].chain[0].clone();
    chain.items[0].chain = vec![certificate; pki::CHAIN_MAX + 1];
    for (receipt, part) in
        [(endorsements, Part::Endorsements), (items, Part::Receipt), (chain, Part::Certificate)]
    {
        let refused = judge(&receipt, &root).unwrap_err();
        assert!(matches!(refused, Refused::Bad { fault: Fault::Count { .. }, .. }), "{refused:?}");
        assert_eq!(refused.part(), part);
    }
    let whole = vec![b' '; limits::RECEIPT_BYTES_MAX + 1];
    assert!(Receipt::parse(&whole).is_err());
}

/// CVE-2026-54787: the window of a long-lived key was not held against the time of the signature.
#[test]
fn a_signature_from_outside_its_keys_validity_is_bad_however_well_it_is_stamped() {
    let mut platform = Platform::new();
    platform.blob = Pair::p256();
    let record = KeyRecord {
        generation: 2,
        not_before: at(60),
        not_after: at(500),
        takes_over: None,
        ..key_record("default/blob", Form::Blob, platform.blob.public(), at(0))
    };
    platform.change(vec![Change::Key(record)], at(50));
    let root = platform.trust_root();
    for (signed, is_good) in [(59, false), (60, true), (499, true), (500, false)] {
        let verdict = judge(&platform.sign(&["default/blob"], at(signed)), &root);
        match verdict {
            Ok(_) => assert!(is_good, "signed at {signed}"),
            Err(Refused::Bad { part: Part::Key, fault: Fault::OutsideValidity { .. }, .. }) => {
                assert!(!is_good, "signed at {signed}");
            }
            Err(other) => panic!("signed at {signed}: {other:?}"),
        }
    }
}

/// CVE-2023-47122: the log's key was fetched from the log.
#[test]
fn a_checkpoint_is_believed_for_a_key_of_the_trust_root_and_for_no_key_that_comes_along() {
    let platform = Platform::new();
    let (root, mut receipt) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    let body = receipt.items[0].log.as_ref().unwrap().body.0.clone();
    receipt.items[0].log = Some(platform.log_entry_by(&Pair::ed25519(), &body));
    let refused = judge(&receipt, &root).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::Checkpoint, .. }), "{refused:?}");
    // A key that is no log's in the registry makes no trust root either.
    let mut json: Value = serde_json::from_slice(&root.encode()).unwrap();
    let spki = data_encoding::BASE64.encode(Pair::ed25519().public().spki());
    *json.pointer_mut("/sigstore/tlogs/0/publicKey/rawBytes").unwrap() = json!(spki);
    assert!(TrustRoot::parse(&model::to_canonical(&json)).is_err());
}

/// GO-2025-3381: whether the certificate of a timestamp authority was revoked was not looked at.
#[test]
fn a_token_by_an_authority_that_was_revoked_before_is_bad_and_an_earlier_one_stands() {
    let mut platform = Platform::new();
    let (before, after) =
        (platform.sign(&["default/blob"], at(100)), platform.sign(&["default/blob"], at(300)));
    platform.revoke(Form::Timestamp, KeyState::Revoked, at(200));
    let root = platform.trust_root();
    judge(&before, &root).unwrap();
    let refused = judge(&after, &root).unwrap_err();
    assert!(
        matches!(refused, Refused::Bad { part: Part::Timestamp, fault: Fault::OutsideWindow { .. }, .. }),
        "{refused:?}"
    );
}

/// CVE-2023-33959: a registry gave another artifact than the one whose signature was verified.
#[test]
fn a_signature_is_of_the_bytes_at_hand_and_of_no_others_that_go_by_the_same_name() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    let other = Artifact { digests: Digest::of(b"another").into(), name: Some("firmware.bin".to_owned()) };
    let refused = verify_receipt(&other, &receipt, &root, &Expectations::default(), present()).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::File, .. }), "{refused:?}");
}

/// CVE-2022-35930: evidence of another kind than the policy asks for satisfied it.
#[test]
fn evidence_of_another_kind_or_of_a_bundle_with_a_certificate_is_not_taken_for_what_is_asked() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/cms"], at(100)));
    let certificate = Certificate::from_der(&receipt.items[0].chain[0].0).unwrap();
    let mut bundle = bundle_of(&platform.sign(&["default/blob"], at(100)), &root);
    let material = bundle.pointer_mut("/verificationMaterial").unwrap().as_object_mut().unwrap();
    material.remove("publicKey").unwrap();
    let der = data_encoding::BASE64.encode(certificate.der());
    material.insert("certificate".to_owned(), json!({ "rawBytes": der }));
    let refused = judge_bundle(&bundle, &root).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { gap: Gap::Unsupported { .. }, .. }), "{refused:?}");
    let quorum = Expectations { quorum: verify::QuorumExpectation::Required, ..Expectations::default() };
    let refused = verify_receipt(&file(), &receipt, &root, &quorum, present()).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::Expectation, .. }), "{refused:?}");
}
