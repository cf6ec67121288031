//! The journal: what survives, what is cut, and what is never passed over.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::Disk;
use signer::{Answer, RefusalCode, Signer, SignerError, State};
use signerd::KeyProcessError;
use testkit::{CrashDisk, Fault, MemoryDisk};
use tlog::{SignedCheckpoint, VerifierKey};

use crate::world::{MINUTE, Platform, World};

fn told(platform: &Platform) -> State {
    platform.process.state().unwrap()
}

#[test]
fn a_restart_keeps_everything() {
    let platform = Platform::new();
    let orders: Vec<_> = (0..5_u8).map(|n| platform.asking("default/cms", &[n]).order()).collect();
    let answers = platform.order_all(orders.clone());
    let before = told(&platform);
    let platform = platform.restart();
    let after = told(&platform);
    assert_eq!((&after.registry, &after.certificates), (&before.registry, &before.certificates));
    assert_eq!((&after.journal_key, &after.checkpoints), (&before.journal_key, &before.checkpoints));
    assert!(after.journal.size > before.journal.size, "a start is a leaf");
    assert_eq!(platform.order_all(orders), answers);
}

#[test]
fn the_journals_checkpoint_opens_with_its_own_key_under_its_own_origin() {
    let platform = Platform::new();
    let state = told(&platform);
    let key = model::PublicKey::from_spki(&state.journal_key).unwrap();
    let verifier = VerifierKey::of_log("localhost/journal/one", &key).unwrap();
    let opened = SignedCheckpoint::open(&state.journal_checkpoint, &verifier).unwrap();
    assert_eq!((opened.size(), *opened.root()), (state.journal.size, state.journal.root));
}

#[test]
fn segments_take_turns_and_nothing_is_forgotten_that_lives() {
    let disk = Arc::new(MemoryDisk::new());
    let mut world = World::on(Arc::<MemoryDisk>::clone(&disk));
    world.segment_bytes = 8 * 1024;
    let mut platform = Platform::begin(world);
    let first = platform.asking("default/blob", b"first").order();
    let answer = platform.order(first.clone()).unwrap();
    let mut files = BTreeSet::new();
    for round in 0..60_u8 {
        let order = platform.asking("default/blob", &[round]).order();
        platform.order(order).unwrap();
        files.extend(disk.list().unwrap());
        if round % 9 == 0 {
            platform = platform.restart();
        }
        assert_eq!(platform.order(first.clone()).unwrap(), answer, "round {round}");
    }
    assert_eq!(files.len(), 2, "{files:?}");
    // Past their deadlines they are forgotten, and the journal stops to grow with them.
    let long = |name: &str| disk.read(name).unwrap().len();
    platform.world.clock.advance(20 * MINUTE);
    for round in 0..120_u8 {
        platform.order(platform.asking("default/blob", &[round]).order()).unwrap();
        platform.world.clock.advance(MINUTE);
    }
    let lengths = (long("journal-odd"), long("journal-even"));
    for round in 0..120_u8 {
        platform.order(platform.asking("default/blob", &[round]).order()).unwrap();
        platform.world.clock.advance(MINUTE);
    }
    assert_eq!((long("journal-odd"), long("journal-even")), lengths);
}

