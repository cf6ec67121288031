//! The registry: begun once, extended by endorsed entries, replayed at every start.

use model::{Algorithm, Digest, Form};
use quorum::{Change, KeyRecord, KeyState};
use signer::{AdminAnswer, AdminMessage, RefusalCode, Signer};

use crate::world::{HOUR, Platform, World, YEAR, journal_key, space};

fn code(answer: AdminAnswer) -> RefusalCode {
    match answer {
        AdminAnswer::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_platform_is_begun_once_and_by_all_its_founders() {
    let world = World::new();
    let process = world.start().unwrap();
    let begin = |entry: Vec<u8>| process.administer(&AdminMessage::Begin { entry }).unwrap();
    let entry = world.genesis_entry(&journal_key(&process));
    let mut unsigned = quorum::Entry::parse(&entry).unwrap();
    unsigned.endorsements.clear();
    assert_eq!(code(begin(unsigned.encode())), RefusalCode::Quorum);
    let elsewhere = world.genesis_entry(&testkit::founding::no_journal());
    assert_eq!(code(begin(elsewhere)), RefusalCode::Key, "a genesis for the journal of another process");
    assert!(matches!(begin(entry.clone()), AdminAnswer::Appended { .. }));
    assert_eq!(code(begin(entry)), RefusalCode::OtherPlatform);
}

#[test]
fn an_entry_without_its_endorsement_or_with_another_change_is_refused_and_changes_nothing() {
    let platform = Platform::new();
    let before = platform.process.state().unwrap();
    let good = platform.entry(vec![Change::Policy { digest: Digest::of(b"new") }]);
    let bare = quorum::Entry { endorsements: Vec::new(), ..good.clone() };
    let evil = vec![Change::Policy { digest: Digest::of(b"evil") }];
    let bent = quorum::Entry { changes: evil, ..good.clone() };
    let late = quorum::Entry { number: 7, ..good.clone() };
    let append = |entry: Vec<u8>| platform.administer(&AdminMessage::Append { entry });
    for (entry, expected) in
        [(bare, RefusalCode::Quorum), (bent, RefusalCode::Stale), (late, RefusalCode::Stale)]
    {
        assert_eq!(code(append(entry.encode())), expected);
    }
    assert_eq!(code(append(b"{}".to_vec())), RefusalCode::Malformed);
    assert_eq!(platform.process.state().unwrap().registry, before.registry);
    assert!(matches!(append(good.encode()), AdminAnswer::Appended { .. }));
    assert_eq!(code(append(good.encode())), RefusalCode::Stale, "the same entry twice");
}

#[test]
fn a_record_of_a_key_that_is_not_held_here_is_refused() {
    let platform = Platform::new();
    let mut elsewhere = platform.record("default/more", Form::Blob, Algorithm::EcdsaP256);
    platform.world.key_disk.remove(&format!("{}.sealed", elsewhere.id()));
    let platform = platform.restart();
    assert_eq!(code(platform.enter(vec![Change::Key(elsewhere.clone())])), RefusalCode::KeyStore);
    elsewhere.store = space("token");
    assert_eq!(code(platform.enter(vec![Change::Key(elsewhere)])), RefusalCode::KeyStore);
}

#[test]
fn a_key_whose_algorithm_does_not_go_with_its_form_gets_no_record() {
    let platform = Platform::new();
    for (form, algorithm) in [(Form::Blob, Algorithm::Ed25519), (Form::Checkpoint, Algorithm::EcdsaP256)] {
        let refused = platform.enter(vec![Change::Key(platform.record("default/more", form, algorithm))]);
        let AdminAnswer::Refused(refusal) = refused else { panic!("{refused:?}") };
        let expected = format!("a key of form {form} cannot be {algorithm}");
        assert!(refusal.code == RefusalCode::Key && refusal.text.contains(&expected), "{refusal}");
    }
}

#[test]
fn the_journals_own_key_gets_no_record() {
    let platform = Platform::new();
    let spki = platform.process.state().unwrap().journal_key;
    let record = KeyRecord {
        public_key: model::PublicKey::from_spki(&spki).unwrap(),
        ..platform.record("default/more", Form::Dsse, Algorithm::Ed25519)
    };
    assert_eq!(code(platform.enter(vec![Change::Key(record)])), RefusalCode::Key);
}

#[test]
fn a_key_that_could_never_get_its_certificate_is_refused_before_it_stands() {
    let platform = Platform::new();
    let good = platform.record("default/more", Form::Cms, Algorithm::EcdsaP256);
    let outlives = KeyRecord { not_after: platform.world.now().after(2 * YEAR), ..good.clone() };
    assert_eq!(code(platform.enter(vec![Change::Key(outlives)])), RefusalCode::Key);
    let key = platform.key("platform/ca");
    let since = platform.world.now();
    platform.enter(vec![Change::KeyState { key, state: KeyState::Suspended, since, reason: String::new() }]);
    assert_eq!(code(platform.enter(vec![Change::Key(good)])), RefusalCode::Key);
}

#[test]
fn a_new_key_gets_its_certificate_with_its_entry() {
    let platform = Platform::new();
    let record = platform.record("default/more", Form::Cms, Algorithm::EcdsaP256);
    let id = record.id();
    assert!(matches!(platform.enter(vec![Change::Key(record)]), AdminAnswer::Appended { .. }));
    assert!(platform.process.state().unwrap().certificates.iter().any(|certified| certified.key == id));
    platform.order(platform.asking("default/more", b"bytes").order()).unwrap();
}

#[test]
fn a_key_is_made_in_a_store_that_exists_and_of_an_algorithm_that_it_makes() {
    let platform = Platform::new();
    let generate = |store: &str, algorithm| {
        platform.administer(&AdminMessage::Generate { store: store.to_owned(), algorithm })
    };
    assert_eq!(code(generate("token", Algorithm::EcdsaP256)), RefusalCode::KeyStore);
    assert_eq!(code(generate("software", Algorithm::Rsa2048)), RefusalCode::KeyStore);
}

#[test]
fn an_adoption_is_the_way_back_from_a_journal_that_ran_ahead_with_a_wrong_clock() {
    let mut platform = Platform::new();
    let now = platform.world.now();
    let stamp = |platform: &Platform| {
        let imprint = signer::Imprint::Sha256([5; 32]);
        let key = platform.key("platform/timestamp");
        let signed =
            platform.order(signer::Order::Timestamp(signer::TimestampOrder { key, imprint, nonce: None }));
        match envelope::Chosen::decode(&signed.map_err(|refusal| refusal.code)?.chosen).unwrap() {
            envelope::Chosen::Stamp { time, serial } => Ok::<_, RefusalCode>((time, serial)),
            other => panic!("{other:?}"),
        }
    };
    platform.world.clock.set_now(now.after(100 * HOUR));
    platform = platform.restart();
    let (_, ahead) = stamp(&platform).unwrap();
    platform.world.clock.set_now(now);
    platform = platform.restart();
    assert_eq!(stamp(&platform).unwrap_err(), RefusalCode::Clock);

    let state = platform.process.state().unwrap();
    let adoption = Change::Adoption(quorum::Adoption {
        journal_size: state.journal.size,
        journal_root: state.journal.root,
        instance: space("two"),
        reason: "the clock was wrong".to_owned(),
    });
    // The old log is frozen, and another begins.
    let (key, since) = (platform.key("platform/log"), platform.world.now());
    let retired = Change::KeyState { key, state: KeyState::Retired, since, reason: String::new() };
    let log = KeyRecord {
        generation: 2,
        origin: Some("2026b.log.localhost".to_owned()),
        ..platform.record("platform/log", Form::Checkpoint, Algorithm::Ed25519)
    };
    let adopted = platform.enter(vec![adoption, retired, Change::Key(log)]);
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
    let (time, serial) = stamp(&platform).unwrap();
    assert_eq!(time, now);
    assert!(serial > ahead + (1 << 40), "numbers leave room for what is not known: {serial}");
    let state = platform.process.state().unwrap();
    assert!(state.journal_checkpoint.starts_with("localhost/journal/two\n"));
    stamp(&platform.restart()).unwrap();
}

#[test]
fn keys_are_added_only_while_the_clock_is_believed_and_taken_away_at_any_time() {
    let platform = Platform::new();
    let record = platform.record("default/more", Form::Blob, Algorithm::EcdsaP256);
    let now = platform.world.now();
    let adding = platform.entry(vec![Change::Key(record)]).encode();
    let key = platform.key("default/blob");
    let state = Change::KeyState { key, state: KeyState::Suspended, since: now, reason: String::new() };
    let taking = platform.entry(vec![state]).encode();
    platform.world.clock.set_now(now.after(HOUR));
    assert_eq!(code(platform.administer(&AdminMessage::Append { entry: adding })), RefusalCode::Clock);
    let taken = platform.administer(&AdminMessage::Append { entry: taking });
    assert!(matches!(taken, AdminAnswer::Appended { .. }), "{taken:?}");
}
