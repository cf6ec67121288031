//! A state that was restored: what it still signs, and how administrators take it up again.

use std::sync::Arc;

use model::journal::Ending;
use model::{Algorithm, Digest, Disk, Form};
use quorum::{Adoption, Change, KeyRecord, KeyState};
use signer::{
    AdminAnswer, AdminMessage, CheckpointOrder, Head, Imprint, Order, RecallOrder, RefusalCode, Signer,
    TimestampOrder,
};
use signerd::{Blemish, Continuity, OrderKind, RESTORED, Restored, inspect};
use testkit::MemoryDisk;

use crate::world::{ORIGIN, Platform, World, space};

pub(crate) const NEXT_ORIGIN: &str = "2026-2.log.localhost";

pub(crate) fn copy(disk: &dyn Disk) -> Arc<MemoryDisk> {
    let copy = MemoryDisk::new();
    for name in disk.list().unwrap() {
        copy.replace(&name, &disk.read(&name).unwrap()).unwrap();
    }
    Arc::new(copy)
}

fn root_of(leaves: &[&[u8]]) -> Head {
    let hashes: Vec<Digest> = leaves.iter().map(|leaf| model::merkle::leaf_hash(leaf)).collect();
    Head { size: hashes.len() as u64, root: model::merkle::root(&hashes) }
}

fn checkpoint(platform: &Platform, old: Head, new: Head, proof: Vec<Digest>) -> Order {
    Order::Checkpoint(CheckpointOrder { key: platform.key("platform/log"), old, new, proof })
}

fn stamp(platform: &Platform) -> Order {
    let key = platform.key("platform/timestamp");
    Order::Timestamp(TimestampOrder { key, imprint: Imprint::Sha256([5; 32]), nonce: None })
}

/// A platform whose folder was put back as it was after the first of two checkpoints.
fn restored() -> Platform {
    let disk = Arc::new(MemoryDisk::new());
    let mut platform = Platform::begin(World::on(Arc::<MemoryDisk>::clone(&disk)));
    platform.order(checkpoint(&platform, root_of(&[]), root_of(&[b"one"]), vec![])).unwrap();
    let backup = copy(&*disk);
    platform
        .order(checkpoint(
            &platform,
            root_of(&[b"one"]),
            root_of(&[b"one", b"two"]),
            vec![model::merkle::leaf_hash(b"two")],
        ))
        .unwrap();
    let shared: Arc<dyn Disk> = backup.clone();
    let seen = inspect(&shared).unwrap().unwrap();
    let marker = Restored { adoptions: 0, head: seen.head, at: platform.world.now() };
    backup.replace(RESTORED, &marker.encode()).unwrap();
    platform.world.disk = backup;
    platform.restart()
}

pub(crate) fn adoption(platform: &Platform, instance: &str) -> Change {
    let Head { size, root } = platform.process.state().unwrap().journal;
    let (instance, reason) = (space(instance), "the disk was lost".to_owned());
    Change::Adoption(Adoption { journal_size: size, journal_root: root, instance, reason })
}

pub(crate) fn next_log(platform: &Platform, origin: &str) -> Change {
    let record = platform.record("platform/log", Form::Checkpoint, Algorithm::Ed25519);
    Change::Key(KeyRecord { generation: 2, origin: Some(origin.to_owned()), ..record })
}

pub(crate) fn retired(platform: &Platform) -> Change {
    let (key, since) = (platform.key("platform/log"), platform.world.now());
    Change::KeyState { key, state: KeyState::Retired, since, reason: "frozen".to_owned() }
}

