//! Another log follows: without a restart, and whatever stops in between.

use std::sync::Arc;
use std::time::Duration;

use engine::stages::LogStage;
use engine::{Engine, State};
use envelope::rekor::SubmittedBody;
use model::{Algorithm, Clock, Form};
use quorum::{Change, KeyRecord, KeyState};
use store::{FrozenLogs, LogName};

use crate::submitted::{body, by_hand};
use crate::world::{Transport, World};

const HOUR: Duration = Duration::from_secs(3_600);
const OLD: &str = "2026.log.localhost";
const NEW: &str = "2027.log.localhost";

/// A log that is to follow in an hour; the one before is over in two.
fn rotate(world: &World) {
    let now = world.clock.now().whole_second();
    let old = world.key("platform/log");
    let new = KeyRecord {
        generation: 2,
        takes_over: Some(now.after(HOUR)),
        origin: Some(NEW.to_owned()),
        ..world.record("platform/log", Form::Checkpoint, Algorithm::Ed25519)
    };
    let reason = "a year is over".to_owned();
    let retire = Change::KeyState { key: old, state: KeyState::Retired, since: now.after(2 * HOUR), reason };
    world.enter(vec![Change::Key(new), retire]);
}

/// In which log a signature that is made now stands.
fn logged_in(world: &World, engine: &Engine, file: &str) -> String {
    let view = world.asking(engine, "default", &[file]).submit(world, engine).unwrap();
    assert_eq!(view.state, State::Done, "{:?}", view.reasons);
    let entry = view.receipts[0].1.items[0].log.as_ref().unwrap();
    entry.checkpoint.lines().next().unwrap().to_owned()
}

#[test]
fn a_log_that_is_to_follow_begins_with_the_first_entry_after_its_time() {
    let mut world = World::new();
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "a"), OLD);
    rotate(&world);
    assert_eq!(logged_in(&world, &engine, "b"), OLD);
    world.clock.advance(HOUR);
    assert_eq!(logged_in(&world, &engine, "c"), NEW);
    assert_eq!(engine.log_key().unwrap().name(), NEW);
    assert_eq!(engine.log_key_of(&format!("{OLD}\n")).unwrap().name(), OLD);
    engine.drain();
    drop(engine);
    // It goes on there after a restart, and after the old one has retired.
    world.reopen();
    world.clock.advance(HOUR);
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "d"), NEW);
}

#[test]
fn a_clock_that_goes_back_behind_a_succession_brings_no_old_log_back() {
    let mut world = World::new();
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "a"), OLD);
    rotate(&world);
    world.clock.advance(HOUR);
    assert_eq!(logged_in(&world, &engine, "b"), NEW);
    world.clock.set_now(world.clock.now().before(Duration::from_secs(2)));
    assert_eq!(logged_in(&world, &engine, "c"), NEW);
    engine.drain();
    drop(engine);
    // Nor does a start.
    world.reopen();
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "d"), NEW);
}

#[test]
fn a_log_whose_turn_came_while_nobody_served_begins_with_the_start() {
    let mut world = World::new();
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "a"), OLD);
    rotate(&world);
    engine.drain();
    drop(engine);
    world.clock.advance(3 * HOUR);
    world.reopen();
    let engine = world.engine();
    assert_eq!(logged_in(&world, &engine, "b"), NEW);
}

/// A log with an entry, and a second that is durable under a head which nobody signed when the turn came so much later.
fn turned_after(later: Duration) -> (World, LogStage, SubmittedBody) {
    let world = World::new();
    let engine = world.engine();
    rotate(&world);
    engine.drain();
    drop(engine);
    let mut log = LogStage::open(Arc::new(engine::World::new(world.parts()))).unwrap();
    by_hand(&mut log, &body(b"one")).unwrap();
    let two = body(b"two");
    world.line.set(Transport::CutsCheckpoints);
    assert!(by_hand(&mut log, &two).is_err());
    world.line.set(Transport::Honest);
    world.clock.advance(later);
    let three = by_hand(&mut log, &body(b"three")).unwrap();
    assert_eq!((three.checkpoint.lines().next().unwrap(), three.index), (NEW, 0));
    (world, log, two)
}

fn size_of_the_old(world: &World) -> u64 {
    let frozen = FrozenLogs::of(world.folder(), LogName::Transparency).find(OLD).unwrap();
    frozen.checkpoint().unwrap().unwrap().lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_was_swapped_into_a_log_is_signed_before_it_is_left() {
    let (world, _log, _two) = turned_after(HOUR);
    assert_eq!(size_of_the_old(&world), 2);
}

#[test]
fn what_nobody_signed_in_time_was_never_shown_and_stands_in_the_next_log() {
    let (world, mut log, two) = turned_after(3 * HOUR);
    assert_eq!(size_of_the_old(&world), 1);
    let again = by_hand(&mut log, &two).unwrap();
    assert_eq!((again.checkpoint.lines().next().unwrap(), again.index), (NEW, 1));
}
