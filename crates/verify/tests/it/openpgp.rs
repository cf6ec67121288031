//! OpenPGP: in receipts, alone, by the platform's keys and by those of others.

use envelope::detached::{self, Kind};
use envelope::openpgp::{Certificate, Issuer, NewCertificate, read_certificates, read_signatures};
use envelope::{Chosen, ToBeSigned};
use model::receipt::Receipt;
use model::{Base64, Digests, Hash, Instant, Item};
use quorum::{Change, KeyState};
use verify::{
    Artifact, Expectations, Fault, Gap, NotChecked, OpenPgpTrust, Part, Present, Proven, Refused, TimeSource,
    TrustRoot, Verified, verify_openpgp, verify_receipt,
};

use crate::platform::{FILE, Pair, Platform, at};

const KEY: &str = "default/openpgp";

fn file() -> Artifact {
    Artifact { digests: Digests::of(FILE, &[]), name: Some("firmware.bin".to_owned()) }
}

fn later() -> Present {
    Present { at: at(3_600), source: TimeSource::Named }
}

fn judge(receipt: &Receipt, root: &TrustRoot) -> Result<Verified, Refused> {
    verify_receipt(&file(), receipt, root, &Expectations::default(), later())
}

fn alone(
    signatures: &[u8],
    content: &[u8],
    trust: OpenPgpTrust<'_>,
    now: Present,
) -> Result<Verified, Refused> {
    let digest = |hash: Hash, trailer: &[u8]| {
        (hash != Hash::Sha512).then(|| hash.digest(&[content, trailer].concat()))
    };
    verify_openpgp(&file(), &digest, signatures, trust, &Expectations::default(), now)
}

fn packet(receipt: &Receipt) -> Vec<u8> {
    let signed = &receipt.items[0];
    detached::openpgp_packet(signed, &Item::parse(signed.item.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_receipt_of_openpgp_is_held_to_the_time_and_the_fingerprint_that_the_signature_names() {
    let platform = Platform::new();
    let root = platform.trust_root();
    let receipt = platform.sign(&[KEY], at(100));
    judge(&receipt, &root).unwrap();
    // The state of another file, whatever its digest is said to be.
    let mut changed = receipt.clone();
    changed.items[0].item = changed.items[0].item.replace("\"tail\":\"d2hh", "\"tail\":\"d2hb");
    assert_ne!(changed, receipt);
    assert!(judge(&changed, &root).is_err());
    // Choices that name another time, or the same key under another fingerprint.
    let key = platform.openpgp.0.public();
    let since = platform.registry.key(&key.id()).unwrap().record.not_before;
    let with = |chosen: Chosen| {
        let mut changed = receipt.clone();
        changed.items[0].chosen = Base64(chosen.encode());
        judge(&changed, &root).unwrap_err()
    };
    let refused = with(Chosen::OpenPgp { time: at(101), issuer: Issuer::of(&key, since) });
    assert!(matches!(refused, Refused::Bad { part: Part::Signature, .. }), "{refused:?}");
    let refused = with(Chosen::OpenPgp { time: at(100), issuer: Issuer::of(&key, at(50)) });
    let Refused::Bad { fault: Fault::NotAsRecorded { what, .. }, .. } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(what, "fingerprint");
    let refused = with(Chosen::SigningTime(at(100)));
    assert!(matches!(refused, Refused::Bad { part: Part::Item, .. }), "{refused:?}");
}

#[test]
fn a_signature_beside_its_file_is_by_a_key_of_the_platform_until_that_is_revoked() {
    let mut platform = Platform::new();
    let receipt = platform.sign(&[KEY], at(100));
    let all = detached::of_item(&receipt.items[0], None).unwrap();
    let [one] = all.as_slice() else { panic!("one file beside the signed one") };
    assert_eq!((one.kind, one.kind.suffix()), (Kind::OpenPgp, ".asc"));
    let root = platform.trust_root();
    let verified = alone(&one.bytes, FILE, OpenPgpTrust::Platform(&root), later()).unwrap();
    assert!(verified.not_checked().contains(&NotChecked::SignersTime { at: at(100) }));
    let named = read_signatures(&one.bytes).unwrap()[0].fingerprint().unwrap().to_string();
    let says = Proven::OpenPgpKey { fingerprint: named, user_ids: Vec::new() };
    assert!(verified.items()[0].proven().contains(&says));
    let refused = alone(&one.bytes, b"another", OpenPgpTrust::Platform(&root), later()).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::Signature, .. }), "{refused:?}");
    // The trust root carries the certificate, which verifies the same.
    let key = platform.openpgp.0.public().id();
    let own = read_certificates(root.openpgp(&key).unwrap()).unwrap();
    alone(&one.bytes, FILE, OpenPgpTrust::Given(&own), later()).unwrap();

    let stranger = Platform::new().trust_root();
    let refused = alone(&one.bytes, FILE, OpenPgpTrust::Platform(&stranger), later()).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { gap: Gap::UnknownSigner { .. }, .. }), "{refused:?}");
    let reason = "stolen".to_owned();
    platform.change(
        vec![Change::KeyState { key, state: KeyState::Revoked, since: at(3_000), reason }],
        at(3_000),
    );
    let root = platform.trust_root();
    let refused = alone(&one.bytes, FILE, OpenPgpTrust::Platform(&root), later()).unwrap_err();
    assert!(matches!(refused, Refused::Bad { fault: Fault::NotActive { .. }, .. }), "{refused:?}");
}