fn refusal(answer: AdminAnswer) -> String {
    match answer {
        AdminAnswer::Refused(refusal) => refusal.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restored_state_signs_no_checkpoint_no_token_and_nothing_governed_until_it_is_adopted() {
    let platform = restored();
    let governed = platform.asking("default/governed", b"bytes");
    let by = [&platform.world.endorsers[0], &platform.world.endorsers[1]];
    let governed = governed.endorsed(&by, platform.world.now()).order();
    let again = checkpoint(&platform, root_of(&[]), root_of(&[b"one"]), vec![]);
    let recall = Order::Recall(RecallOrder { request: Digest::ZERO, item: 0 });
    for order in [again, stamp(&platform), governed.clone(), recall] {
        let refused = platform.order(order).unwrap_err();
        assert_eq!(refused.code, RefusalCode::Journal);
        assert!(refused.text.contains("avouch signerd adopt"), "{}", refused.text);
    }
    assert_eq!(platform.process.state().unwrap().journal_checkpoint, "", "the journal would fork");
    platform.order(platform.asking("default/blob", b"bytes").order()).unwrap();
    // A second start changes nothing.
    let platform = platform.restart();
    assert_eq!(platform.order(stamp(&platform)).unwrap_err().code, RefusalCode::Journal);

    let changes = vec![adoption(&platform, "two"), retired(&platform), next_log(&platform, NEXT_ORIGIN)];
    let adopted = platform.enter(changes);
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
    for platform in [platform, restored_and_adopted()] {
        platform.order(stamp(&platform)).unwrap();
        platform.order(checkpoint(&platform, root_of(&[]), root_of(&[]), vec![])).unwrap();
        let state = platform.process.state().unwrap();
        assert!(state.journal_checkpoint.starts_with("localhost/journal/two\n"));
        let gap = platform.registry().adoptions().to_vec();
        assert_eq!(gap.len(), 1, "the gap stays visible");
        let old = platform.registry().key_named(&space("platform/log"), 1).unwrap().record.id();
        let (one, two) = (root_of(&[b"one"]), root_of(&[b"one", b"other"]));
        let order =
            CheckpointOrder { key: old, old: one, new: two, proof: vec![model::merkle::leaf_hash(b"other")] };
        assert_eq!(
            platform.order(Order::Checkpoint(order)).unwrap_err().code,
            RefusalCode::Key,
            "the old log is frozen"
        );
    }
}

fn restored_and_adopted() -> Platform {
    let platform = restored();
    let changes = vec![adoption(&platform, "two"), retired(&platform), next_log(&platform, NEXT_ORIGIN)];
    let adopted = platform.enter(changes);
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
    platform.restart()
}

#[test]
fn an_adoption_of_a_restored_state_begins_a_new_journal_and_a_new_log() {
    let platform = restored();
    let said = refusal(platform.enter(vec![adoption(&platform, "one"), retired(&platform)]));
    assert!(said.contains("`one` was one before"), "{said}");
    let said = refusal(platform.enter(vec![adoption(&platform, "two"), next_log(&platform, NEXT_ORIGIN)]));
    assert!(said.contains("`platform/log` generation 1 goes on"), "{said}");
    let same_log = vec![adoption(&platform, "two"), retired(&platform), next_log(&platform, ORIGIN)];
    let said = refusal(platform.enter(same_log));
    assert!(said.contains(&format!("`{ORIGIN}` was one before")), "{said}");
    let unsigned = platform.entry(vec![adoption(&platform, "two"), retired(&platform)]);
    let unsigned = quorum::Entry { endorsements: Vec::new(), ..unsigned };
    let said = refusal(platform.administer(&AdminMessage::Append { entry: unsigned.encode() }));
    assert!(said.contains("too few endorsements"), "{said}");
    assert_eq!(platform.order(stamp(&platform)).unwrap_err().code, RefusalCode::Journal);
}

#[test]
fn an_adoption_of_a_restored_state_ends_a_log_of_certificates_too() {
    let platform = restored();
    let log = platform.record("platform/ct", Form::Sct, Algorithm::EcdsaP256);
    assert!(matches!(platform.enter(vec![Change::Key(log)]), AdminAnswer::Appended { .. }));
    let changes = || vec![adoption(&platform, "two"), retired(&platform), next_log(&platform, NEXT_ORIGIN)];
    let (key, since, reason) = (platform.key("platform/ct"), platform.world.now(), "frozen".to_owned());
    let suspended = Change::KeyState { key, state: KeyState::Suspended, since, reason: reason.clone() };
    for goes_on in [changes(), [changes(), vec![suspended]].concat()] {
        let said = refusal(platform.enter(goes_on));
        assert!(said.contains("`platform/ct` generation 1 goes on"), "{said}");
    }
    let retired = Change::KeyState { key, state: KeyState::Retired, since, reason };
    let adopted = platform.enter([changes(), vec![retired]].concat());
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
}

#[test]
fn an_inspection_shows_all_that_the_journal_holds_and_changes_nothing() {
    let disk = Arc::new(MemoryDisk::new());
    let mut world = World::on(Arc::<MemoryDisk>::clone(&disk));
    world.segment_bytes = 8 * 1024;
    let platform = Platform::begin(world);
    for round in 0..20_u8 {
        platform.order(platform.asking("default/blob", &[round]).order()).unwrap();
        platform.order(stamp(&platform)).unwrap();
    }
    let state = platform.process.state().unwrap();
    let shared: Arc<dyn Disk> = disk.clone();
    let before = (disk.read("journal-odd").unwrap(), disk.read("journal-even").unwrap());
    let seen = inspect(&shared).unwrap().unwrap();
    assert_eq!((disk.read("journal-odd").unwrap(), disk.read("journal-even").unwrap()), before);
    assert_eq!((&seen.registry, seen.continuity), (&state.registry, Continuity::Unbroken));
    assert!(seen.head.size >= state.journal.size && seen.blemishes.is_empty(), "{:?}", seen.blemishes);
    assert!(seen.held_from < seen.head.size);
    let held: Vec<u64> = seen.leaves.iter().map(model::journal::Leaf::sequence).collect();
    assert!(held.iter().rev().zip((0..seen.head.size).rev()).take(8).all(|(a, b)| *a == b), "{held:?}");
    let code: Vec<_> = seen.intents.values().filter(|known| known.order == OrderKind::Code).collect();
    assert_eq!(code.len(), 20, "whatever may be ordered again is known");
    let signed = code
        .iter()
        .filter(|known| known.signature.map(Ending::Signed) == known.ending && known.ending.is_some());
    assert_eq!(signed.count(), 20);
}

#[test]
fn damage_is_named_by_file_and_place_and_a_torn_end_is_told() {
    let disk = Arc::new(MemoryDisk::new());
    let platform = Platform::begin(World::on(Arc::<MemoryDisk>::clone(&disk)));
    for round in 0..4_u8 {
        platform.order(platform.asking("default/blob", &[round]).order()).unwrap();
    }
    drop(platform);
    let good = disk.read("journal-odd").unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let (mut damaged, mut torn) = (0, 0);
    for at in (0..=used).step_by(41) {
        let copy = copy(&*disk);
        copy.tamper("journal-odd", |bytes| bytes[at] ^= 4);
        let shared: Arc<dyn Disk> = copy;
        match inspect(&shared) {
            Err(error) => {
                assert!(error.to_string().contains("journal"), "{error}");
                damaged += 1;
            }
            Ok(Some(seen)) => {
                assert!(
                    matches!(seen.blemishes.as_slice(), [Blemish::Torn { name, at: end }] if name == "journal-odd" && *end <= at),
                    "byte {at}: {:?}",
                    seen.blemishes
                );
                torn += 1;
            }
            Ok(None) => panic!("the journal is gone"),
        }
    }
    assert!(damaged > 50 && torn > 0, "{damaged} {torn}");
}

#[test]
fn a_restored_state_issues_no_certificate_until_it_is_adopted() {
    let platform = restored();
    let before = platform.process.state().unwrap().certificates.len();
    let added =
        platform.enter(vec![Change::Key(platform.record("default/new", Form::Cms, Algorithm::EcdsaP256))]);
    assert!(matches!(added, AdminAnswer::Appended { .. }), "{added:?}");
    let platform = platform.restart();
    assert_eq!(platform.process.state().unwrap().certificates.len(), before);
    let changes = vec![adoption(&platform, "two"), retired(&platform), next_log(&platform, NEXT_ORIGIN)];
    assert!(matches!(platform.enter(changes), AdminAnswer::Appended { .. }));
    assert_eq!(platform.process.state().unwrap().certificates.len(), before + 1);
}
