//! What cannot be checked is not called bad: it may become good with a newer trust root.

use envelope::detached::{self, Kind};
use model::receipt::Receipt;
use model::{Base64, Digest, to_canonical};
use serde_json::{Value, json};
use verify::{
    Artifact, BundleTrust, CmsTrust, Expectations, Gap, Part, Present, Refused, TimeSource, TrustRoot,
    verify_bundle, verify_cms, verify_receipt,
};

use crate::platform::{FILE, Platform, at};

fn file() -> Artifact {
    Artifact { digests: Digest::of(FILE).into(), name: None }
}

fn present() -> Present {
    Present { at: at(3_600), source: TimeSource::Named }
}

fn judge(receipt: &Receipt, root: &TrustRoot) -> Refused {
    verify_receipt(&file(), receipt, root, &Expectations::default(), present()).unwrap_err()
}

/// The trust root without what stands at this place.
fn emptied(root: &TrustRoot, place: &str) -> TrustRoot {
    let mut json: Value = serde_json::from_slice(&root.encode()).unwrap();
    *json.pointer_mut(place).unwrap() = json!([]);
    TrustRoot::parse(&to_canonical(&json)).unwrap()
}

fn assert_gap(refused: &Refused, part: Part, is: fn(&Gap) -> bool) {
    let Refused::CannotCheck { part: found, gap, .. } = refused else { panic!("{refused:?} is called bad") };
    assert!(*found == part && is(gap), "{refused:?}");
    assert!(refused.advice().contains("present trust root"), "{}", refused.advice());
}

#[test]
fn an_authority_that_the_trust_root_does_not_hold_cannot_be_checked() {
    let platform = Platform::new();
    let (root, receipt) = (platform.trust_root(), platform.sign(&["default/cms"], at(100)));
    let without = |place| judge(&receipt, &emptied(&root, place));
    let authority = without("/sigstore/timestampAuthorities");
    assert_gap(&authority, Part::Timestamp, |gap| matches!(gap, Gap::NoAuthority));
    let log = without("/sigstore/tlogs");
    assert_gap(&log, Part::Checkpoint, |gap| matches!(gap, Gap::UnknownLog { .. }));
    let issuer = without("/roots");
    assert_gap(&issuer, Part::Certificate, |gap| matches!(gap, Gap::UnknownIssuer(_)));
}

#[test]
fn a_token_of_an_authority_that_is_not_listed_cannot_be_checked() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    let token = platform.stamp_by_a_new_authority(&receipt.items[0].signature.0, at(100));
    receipt.items[0].timestamp = Some(Base64(token));
    let refused = judge(&receipt, &platform.trust_root());
    assert_gap(&refused, Part::Timestamp, |gap| matches!(gap, Gap::UnlistedAuthority { .. }));
}

#[test]
fn a_token_over_something_else_is_bad_whoever_made_it() {
    let platform = Platform::new();
    let mut receipt = platform.sign(&["default/blob"], at(100));
    receipt.items[0].timestamp = Some(Base64(platform.stamp_by_a_new_authority(b"another", at(100))));
    let refused = judge(&receipt, &platform.trust_root());
    assert!(matches!(refused, Refused::Bad { part: Part::Timestamp, .. }), "{refused:?}");
}

#[test]
fn a_key_that_is_younger_than_the_trust_root_cannot_be_checked() {
    let mut platform = Platform::new();
    let old = platform.trust_root();
    platform.renew_keys(at(50));
    let new = platform.trust_root();
    let receipt = platform.sign(&["default/blob", "default/cms"], at(100));
    let log_id = new.logs().next().unwrap().log_id();
    let written = |item: usize, kind: Kind| {
        let files = detached::of_item(&receipt.items[item], Some(&log_id)).unwrap();
        files.into_iter().find(|file| file.kind == kind).unwrap().bytes
    };
    let (bundle, p7s) = (written(0, Kind::Bundle), written(1, Kind::Cms));
    let all = Expectations::default();
    let bundle = |root| verify_bundle(&file(), &bundle, BundleTrust::Platform(root), &all, present());
    let cms = |root| verify_cms(&file(), &p7s, CmsTrust::Platform(root), &all, present());
    bundle(&new).unwrap();
    cms(&new).unwrap();
    assert_gap(&bundle(&old).unwrap_err(), Part::Key, |gap| matches!(gap, Gap::UnknownHint { .. }));
    assert_gap(&cms(&old).unwrap_err(), Part::Key, |gap| matches!(gap, Gap::UnknownKey { .. }));
}
