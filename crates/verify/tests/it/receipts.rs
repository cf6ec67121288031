//! Receipts: one that is good, and each of its parts changed.

use model::receipt::{JournalEntry, Receipt};
use model::{Base64, Class, Digest, Kind, Request, told};
use quorum::{Change, KeyState};
use serde_json::Value;
use verify::{
    Artifact, BundleTrust, CmsTrust, Evidence, Expectations, Fault, KeyExpectation, NotChecked, Part,
    Present, Proven, QuorumExpectation, Refused, TimeSource, TrustRoot, Verified, verify_bundle, verify_cms,
    verify_receipt,
};

use crate::platform::{FILE, Pair, Platform, at, name};

const ALL_KEYS: [&str; 3] = ["default/cms", "default/blob", "default/governed"];

fn file() -> Artifact {
    Artifact { digests: Digest::of(FILE).into(), name: Some("firmware.bin".to_owned()) }
}

fn later(seconds: u64) -> Present {
    Present { at: at(seconds), source: TimeSource::Named }
}

fn judge(receipt: &Receipt, root: &TrustRoot) -> Result<Verified, Refused> {
    verify_receipt(&file(), receipt, root, &Expectations::default(), later(3_600))
}

fn refusal(receipt: &Receipt, root: &TrustRoot) -> (Part, bool) {
    let refused = judge(receipt, root).unwrap_err();
    (refused.part(), matches!(refused, Refused::Bad { .. }))
}

#[test]
fn a_good_receipt_says_what_was_proven_and_what_was_not_checked() {
    let platform = Platform::new();
    let verified = judge(&platform.sign(&ALL_KEYS, at(100)), &platform.trust_root()).unwrap();
    assert_eq!(verified.items().len(), 3);
    let [cms, blob, governed] = verified.items() else { panic!("three signatures") };
    let has = |item: &verify::VerifiedItem, wanted: fn(&Proven) -> bool| item.proven().iter().any(wanted);
    assert!(has(cms, |proof| matches!(proof, Proven::Certificate { .. })));
    assert!(!has(blob, |proof| matches!(proof, Proven::Certificate { .. })));
    assert!(has(blob, |proof| matches!(proof, Proven::Logged { index: 1, size: 3, .. })));
    assert!(has(blob, |proof| matches!(proof, Proven::Journalled { .. })));
    assert!(has(governed, |proof| matches!(proof, Proven::Endorsed { persons } if persons.len() == 1)));
    assert_eq!(blob.time().at, at(100));
    let open = verified.not_checked();
    assert!(open.contains(&NotChecked::Solo) && open.contains(&NotChecked::RequesterAsserted), "{open:?}");
    assert!(
        open.iter().any(
            |one| matches!(one, NotChecked::Expectation { what: "product", found } if found == "firmware")
        )
    );
}

#[test]
fn a_trust_root_survives_its_file_and_refuses_every_changed_byte_that_matters() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let bytes = root.encode();
    assert_eq!(TrustRoot::parse(&bytes).unwrap().encode(), bytes);
    assert_eq!(root.sigstore().tlogs.len(), 1);
    assert_eq!(root.sigstore().timestamp_authorities.len(), 1);
    let mut accepted = Vec::new();
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if TrustRoot::parse(&changed).is_ok() {
            accepted.push(String::from_utf8_lossy(&bytes[at.saturating_sub(12)..=at]).into_owned());
        }
    }
    // What only describes may be changed by whoever makes the file: expiry, addresses and names for people.
    // Certificates' own signatures and the journal's key hash are held elsewhere.
    for near in &accepted {
        assert!(!near.contains("platform\":\""), "the platform id was changed unnoticed: {near}");
    }
    assert!(
        accepted.len() * 7 < bytes.len() / 3,
        "{} of {} changes were accepted",
        accepted.len(),
        bytes.len() / 7
    );
}