#[test]
fn a_trust_root_holds_no_openpgp_certificate_of_a_key_that_is_not_its_own() {
    let (platform, other) = (Platform::new(), Platform::new());
    let root = String::from_utf8(platform.trust_root().encode()).unwrap();
    let base64 = |platform: &Platform| data_encoding::BASE64.encode(&platform.openpgp.1);
    let swapped = root.replace(&base64(&platform), &base64(&other));
    assert_ne!(swapped, root);
    let refused = TrustRoot::parse(swapped.as_bytes()).unwrap_err();
    assert!(refused.to_string().contains("a certificate of OpenPGP"), "{refused}");
    // The same key, known since another time, is known under another fingerprint.
    let pair = &platform.openpgp.0;
    let new = NewCertificate::new(&pair.public(), at(0), at(100), "Releases").unwrap();
    let ToBeSigned::Message(message) = new.to_be_signed() else { panic!("Ed25519 signs messages") };
    let later = data_encoding::BASE64.encode(&new.seal(&pair.sign(&message)).unwrap());
    let swapped = root.replace(&base64(&platform), &later);
    assert!(TrustRoot::parse(swapped.as_bytes()).is_err());
}

/// Somebody else's certificate, in force between two times.
fn certificate(pair: &Pair, from: Instant, until: Instant) -> Vec<Certificate> {
    let new = NewCertificate::new(&pair.public(), from, until, "Somebody <somebody@example.com>").unwrap();
    let ToBeSigned::Message(message) = new.to_be_signed() else { panic!("Ed25519 signs messages") };
    read_certificates(&new.seal(&pair.sign(&message)).unwrap()).unwrap()
}

#[test]
fn of_several_signatures_every_one_by_a_known_key_must_be_good_and_the_others_are_told() {
    let (one, two) = (Platform::new(), Platform::new());
    let (first, second) = (packet(&one.sign(&[KEY], at(100))), packet(&two.sign(&[KEY], at(100))));
    let both = [first.clone(), second.clone()].concat();
    let known = |platform: &Platform| read_certificates(&platform.openpgp.1).unwrap();
    let all = [known(&one), known(&two)].concat();
    let verified = alone(&both, FILE, OpenPgpTrust::Given(&all), later()).unwrap();
    assert_eq!(verified.items().len(), 2);
    let verified = alone(&both, FILE, OpenPgpTrust::Given(&known(&one)), later()).unwrap();
    assert_eq!(verified.items().len(), 1);
    let named = read_signatures(&second).unwrap()[0].fingerprint().unwrap().to_string();
    assert!(verified.not_checked().contains(&NotChecked::OtherSigner { named }));
    // One that is bad, by a key that is known, is bad beside whatever is good.
    let mut bad = second.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    for both in [[first.clone(), bad.clone()].concat(), [bad.clone(), first.clone()].concat()] {
        let refused = alone(&both, FILE, OpenPgpTrust::Given(&all), later()).unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Signature, .. }), "{refused:?}");
        alone(&both, FILE, OpenPgpTrust::Given(&known(&one)), later()).unwrap();
    }
    let refused = alone(&bad, FILE, OpenPgpTrust::Given(&known(&one)), later()).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { part: Part::Key, .. }), "{refused:?}");
}

#[test]
fn a_signature_from_outside_its_keys_time_or_from_the_future_is_not_good() {
    let platform = Platform::new();
    let signature = packet(&platform.sign(&[KEY], at(100)));
    let since = platform.registry.key(&platform.openpgp.0.public().id()).unwrap().record.not_before;
    let trust = |until| certificate(&platform.openpgp.0, since, until);
    let judge = |until, now| {
        let present = Present { at: now, source: TimeSource::Named };
        alone(&signature, FILE, OpenPgpTrust::Given(&trust(until)), present)
    };
    judge(at(101), at(3_600)).unwrap();
    let refused = judge(at(100), at(3_600)).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::Key, .. }), "{refused:?}");
    judge(at(101), at(100)).unwrap();
    let refused = judge(at(101), since).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { gap: Gap::FromTheFuture { .. }, .. }), "{refused:?}");
}
