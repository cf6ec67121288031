//! A witness as a log, a liar and a power cut meet it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod world;

use std::sync::Arc;
use std::thread;

use model::{Digest, Instant};
use testkit::{CrashDisk, Fault};
use tlog::witness::Rejection;
use tlog::{Cosignature, SignedCheckpoint};
use witness::WitnessError;

use crate::world::{Log, World};

fn conflict(answer: Result<String, WitnessError>) -> u64 {
    match answer {
        Err(WitnessError::Rejected(Rejection::Conflict { size })) => size,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_is_cosigned_as_it_grows_with_the_time_of_the_witness_and_remembered() {
    let (world, mut log) = (World::new(), Log::new());
    let witness = world.open(&[&log]).unwrap();
    log.grow(5);
    let submitted = log.submission(0);
    let line = witness.add_checkpoint(&submitted.encode()).unwrap();
    let checkpoint = SignedCheckpoint::open(&log.note(), &log.key).unwrap();
    let cosigned = checkpoint.with_cosignatures(&line, &[witness.key().clone()]).unwrap();
    let times: Vec<Instant> =
        cosigned.cosignatures(&[witness.key().clone()]).unwrap().iter().map(|one| one.time).collect();
    assert_eq!(times, [world.now()]);
    log.grow(7);
    assert_eq!(conflict(witness.add_checkpoint(&log.submission(0).encode())), 5);
    witness.add_checkpoint(&log.submission(5).encode()).unwrap();
    drop(witness);
    // Whoever starts again remembers, and tells everybody.
    let again = world.open(&[&log]).unwrap();
    assert_eq!(conflict(again.add_checkpoint(&submitted.encode())), 12);
    let shown = again.checkpoint(&Digest::of(log.origin().as_bytes())).unwrap();
    assert_eq!(Cosignature::open(&shown, log.origin(), again.key()).unwrap().size(), 12);
    assert_eq!(SignedCheckpoint::open(&shown, &log.key).unwrap().size(), 12);
    assert_eq!(again.checkpoint(&Digest::of(b"another")), None);
}

#[test]
fn a_forked_a_rolled_back_and_a_strangers_log_get_no_cosignature() {
    let (world, mut log) = (World::new(), Log::new());
    let witness = world.open(&[&log]).unwrap();
    log.grow(5);
    let mut fork = log.clone();
    let before = log.clone();
    log.grow(4);
    fork.grow_otherwise(4);
    witness.add_checkpoint(&log.submission(0).encode()).unwrap();
    // The same size, another root.
    let status = |body: String| match witness.add_checkpoint(&body) {
        Err(WitnessError::Rejected(rejection)) => rejection.status(),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(fork.submission(9).encode()), 409);
    // Larger, and not from there.
    fork.grow(3);
    assert_eq!(status(fork.submission(9).encode()), 422);
    assert_eq!(status(fork.submission(5).encode()), 409);
    // Smaller.
    assert_eq!(status(before.submission(0).encode()), 409);
    assert_eq!(status(before.submission(5).encode()), 409);
    let mut stranger = Log::named("stranger.example.test", 9);
    stranger.grow(1);
    assert_eq!(status(stranger.submission(0).encode()), 404);
    let mut thief = Log::named(log.origin(), 9);
    thief.grow(10);
    assert_eq!(status(thief.submission(9).encode()), 403);
}

#[test]
fn of_many_submissions_at_once_none_takes_a_step_back() {
    let (world, mut log) = (World::new(), Log::new());
    let witness = Arc::new(world.open(&[&log]).unwrap());
    log.grow(1);
    witness.add_checkpoint(&log.submission(0).encode()).unwrap();
    let bodies: Vec<String> = (0..16)
        .map(|_| {
            log.grow(1);
            log.submission(1).encode()
        })
        .collect();
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            bodies.iter().map(|body| scope.spawn(|| witness.add_checkpoint(body))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "all went on from one size");
}

/// Cuts the power and breaks the disk at every operation, in turn: what was ever given out is remembered.
#[test]
fn no_crash_makes_a_witness_cosign_two_histories() {
    for fault in [Fault::Error, Fault::CutBefore, Fault::CutAfter, Fault::Full] {
        for nth in 1..12 {
            let disk = CrashDisk::default();
            let (world, mut log) = (World::on(Arc::new(disk.clone())), Log::new());
            let mut fork = log.clone();
            log.grow(3);
            fork.grow_otherwise(3);
            disk.plan(nth - 1, fault);
            let given =
                world.open(&[&log]).and_then(|witness| witness.add_checkpoint(&log.submission(0).encode()));
            disk.cut(nth);
            disk.switch_on();
            let again = world.open(&[&log]).unwrap();
            let other = again.add_checkpoint(&fork.submission(0).encode());
            if given.is_ok() {
                assert_eq!(conflict(other), 3, "{fault:?} at {nth}");
            }
        }
    }
}

#[test]
fn after_a_failed_write_nothing_is_cosigned_until_a_new_start() {
    let disk = CrashDisk::default();
    let (world, mut log) = (World::on(Arc::new(disk.clone())), Log::new());
    let witness = world.open(&[&log]).unwrap();
    log.grow(3);
    disk.plan(0, Fault::Error);
    let body = log.submission(0).encode();
    assert!(matches!(witness.add_checkpoint(&body), Err(WitnessError::Disk(_))));
    assert!(matches!(witness.add_checkpoint(&body), Err(WitnessError::Stopped)));
}

#[test]
fn a_memory_that_somebody_else_wrote_is_not_gone_on_from() {
    let (world, mut log) = (World::new(), Log::new());
    log.grow(3);
    // Without the witness's own cosignature.
    world.disk.replace(&Digest::of(log.origin().as_bytes()).to_string(), log.note().as_bytes()).unwrap();
    let refused = world.open(&[&log]).err().unwrap();
    assert!(matches!(refused, WitnessError::Foreign { .. }), "{refused}");
    let twice = World::new().open(&[&log, &log]).err().unwrap();
    assert!(matches!(twice, WitnessError::Twice { .. }), "{twice}");
}

#[test]
fn a_witness_is_begun_once() {
    let world = World::new();
    let again = world.begin("another.example").unwrap_err();
    assert!(matches!(again, WitnessError::Begun { .. }), "{again}");
    assert!(World::bare().begin("a name").is_err());
    assert!(matches!(World::bare().open(&[]), Err(WitnessError::NotBegun)));
}