#[test]
fn every_changed_byte_of_a_receipt_is_refused() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let receipt = platform.sign(&ALL_KEYS, at(100));
    let bytes = receipt.encode();
    judge(&Receipt::parse(&bytes).unwrap(), &root).unwrap();
    let mut parsed = 0;
    // Five and the four digits of a base64 group have no common divisor, so that every kind of place is met.
    for at in (0..bytes.len()).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(changed) = Receipt::parse(&changed) {
            parsed += 1;
            assert!(
                judge(&changed, &root).is_err(),
                "byte {at}: {}",
                String::from_utf8_lossy(&bytes[at.saturating_sub(40)..=at])
            );
        }
    }
    assert!(parsed > 500, "only {parsed} changed receipts could be read at all");
}

#[test]
fn every_part_of_a_receipt_that_is_taken_away_is_missed() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let receipt = platform.sign(&ALL_KEYS, at(100));
    let json: Value = serde_json::from_slice(&receipt.encode()).unwrap();
    for item in 0..3 {
        for field in ["timestamp", "log"] {
            let mut changed = json.clone();
            changed["items"][item].as_object_mut().unwrap().remove(field).unwrap();
            let changed: Receipt = serde_json::from_value(changed).unwrap();
            assert!(matches!(judge(&changed, &root), Err(Refused::CannotCheck { .. })), "{field} of {item}");
        }
    }
    let without_endorsements = Receipt { endorsements: Vec::new(), ..receipt.clone() };
    // The journal's intents name the endorsements too, of every item.
    assert!(matches!(refusal(&without_endorsements, &root), (Part::Endorsements | Part::Journal, true)));
    assert_eq!(refusal(&Receipt { items: Vec::new(), ..receipt }, &root), (Part::Receipt, true));
}

#[test]
fn a_receipt_stripped_of_its_endorsements_is_bad_and_so_is_one_that_brings_some_unasked() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let governed = platform.sign(&["default/governed"], at(100));
    let stripped = Receipt { endorsements: Vec::new(), ..governed.clone() };
    assert_eq!(refusal(&stripped, &root), (Part::Endorsements, true));
    let unasked =
        Receipt { endorsements: governed.endorsements, ..platform.sign(&["default/blob"], at(100)) };
    // The journal's intent names the endorsements as well; either part may say it first.
    assert!(matches!(refusal(&unasked, &root), (Part::Endorsements | Part::Journal, true)));
}

#[test]
fn a_receipt_of_a_governed_key_stripped_of_its_journal_proof_is_bad() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let good = platform.sign(&["default/governed"], at(100));
    let judged = |change: &dyn Fn(&mut JournalEntry)| {
        let mut receipt = good.clone();
        change(receipt.items[0].journal.as_mut().unwrap());
        judge(&receipt, &root)
    };
    judged(&|_| ()).unwrap();

    let refused = judged(&|entry| entry.checkpoint = None).unwrap_err();
    assert!(
        matches!(
            &refused,
            Refused::Bad { part: Part::Journal, fault: Fault::NoJournalCheckpoint { .. }, .. }
        ),
        "{refused:?}"
    );
    assert_eq!(
        told(&refused),
        "bad journal entry of signature 1: key `default/governed` asks for endorsements, and no checkpoint of the journal covers the intent that names them"
    );
    let mut without = good.clone();
    without.items[0].journal = None;
    assert!(matches!(judge(&without, &root), Err(Refused::Bad { fault: Fault::NoIntent { .. }, .. })));

    type Change<'a> = &'a dyn Fn(&mut JournalEntry);
    let origin = platform.journal_origin();
    let put = |entry: &mut JournalEntry, (path, checkpoint): (Vec<Digest>, String)| {
        (entry.path, entry.checkpoint) = (path, Some(checkpoint));
    };
    let changes: [(&str, Change<'_>); 7] = [
        ("no path", &|entry| entry.path.clear()),
        ("another path", &|entry| entry.path.reverse()),
        ("another index", &|entry| entry.index = 2),
        ("another place", &|entry| put(entry, platform.journalled(origin, &entry.leaf.0.clone(), 2))),
        ("another root", &|entry| put(entry, platform.journalled(origin, b"another intent", 1))),
        ("another origin", &|entry| {
            put(entry, platform.journalled("localhost/journal/two", &entry.leaf.0.clone(), 1));
        }),
        ("no checkpoint's words", &|entry| entry.checkpoint = Some("covered\n".to_owned())),
    ];
    for (what, change) in changes {
        let refused = judged(change).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Journal, .. }), "{what}: {refused:?}");
    }
}