/// What must hold after any crash: the registry is a prefix or all, every answer that was given is given again or
/// its intent is, and no index has two leaves.
fn live_through(seed: u64, nth: u64, fault: Fault) -> bool {
    let disk = CrashDisk::default();
    let mut world = World::on(Arc::new(disk.clone()));
    world.segment_bytes = 6 * 1024;
    let platform = Platform::begin(world);
    let orders: Vec<_> = (0..12_u8).map(|n| platform.asking("default/blob", &[n]).order()).collect();
    disk.plan(nth, fault);
    let mut given = Vec::new();
    for order in orders {
        let ledger = signer::Head { size: 0, root: model::Digest::ZERO };
        match platform.process.order(&signer::Orders { ledger, orders: vec![order.clone()] }) {
            Ok(answers) => given.push((order, answers.answers[0].clone())),
            Err(SignerError::Stopped) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let met = !disk.met().is_empty();
    if !disk.is_dark() {
        disk.cut(seed);
    }
    disk.switch_on();
    let platform = platform.restart();
    let state = told(&platform);
    assert_eq!(state.registry.len(), 2, "seed {seed}, {fault:?} at {nth}");
    for (order, answer) in given {
        let Answer::Signed(before) = answer else { panic!("{answer:?}") };
        let after = platform.order(order).unwrap();
        assert_eq!((after.index, after.leaf), (before.index, before.leaf), "seed {seed}, {fault:?} at {nth}");
    }
    met
}

#[test]
fn whatever_operation_of_the_disk_fails_or_loses_power_every_answer_is_still_under_its_intent() {
    let mut met = 0;
    for fault in [Fault::Error, Fault::Full, Fault::CutBefore, Fault::CutAfter] {
        for nth in 0..48 {
            met += usize::from(live_through(nth * 7 + 1, nth, fault));
        }
    }
    assert!(met > 100, "only {met} faults were met");
}

#[test]
fn a_failed_disk_stops_signing_until_a_new_start() {
    let disk = CrashDisk::default();
    let platform = Platform::begin(World::on(Arc::new(disk.clone())));
    let order = platform.asking("default/blob", b"bytes").order();
    disk.plan(0, Fault::Full);
    let ledger = signer::Head { size: 0, root: model::Digest::ZERO };
    let orders = signer::Orders { ledger, orders: vec![order.clone()] };
    for _ in 0..2 {
        assert!(matches!(platform.process.order(&orders), Err(SignerError::Stopped)));
        assert!(platform.process.state().is_err(), "nothing is told of a state that nobody knows");
    }
    platform.restart().order(order).unwrap();
}

#[test]
fn a_flipped_bit_in_what_was_durable_is_named_and_nothing_starts_over_it() {
    let disk = Arc::new(MemoryDisk::new());
    let platform = Platform::begin(World::on(Arc::<MemoryDisk>::clone(&disk)));
    for n in 0..6_u8 {
        platform.order(platform.asking("default/blob", &[n]).order()).unwrap();
    }
    let world = platform.world;
    drop(platform.process);
    let whole = disk.read("journal-odd").unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let last_frame = whole.windows(4).rposition(|window| window == b"avj1").unwrap();
    let previous = whole[..last_frame].windows(4).rposition(|window| window == b"avj1").unwrap();
    let mut silent = Vec::new();
    for at in (0..used).step_by(13) {
        disk.tamper("journal-odd", |file| file[at] ^= 1 << (at % 8));
        match world.start() {
            Err(
                KeyProcessError::Damaged { .. }
                | KeyProcessError::NoWholeSegment
                | KeyProcessError::Version { .. },
            ) => {}
            Err(error) => panic!("byte {at}: {error}"),
            Ok(_) => silent.push(at),
        }
        disk.tamper("journal-odd", |file| *file = whole.clone());
    }
    // Behind the last sync nobody can tell a flipped bit from a torn write: outcomes, and the last batch's intent.
    assert!(
        silent.iter().all(|at| *at >= previous),
        "{silent:?}, the last frames begin at {previous} and {last_frame}"
    );
}

#[test]
fn a_torn_tail_is_cut_and_a_new_start_goes_on() {
    let disk = Arc::new(MemoryDisk::new());
    let platform = Platform::begin(World::on(Arc::<MemoryDisk>::clone(&disk)));
    let order = platform.asking("default/cms", b"bytes").order();
    let signed = platform.order(order.clone()).unwrap();
    let outcome = disk.read("journal-odd").unwrap().windows(4).rposition(|window| window == b"avj1").unwrap();
    disk.tamper("journal-odd", |file| file[outcome + 100..].fill(0));
    let platform = platform.restart();
    let again = platform.order(order).unwrap();
    assert_eq!((again.index, again.leaf, again.chosen), (signed.index, signed.leaf, signed.chosen));
    assert_ne!(again.signature, signed.signature, "the outcome was torn off, and ECDSA is randomised");
}

#[test]
fn a_newer_segment_that_is_gone_is_not_replaced_by_the_older_one() {
    let disk = Arc::new(MemoryDisk::new());
    let mut world = World::on(Arc::<MemoryDisk>::clone(&disk));
    world.segment_bytes = 8 * 1024;
    let platform = Platform::begin(world);
    let mut n = 0_u32;
    while disk.list().unwrap().len() < 2 {
        platform.order(platform.asking("default/blob", &n.to_be_bytes()).order()).unwrap();
        n += 1;
    }
    disk.tamper("journal-even", |file| file[200] ^= 1);
    assert!(
        matches!(platform.world.start(), Err(KeyProcessError::Damaged { name, .. }) if name == "journal-even")
    );
    disk.remove("journal-even");
    assert!(
        matches!(platform.world.start(), Err(KeyProcessError::Damaged { name, .. }) if name == "journal-even")
    );
}

#[test]
fn a_head_that_was_told_is_extended_by_every_later_one_over_power_cuts() {
    let disk = CrashDisk::default();
    let mut platform = Platform::begin(World::on(Arc::new(disk.clone())));
    let mut heads = vec![told(&platform).journal];
    for seed in 0..12 {
        let answer = platform.order(platform.asking("default/blob", &[seed]).order());
        assert_ne!(answer.as_ref().err().map(|refusal| refusal.code), Some(RefusalCode::Journal));
        heads.push(told(&platform).journal);
        disk.cut(u64::from(seed));
        disk.switch_on();
        platform = platform.restart();
        heads.push(told(&platform).journal);
    }
    assert!(heads.windows(2).all(|pair| pair[0].size < pair[1].size), "{heads:?}");
}
