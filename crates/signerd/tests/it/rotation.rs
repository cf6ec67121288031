//! Keys of the platform itself that others succeed: who signs when, and what a server that somebody owns gets of an old one.

use std::collections::BTreeSet;
use std::time::Duration;

use envelope::Chosen;
use envelope::timestamp::{CertificateWish, TstInfo};
use model::{Algorithm, Digest, Form, Hash, KeyId, merkle};
use pki::Certificate;
use quorum::{Change, KeyRecord, KeyState};
use signer::{
    AdminAnswer, CheckpointOrder, Head, Imprint, Order, Refusal, RefusalCode, Signed, Signer, TimestampOrder,
};

use crate::world::{HOUR, MINUTE, ORIGIN, Platform, YEAR};

const NEXT_ORIGIN: &str = "2027.log.localhost";

/// A rotation of the platform's log or of its timestamp authority: published now, in use in an hour, over in two.
struct Rotation {
    old: KeyId,
    new: KeyId,
}

fn rotate(platform: &Platform, name: &str, form: Form, algorithm: Algorithm) -> Rotation {
    let now = platform.world.now().whole_second();
    let old = platform.key(name);
    let record = platform.record(name, form, algorithm);
    let new = KeyRecord {
        generation: 2,
        not_before: now,
        takes_over: Some(now.after(HOUR)),
        origin: record.origin.as_ref().map(|_| NEXT_ORIGIN.to_owned()),
        ..record
    };
    let retire = retire(old, KeyState::Retired, now.after(2 * HOUR));
    let rotation = Rotation { old, new: new.id() };
    let entered = platform.enter(vec![Change::Key(new), retire]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    rotation
}

fn retire(key: KeyId, state: KeyState, since: model::Instant) -> Change {
    Change::KeyState { key, state, since, reason: "a year is over".to_owned() }
}

fn stamp(platform: &Platform, key: KeyId) -> Result<Signed, Refusal> {
    platform.order(Order::Timestamp(TimestampOrder { key, imprint: Imprint::Sha256([5; 32]), nonce: None }))
}

fn root_of(leaves: &[&[u8]]) -> Head {
    let hashes: Vec<Digest> = leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
    Head { size: hashes.len() as u64, root: merkle::root(&hashes) }
}

fn checkpoint(platform: &Platform, key: KeyId, new: Head) -> Result<Signed, Refusal> {
    let order = CheckpointOrder { key, old: root_of(&[]), new, proof: Vec::new() };
    platform.order(Order::Checkpoint(order))
}

#[test]
fn a_new_authority_takes_over_at_its_time_and_the_old_one_signs_until_it_retires() {
    let platform = Platform::new();
    let Rotation { old, new } =
        rotate(&platform, "platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256);
    let state = platform.process.state().unwrap();
    assert!(state.certificates.iter().any(|one| one.key == new), "it is certified once it is published");
    let in_use = |platform: &Platform| {
        let registry = platform.registry();
        registry.in_use(Form::Timestamp, platform.world.now()).unwrap().record.id()
    };
    // Published: both are trusted, the old one signs.
    assert_eq!(in_use(&platform), old);
    stamp(&platform, old).unwrap();
    let early = stamp(&platform, new).unwrap_err();
    assert!(early.code == RefusalCode::Key && early.text.contains("takes over at"), "{}", early.text);
    // Taken over: both sign, and whoever chooses takes the new one.
    platform.world.clock.advance(HOUR);
    assert_eq!(in_use(&platform), new);
    stamp(&platform, new).unwrap();
    stamp(&platform, old).unwrap();
    // Over.
    platform.world.clock.advance(HOUR);
    stamp(&platform, new).unwrap();
    let late = stamp(&platform, old).unwrap_err();
    assert!(late.code == RefusalCode::Key && late.text.contains("is retired"), "{}", late.text);
}

#[test]
fn an_owned_server_brings_back_no_retired_authority_and_uses_no_old_shards_key() {
    let platform = Platform::new();
    let log = rotate(&platform, "platform/log", Form::Checkpoint, Algorithm::Ed25519);
    let last = checkpoint(&platform, log.old, root_of(&[b"one"])).unwrap();
    platform.world.clock.advance(2 * HOUR);
    let origin = |platform: &Platform| {
        let heads = platform.process.state().unwrap().checkpoints;
        heads.into_iter().map(|(origin, head)| (origin, head.size)).collect::<Vec<_>>()
    };
    // Whatever it orders with the old key is refused: its own log's next head, another's head, another of the same size.
    let heads = [root_of(&[b"one", b"two"]), root_of(&[]), root_of(&[b"other"])];
    for head in heads {
        assert_eq!(checkpoint(&platform, log.old, head).unwrap_err().code, RefusalCode::Key);
    }
    // What it said last it says again, to the byte, for a log that lost it.
    assert_eq!(checkpoint(&platform, log.old, root_of(&[b"one"])).unwrap().signature, last.signature);
    assert_eq!(origin(&platform), [(ORIGIN.to_owned(), 1)], "the old log ends where it ended");
    // The new shard is another log: it begins with nothing, and its key says nothing of the old one.
    checkpoint(&platform, log.new, root_of(&[b"first"])).unwrap();
    assert!(origin(&platform).contains(&(NEXT_ORIGIN.to_owned(), 1)));
    // A clock that is put back, by a day or by a year, revives nobody, nor does a start on what the disks hold.
    for back in [Duration::from_secs(24 * 3_600), YEAR] {
        platform.world.clock.set_now(platform.world.now().before(back));
        assert_eq!(checkpoint(&platform, log.old, heads[0]).unwrap_err().code, RefusalCode::Key);
    }
    let platform = platform.restart();
    assert_eq!(checkpoint(&platform, log.old, heads[0]).unwrap_err().code, RefusalCode::Key);
}

/// By whose certificate of the authority a token names it.
fn stamped_under(platform: &Platform, signed: &Signed) -> KeyId {
    let Ok(Chosen::Stamp { time, serial }) = Chosen::decode(&signed.chosen) else { panic!("no stamp") };
    let imprint = envelope::timestamp::Imprint::from_digest(Hash::Sha256, vec![5; 32]).unwrap();
    let certificate = CertificateWish::Omitted;
    let request = envelope::timestamp::Request { imprint, policy: None, nonce: None, certificate };
    let info = TstInfo::answer(&request, time, serial).unwrap().encode().unwrap();
    let authority = platform.key("platform/timestamp");
    let state = platform.process.state().unwrap();
    let named = state.certificates.iter().filter(|one| one.key == authority).find(|one| {
        let certificate = Certificate::from_der(&one.certificate).unwrap();
        let composed = envelope::timestamp::compose(&info, &certificate, time).unwrap();
        composed.verify(&platform.public_key("platform/timestamp"), &signed.signature).is_ok()
    });
    named.unwrap().issuer
}

#[test]
fn a_new_root_certifies_every_key_anew_and_is_named_from_its_time_on() {
    let platform = Platform::new();
    let Rotation { old, new } = rotate(&platform, "platform/ca", Form::Ca, Algorithm::EcdsaP256);
    let issuers = |key: &str| {
        let (key, state) = (platform.key(key), platform.process.state().unwrap());
        let of_key = state.certificates.into_iter().filter(|one| one.key == key);
        of_key.map(|one| one.issuer).collect::<BTreeSet<_>>()
    };
    // Published: verifiers know every key under both, and the old root is named.
    for key in ["platform/timestamp", "default/cms"] {
        assert_eq!(issuers(key), BTreeSet::from([old, new]), "{key}");
    }
    assert_eq!(issuers("default/blob"), BTreeSet::new());
    let tsa = platform.key("platform/timestamp");
    let under = || stamped_under(&platform, &stamp(&platform, tsa).unwrap());
    assert_eq!(under(), old);
    platform.world.clock.advance(HOUR);
    assert_eq!(under(), new);
    // Over: the old root certifies nobody who comes now.
    platform.world.clock.advance(HOUR);
    assert_eq!(under(), new);
    let end = platform.registry().key(&new).unwrap().record.not_after;
    let more = platform.record("default/more", Form::Cms, Algorithm::EcdsaP256);
    let more = KeyRecord { not_after: end, ..more };
    assert!(matches!(platform.enter(vec![Change::Key(more)]), AdminAnswer::Appended { .. }));
    assert_eq!(issuers("default/more"), BTreeSet::from([new]));
}

#[test]
fn what_was_intended_under_the_old_root_is_signed_in_the_same_words_under_the_new_one() {
    let platform = Platform::new();
    rotate(&platform, "platform/ca", Form::Ca, Algorithm::EcdsaP256);
    platform.world.clock.advance(HOUR - MINUTE);
    let asking = platform.asking("default/cms", b"bytes");
    let first = platform.order(asking.order()).unwrap();
    platform.world.clock.advance(2 * MINUTE);
    let platform = platform.restart();
    assert_eq!(platform.order(asking.order()).unwrap().signature, first.signature);
}

#[test]
fn a_root_that_ends_before_a_key_below_it_is_not_taken() {
    let platform = Platform::new();
    let record = platform.record("platform/ca", Form::Ca, Algorithm::EcdsaP256);
    let short = KeyRecord { generation: 2, not_after: record.not_after.before(HOUR), ..record };
    let AdminAnswer::Refused(refusal) = platform.enter(vec![Change::Key(short)]) else { panic!("it stands") };
    assert!(refusal.text.contains("would outlive its issuer `platform/ca`"), "{}", refusal.text);
}

#[test]
fn without_a_root_in_use_nothing_is_signed_that_names_a_certificate_by_it() {
    let platform = Platform::new();
    let root = platform.key("platform/ca");
    platform.enter(vec![retire(root, KeyState::Suspended, platform.world.now())]);
    let refusals = [
        stamp(&platform, platform.key("platform/timestamp")).unwrap_err(),
        platform.order(platform.asking("default/cms", b"bytes").order()).unwrap_err(),
    ];
    for refusal in refusals {
        assert!(
            refusal.code == RefusalCode::Key && refusal.text.contains("no certificate by a root"),
            "{refusal:?}"
        );
    }
    platform.order(platform.asking("default/blob", b"bytes").order()).unwrap();
}

#[test]
fn an_authority_that_is_to_retire_may_be_retired_at_once() {
    let platform = Platform::new();
    let tsa = rotate(&platform, "platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256);
    stamp(&platform, tsa.old).unwrap();
    let entered = platform.enter(vec![retire(tsa.old, KeyState::Retired, platform.world.now())]);
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    assert_eq!(stamp(&platform, tsa.old).unwrap_err().code, RefusalCode::Key);
}