#[test]
fn a_receipt_of_an_ungoverned_key_without_a_journal_proof_says_so_and_stands() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    let entry = receipt.items[0].journal.as_mut().unwrap();
    (entry.path, entry.checkpoint) = (Vec::new(), None);
    let verified = judge(&receipt, &platform.trust_root()).unwrap();
    assert!(verified.not_checked().contains(&NotChecked::JournalWithoutCheckpoint));
}

#[test]
fn the_parts_of_another_good_receipt_do_not_fit() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let (one, other) = (platform.sign(&["default/blob"], at(100)), platform.sign(&["default/blob"], at(200)));
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = one.clone();
        change(&mut receipt);
        refusal(&receipt, &root)
    };
    assert_eq!(with(&|r| r.request.clone_from(&other.request)).0, Part::Journal);
    assert_eq!(with(&|r| r.items[0].signature = other.items[0].signature.clone()), (Part::Timestamp, true));
    assert_eq!(with(&|r| r.items[0].timestamp = other.items[0].timestamp.clone()), (Part::Timestamp, true));
    assert_eq!(with(&|r| r.items[0].log = other.items[0].log.clone()), (Part::LogEntry, true));
    assert_eq!(with(&|r| r.items[0].journal = other.items[0].journal.clone()), (Part::Journal, true));
    let cms = platform.sign(&["default/cms"], at(100));
    assert_eq!(with(&|r| r.items[0].chain.clone_from(&cms.items[0].chain)), (Part::Certificate, true));
    assert_eq!(with(&|r| r.items[0].public_key = cms.items[0].public_key.clone()), (Part::Key, true));
    assert_eq!(with(&|r| r.items.push(r.items[0].clone())), (Part::Item, true));
}

#[test]
fn a_receipt_of_another_file_is_bad() {
    let platform = Platform::new();
    let receipt = platform.sign(&["default/blob"], at(100));
    let evil = Artifact { digests: Digest::of(b"another file").into(), name: None };
    let refused =
        verify_receipt(&evil, &receipt, &platform.trust_root(), &Expectations::default(), later(200))
            .unwrap_err();
    assert!(
        matches!(refused, Refused::Bad { part: Part::File, fault: Fault::OtherFile { .. }, .. }),
        "{refused:?}"
    );
}

/// GHSA-fx35-mq7g-6g98: a public key that came along was believed.
#[test]
fn a_key_from_inside_the_receipt_is_never_believed() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    let own = Pair::p256();
    receipt.items[0].public_key = own.public();
    receipt.items[0].signature = Base64(own.sign(FILE));
    receipt.items[0].timestamp = Some(Base64(platform.stamp(&receipt.items[0].signature.0, at(100))));
    assert_eq!(refusal(&receipt, &platform.trust_root()), (Part::Key, true));
}

#[test]
fn what_a_key_signed_before_it_was_revoked_stands_and_what_it_signed_after_does_not() {
    let mut platform = Platform::new();
    let before = platform.sign(&["default/blob"], at(100));
    let after = platform.sign(&["default/blob"], at(300));
    for state in [KeyState::Suspended, KeyState::Retired, KeyState::Revoked] {
        let mut platform = std::mem::replace(&mut platform, Platform::new());
        let (before, after) = match state {
            KeyState::Suspended => (before.clone(), after.clone()),
            _ => (platform.sign(&["default/blob"], at(100)), platform.sign(&["default/blob"], at(300))),
        };
        let key = std::mem::replace(&mut platform.blob, Pair::p256());
        platform.set_state(&key, state, at(200));
        let root = platform.trust_root();
        judge(&before, &root).unwrap();
        assert_eq!(refusal(&after, &root), (Part::Key, true), "{state:?}");
    }
}

