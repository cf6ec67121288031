//! Lanes: a key store that hangs holds up whoever needs it, and nobody else.

use engine::{Ledger, Repeat, State, SubmitError};
use model::{Form, Instant, Logging, Timestamping};
use quorum::{Change, KeyState};

use crate::cycle::verify;
use crate::world::{Asking, World, profile};

/// So many requests may be on their way through a lane.
const PASSAGES: usize = 1_024;

#[test]
fn a_store_that_hangs_holds_up_its_own_requests_alone() {
    let (world, token) = World::with_token();
    let engine = world.engine();
    let held = token.hold(1);
    let slow = world.asking(&engine, "default/token", &["slow"]).submit_later(&world, &engine);
    token.await_waiting(1);
    for file in ["a", "b", "c"] {
        let view = world.asking(&engine, "default", &[file]).submit(&world, &engine).unwrap();
        assert_eq!(view.state, State::Done, "{:?}", view.reasons);
    }
    assert!(slow.is_there().is_none());
    assert!(engine.troubles().is_empty(), "nothing failed yet");
    drop(held);
    let view = slow.wait().unwrap();
    assert_eq!(view.state, State::Done, "{:?}", view.reasons);
    verify(&world, &view.receipts[0].1);
    let numbers = engine.metrics().stages;
    let members: Vec<(String, u64)> =
        numbers[1..3].iter().map(|lane| (lane.stage.to_string(), lane.members)).collect();
    assert_eq!(members, [("sign software".to_owned(), 3), ("sign token".to_owned(), 1)]);
}

#[test]
fn a_request_with_keys_in_two_stores_goes_through_both_lanes_and_gets_one_receipt() {
    let (world, token) = World::with_token();
    let engine = world.engine();
    let held = token.hold(1);
    let asking = world.asking(&engine, "default/both", &["a", "b"]);
    let answered = asking.submit_later(&world, &engine);
    token.await_waiting(1);
    // It holds up nobody who needs the first lane alone, nor itself there.
    let other = world.asking(&engine, "default", &["c"]).submit(&world, &engine).unwrap();
    assert_eq!(other.state, State::Done);
    drop(held);
    let view = answered.wait().unwrap();
    assert_eq!((view.state, view.receipts.len()), (State::Done, 2), "{:?}", view.reasons);
    for (_, receipt) in &view.receipts {
        verify(&world, receipt);
        assert_eq!(receipt.items.len(), 2, "one from each store");
    }
}

#[test]
fn a_request_is_one_decision_also_where_another_store_signed_a_part_of_it() {
    let (world, token) = World::with_token();
    let engine = world.engine();
    let held = token.hold(1);
    let answered = world.asking(&engine, "default/both", &["a"]).submit_later(&world, &engine);
    token.await_waiting(1);
    // The first lane has signed. Then the other key is taken away, while its store is at work.
    let key = world.key("default/token");
    let (state, since) = (KeyState::Suspended, Instant::EPOCH);
    world.enter(vec![Change::KeyState { key, state, since, reason: "taken away".to_owned() }]);
    drop(held);
    let view = answered.wait().unwrap();
    assert_eq!((view.state, view.receipts.len()), (State::Refused, 0));
    let why = [
        "the key process refuses item 1: key `default/token` generation 1 is suspended and does not sign",
        "1 of its items were signed before that (items 0): 1 of them stand in the log, and nobody is given one",
    ];
    assert_eq!(view.reasons, why);
    assert_eq!(engine.metrics().log_size, 1, "what the first lane signed is in the log, and nowhere else");
}

#[test]
fn a_full_lane_turns_its_own_requests_away_before_anything_is_recorded_and_no_others() {
    let (world, token) = World::with_token();
    let mut quick = profile("default/token", &[(Form::Blob, "default/token")]);
    (quick.timestamp, quick.log) = (Timestamping::None, Logging::None);
    world.store().set_profile(&quick).unwrap();
    let engine = world.engine();
    let held = token.hold(1);
    let asking = world.asking(&engine, "default/token", &["slow"]);
    let asking = Asking { repeat: Repeat::Again, ..asking };
    let mut answers = Vec::new();
    while answers.len() < PASSAGES {
        answers.push(asking.once_more(&world).submit_later(&world, &engine));
    }
    for _ in 0..2 {
        let busy = asking.submit(&world, &engine).unwrap_err();
        assert!(matches!(busy, SubmitError::Busy { .. }), "{busy}");
    }
    let leaves = world.store().head().unwrap().size;
    assert_eq!(
        leaves,
        2 * PASSAGES as u64,
        "a submission and an intent each, and nothing of the one too many"
    );
    let other = world.asking(&engine, "default", &["quick"]).submit(&world, &engine).unwrap();
    assert_eq!(other.state, State::Done);
    drop(held);
    assert!(answers.into_iter().all(|answer| answer.wait().unwrap().state == State::Done));
    assert_eq!(asking.submit(&world, &engine).unwrap().state, State::Done);
}
