//! Receipts and projections whose parts are each good, and which somebody put together.

use model::journal::Leaf;
use model::receipt::Receipt;
use model::{Base64, Digest, Form, Instant, PublicKey, to_canonical};
use quorum::{Change, KeyRecord, KeyState};
use serde_json::Value;
use verify::{
    Artifact, BundleTrust, Expectations, Fault, Gap, NotChecked, Part, Present, Refused, RootError,
    TimeSource, TrustRoot, Verified, verify_bundle, verify_receipt,
};

use crate::platform::{FILE, Platform, at};

fn file() -> Artifact {
    Artifact { digests: Digest::of(FILE).into(), name: None }
}

const fn later(at: Instant) -> Present {
    Present { at, source: TimeSource::Named }
}

fn judge(platform: &Platform, receipt: &Receipt) -> Result<Verified, Refused> {
    verify_receipt(&file(), receipt, &platform.trust_root(), &Expectations::default(), later(at(3_600)))
}

#[test]
fn a_bundle_of_a_governed_key_does_not_verify_without_its_receipt() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let log_id = root.logs().next().unwrap().log_id();
    for (key, governed) in [("default/blob", false), ("default/governed", true)] {
        let receipt = platform.sign(&[key], at(100));
        judge(&platform, &receipt).unwrap();
        let files = envelope::detached::of_item(&receipt.items[0], Some(&log_id)).unwrap();
        let bundle = files.iter().find(|file| file.kind == envelope::detached::Kind::Bundle).unwrap();
        let trust = BundleTrust::Platform(&root);
        let verdict =
            verify_bundle(&file(), &bundle.bytes, trust, &Expectations::default(), later(at(3_600)));
        match verdict {
            Ok(_) => assert!(!governed, "stripped of its endorsements"),
            Err(refused) => {
                assert!(governed, "{refused:?}");
                let gap = Gap::NeedsReceipt { what: "quorum" };
                assert!(
                    matches!(&refused, Refused::CannotCheck { part: Part::Endorsements, .. }),
                    "{refused:?} is not {gap}"
                );
            }
        }
    }
}

/// The receipt with another time in its intent, as the journal had it then.
fn timed(platform: &Platform, receipt: &Receipt, time: Instant) -> Receipt {
    let mut receipt = receipt.clone();
    let entry = receipt.items[0].journal.as_mut().unwrap();
    let Leaf::Intent(mut intent) = Leaf::decode(&entry.leaf.0).unwrap() else { panic!("an intent") };
    intent.time = time;
    entry.leaf = Base64(Leaf::Intent(intent).encode());
    let (path, checkpoint) = platform.journalled(platform.journal_origin(), &entry.leaf.0, 1);
    (entry.path, entry.checkpoint) = (path, Some(checkpoint));
    receipt
}

#[test]
fn an_intent_from_outside_its_requests_time_is_bad() {
    let platform = Platform::new();
    let receipt = platform.sign(&["default/governed"], at(100));
    judge(&platform, &timed(&platform, &receipt, at(100))).unwrap();
    judge(&platform, &timed(&platform, &receipt, at(699))).unwrap();
    for time in [at(99), at(700), at(7_000)] {
        let refused = judge(&platform, &timed(&platform, &receipt, time)).unwrap_err();
        assert!(
            matches!(
                &refused,
                Refused::Bad { part: Part::Journal, fault: Fault::OtherEntry { field: "time" }, .. }
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn an_intent_of_another_time_than_the_signature_says_is_bad() {
    let platform = Platform::new();
    let receipt = platform.sign(&["default/cms"], at(100));
    judge(&platform, &timed(&platform, &receipt, at(100))).unwrap();
    assert!(judge(&platform, &timed(&platform, &receipt, at(101))).is_err());
}

#[test]
fn a_quorums_receipt_without_the_intent_is_bad() {
    let platform = Platform::new();
    for (key, governed) in [("default/blob", false), ("default/governed", true)] {
        let mut receipt = platform.sign(&[key], at(100));
        receipt.items[0].journal = None;
        match judge(&platform, &receipt) {
            Ok(verified) => assert!(!governed && verified.not_checked().contains(&NotChecked::NoJournal)),
            Err(refused) => {
                assert!(
                    governed && matches!(refused, Refused::Bad { part: Part::Journal, .. }),
                    "{refused:?}"
                );
            }
        }
    }
}

#[test]
fn a_trust_root_does_not_give_a_key_that_was_revoked_its_time_back() {
    let mut platform = Platform::new();
    for (form, window) in [
        (Form::Checkpoint, "/sigstore/tlogs/0/publicKey/validFor"),
        (Form::Timestamp, "/sigstore/timestampAuthorities/0/validFor"),
    ] {
        let key = platform.registry.platform_key(form).unwrap().record.id();
        let (state, since) = (KeyState::Revoked, at(200));
        platform.change(vec![Change::KeyState { key, state, since, reason: "stolen".to_owned() }], since);
        let mut json: Value = serde_json::from_slice(&platform.trust_root().encode()).unwrap();
        TrustRoot::parse(&to_canonical(&json)).unwrap();
        let window = json.pointer_mut(window).unwrap().as_object_mut().unwrap();
        window.remove("end").unwrap();
        let refused = TrustRoot::parse(&to_canonical(&json)).unwrap_err();
        assert!(matches!(refused, RootError::NotRegistered { .. }), "{refused:?}");
    }
}

#[test]
fn what_a_root_vouches_for_after_its_end_is_bad_and_what_it_vouched_for_before_stands() {
    let mut platform = Platform::new();
    platform.retire_the_root(at(50), at(200));
    assert_eq!(platform.trust_root().roots().len(), 2, "both are trusted from the entry on");
    for (signed, is_good) in [(100, true), (199, true), (200, false), (3_000, false)] {
        match judge(&platform, &platform.sign(&["default/cms"], at(signed))) {
            Ok(_) => assert!(is_good, "signed at {signed}"),
            Err(Refused::Bad { fault: Fault::NotActive { name, state: "retired", .. }, .. }) => {
                assert!(!is_good && name.as_str() == "platform/ca", "signed at {signed}");
            }
            Err(other) => panic!("signed at {signed}: {other:?}"),
        }
    }
}

/// The registry says when a log is over long before it is, so that one trust root holds for the whole rotation.
#[test]
fn an_old_shards_key_makes_no_checkpoint_for_what_is_signed_after_its_end() {
    let mut platform = Platform::new();
    let old = platform.registry.platform_key(Form::Checkpoint).unwrap().record.clone();
    let next = KeyRecord {
        generation: 2,
        public_key: PublicKey::from_ed25519(&[9; 32]),
        origin: Some("2027.log.localhost".to_owned()),
        takes_over: Some(at(150)),
        ..old.clone()
    };
    let (state, since, reason) = (KeyState::Retired, at(200), "a year is over".to_owned());
    platform
        .change(vec![Change::Key(next), Change::KeyState { key: old.id(), state, since, reason }], at(50));
    let root = platform.trust_root();
    assert_eq!(root.logs().count(), 2, "both are trusted from the entry on");
    for (signed, is_good) in [(100, true), (160, true), (200, true), (201, false), (3_000, false)] {
        match judge(&platform, &platform.sign(&["default/blob"], at(signed))) {
            Ok(_) => assert!(is_good, "signed at {signed}"),
            Err(Refused::Bad { part: Part::Checkpoint, fault: Fault::OutsideWindow { .. }, .. }) => {
                assert!(!is_good, "signed at {signed}");
            }
            Err(other) => panic!("signed at {signed}: {other:?}"),
        }
    }
}