/// Whoever holds a copy of a key that is suspended does not have it for as long as somebody's date lies ahead.
#[test]
fn what_stops_a_key_from_a_later_time_on_stops_it_when_it_is_asked_for() {
    for state in [KeyState::Suspended, KeyState::Revoked] {
        let mut platform = Platform::new();
        let receipts = [100, 300].map(|signed| platform.sign(&["default/blob"], at(signed)));
        let key = platform.blob.public().id();
        let change = Change::KeyState { key, state, since: at(2_000), reason: "a test".to_owned() };
        platform.change(vec![change], at(200));
        let root = platform.trust_root();
        judge(&receipts[0], &root).unwrap();
        assert_eq!(refusal(&receipts[1], &root), (Part::Key, true), "{state:?}");
    }
}

/// CVE-2025-52556: the chain of a token was verified, and its own signature was not.
#[test]
fn a_token_whose_own_signature_is_bad_is_refused() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    let token = receipt.items[0].timestamp.as_mut().unwrap();
    let last = token.0.len() - 1;
    token.0[last] ^= 1;
    assert_eq!(refusal(&receipt, &platform.trust_root()), (Part::Timestamp, true));
}

/// CVE-2026-39984: what a signer's certificate must be was asked of the first one in the bag.
#[test]
fn a_token_by_a_certificate_for_something_else_is_bad_whatever_stands_beside_it() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    let signature = receipt.items[0].signature.0.clone();
    for token in [
        platform.stamp_by_a_code_key(&signature, at(100)),
        platform.stamp_beside_the_authority(&signature, at(100)),
    ] {
        receipt.items[0].timestamp = Some(Base64(token));
        let refused = judge(&receipt, &platform.trust_root()).unwrap_err();
        let Refused::Bad { part: Part::Timestamp, fault: Fault::Timestamp(cause), .. } = &refused else {
            panic!("{refused:?}")
        };
        assert!(format!("{cause:?}").contains("WrongUsage"), "{cause:?}");
    }
}

/// CVE-2026-44309: what was verified was written anew, and not what was received.
#[test]
fn a_request_in_another_spelling_of_the_same_meaning_is_refused() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    receipt.request = receipt.request.replacen("{\"created\"", "{ \"created\"", 1);
    assert_eq!(refusal(&receipt, &platform.trust_root()), (Part::Request, true));
}

/// CVE-2026-48815: a documented expectation was dropped without a word.
#[test]
fn every_expectation_refuses_what_differs() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/blob"], at(100)));
    let good = Expectations {
        product: Some("firmware".to_owned()),
        version: Some("1.2".to_owned()),
        class: Some(Class::Release),
        key: Some(KeyExpectation::Name(name("default/blob"))),
        profile: Some(name("default")),
        ..Expectations::default()
    };
    let ask =
        |expectations: &Expectations| verify_receipt(&file(), &receipt, &root, expectations, later(200));
    let verified = ask(&good).unwrap();
    assert!(!verified.not_checked().iter().any(|one| matches!(one, NotChecked::Expectation { .. })));
    for wrong in [
        Expectations { product: Some("firmwarf".to_owned()), ..good.clone() },
        Expectations { version: Some("1.20".to_owned()), ..good.clone() },
        Expectations { class: Some(Class::Development), ..good.clone() },
        Expectations { key: Some(KeyExpectation::Name(name("default/cms"))), ..good.clone() },
        Expectations { key: Some(KeyExpectation::Id(platform.cms.0.public().id())), ..good.clone() },
        Expectations { profile: Some(name("default/other")), ..good.clone() },
        Expectations { quorum: QuorumExpectation::Required, ..good.clone() },
    ] {
        let refused = ask(&wrong).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Expectation, .. }), "{wrong:?}: {refused:?}");
    }
    let id = Expectations { key: Some(KeyExpectation::Id(platform.blob.public().id())), ..good };
    ask(&id).unwrap();
}

#[test]
fn a_request_for_another_class_than_the_key_signs_for_is_bad_even_when_it_was_signed() {
    let platform = Platform::new();
    let good = platform.sign(&["default/blob"], at(100));
    let mut request = Request::parse(good.request.as_bytes()).unwrap();
    let Kind::Sign(signing) = &mut request.kind else { panic!("a request to sign") };
    signing.class = Class::Emergency;
    let items = model::Items::parse(vec![good.items[0].item.clone().into_bytes()]).unwrap();
    let receipt = platform.sign_request(&request, &items, at(100));
    assert_eq!(refusal(&receipt, &platform.trust_root()), (Part::Key, true));
}

#[test]
fn a_registry_head_that_the_trust_root_does_not_know_cannot_be_checked() {
    let mut platform = Platform::new();
    let old = platform.trust_root();
    let other = Pair::p256();
    let key = std::mem::replace(&mut platform.governed, other);
    platform.set_state(&key, KeyState::Retired, at(50));
    let receipt = platform.sign(&["default/blob"], at(100));
    assert_eq!(refusal(&receipt, &old), (Part::Registry, false));
    judge(&receipt, &platform.trust_root()).unwrap();
}

#[test]
fn a_receipt_of_another_platform_is_bad_and_its_trust_root_is_of_no_use() {
    let (one, other) = (Platform::new(), Platform::new());
    assert_eq!(refusal(&one.sign(&["default/blob"], at(100)), &other.trust_root()), (Part::Request, true));
}

#[test]
fn without_token_or_entry_a_receipt_is_believed_only_where_that_was_said() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    receipt.items[0].timestamp = None;
    receipt.items[0].log = None;
    let lenient =
        Expectations { timestamp: Evidence::IfPresent, log: Evidence::IfPresent, ..Expectations::default() };
    let verified = verify_receipt(&file(), &receipt, &root, &lenient, later(200)).unwrap();
    assert_eq!(verified.items()[0].time().at, at(200));
    for open in [NotChecked::NoTimestamp, NotChecked::NoLogEntry] {
        assert!(verified.not_checked().contains(&open));
    }
    assert_eq!(refusal(&receipt, &root), (Part::Timestamp, false));
}

#[test]
fn the_projections_of_a_receipt_verify_with_the_same_trust_root() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let receipt = platform.sign(&["default/cms", "default/blob"], at(100));
    let log_id = root.logs().next().unwrap().log_id();
    for signed in &receipt.items {
        for file in envelope::detached::of_item(signed, Some(&log_id)).unwrap() {
            match file.kind {
                envelope::detached::Kind::Bundle => {
                    let trust = BundleTrust::Platform(&root);
                    verify_bundle(&self::file(), &file.bytes, trust, &Expectations::default(), later(200))
                        .unwrap();
                }
                envelope::detached::Kind::Cms => {
                    let trust = CmsTrust::Platform(&root);
                    let verified =
                        verify_cms(&self::file(), &file.bytes, trust, &Expectations::default(), later(200))
                            .unwrap();
                    // It is logged, whatever its profile says of that: a CMS signature cannot show it.
                    assert!(verified.not_checked().contains(&NotChecked::CmsWithoutLogEntry));
                    assert!(!verified.not_checked().contains(&NotChecked::NoLogEntry));
                    let told = NotChecked::CmsWithoutLogEntry.to_string();
                    assert!(told.contains("carries no log entry; verify the receipt"), "{told}");
                }
                _ => {}
            }
        }
    }
}
