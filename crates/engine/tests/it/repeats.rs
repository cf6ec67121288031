//! Whoever asks twice gets the same receipt once.

use engine::{Decision, Ledger, Repeat, State, SubmitError, Ticket};
use quorum::{Change, KeyState};

use crate::world::{Asking, MINUTE, Transport, World};

#[test]
fn the_same_request_again_gives_the_same_receipts_and_signs_nothing() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let first = asking.submit(&world, &engine).unwrap();
    let (signed, leaves) = (world.line.signed(), world.store().head().unwrap().size);
    assert_eq!(asking.submit(&world, &engine).unwrap(), first);
    assert_eq!((world.line.signed(), world.store().head().unwrap().size), (signed, leaves));
}

#[test]
fn a_request_composed_once_more_within_a_day_gives_the_same_receipts_and_later_new_ones() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let first = asking.submit(&world, &engine).unwrap();
    world.clock.advance(23 * 60 * MINUTE);
    assert_eq!(asking.once_more(&world).submit(&world, &engine).unwrap(), first);
    world.clock.advance(2 * 60 * MINUTE);
    let later = asking.once_more(&world).submit(&world, &engine).unwrap();
    assert_ne!(later.id, first.id);
    assert_eq!(later.state, State::Done);
}

#[test]
fn whoever_asks_for_a_new_signature_gets_one() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let first = asking.submit(&world, &engine).unwrap();
    let mut again = asking.once_more(&world);
    again.repeat = Repeat::Again;
    let second = again.submit(&world, &engine).unwrap();
    assert_ne!(second.receipts[0].1.items[0].signature, first.receipts[0].1.items[0].signature);
}

#[test]
fn another_content_another_file_name_or_another_reason_is_no_repeat() {
    let world = World::new();
    let engine = world.engine();
    let first = world.asking(&engine, "default", &["a"]).submit(&world, &engine).unwrap();
    let mut named = world.asking(&engine, "default", &["a"]);
    named.items[0].name = "b".to_owned();
    let mut reasoned = world.asking(&engine, "default", &["a"]);
    reasoned.request.reason = "once more".to_owned();
    for asking in [named.recompose(), reasoned] {
        assert_ne!(asking.submit(&world, &engine).unwrap().id, first.id);
    }
}

#[test]
fn a_repeat_is_decided_afresh() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    asking.submit(&world, &engine).unwrap();
    *world.policy.says.lock().unwrap() = |_| Decision::Forbid { reasons: vec!["frozen".to_owned()] };
    let view = asking.once_more(&world).submit(&world, &engine).unwrap();
    assert_eq!((view.state, view.receipts.len()), (State::Refused, 0));
}

#[test]
fn a_repeat_whose_key_is_suspended_is_not_answered_with_what_was_given() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let first = asking.submit(&world, &engine).unwrap();
    let key = first.receipts[0].1.items[1].public_key.id();
    let reason = "leaked".to_owned();
    world.enter(vec![Change::KeyState {
        key,
        state: KeyState::Suspended,
        since: model::Instant::EPOCH,
        reason,
    }]);
    world.clock.advance(std::time::Duration::from_secs(2));
    let error = asking.once_more(&world).submit(&world, &engine).unwrap_err();
    let SubmitError::Item { index: 1, fault, .. } = error else { panic!("{error}") };
    assert_eq!(
        fault.to_string(),
        "key `default/blob` has no active generation: an administrator must add or restore one"
    );
}

#[test]
fn an_id_or_an_idempotency_key_that_was_used_for_something_else_is_a_conflict() {
    let world = World::new();
    let engine = world.engine();
    let mut asking = world.asking(&engine, "default", &["a"]);
    asking.idempotency_key = Some("build-77".to_owned());
    let first = asking.submit(&world, &engine).unwrap();
    let mut same_id = world.asking(&engine, "default", &["b"]);
    same_id.request.id = asking.id();
    assert!(matches!(same_id.submit(&world, &engine), Err(SubmitError::Conflict { .. })));
    let mut same_key = world.asking(&engine, "default", &["b"]);
    same_key.idempotency_key = asking.idempotency_key.clone();
    assert!(matches!(same_key.submit(&world, &engine), Err(SubmitError::Conflict { .. })));
    let mut again = asking.once_more(&world);
    again.repeat = Repeat::Again;
    assert_eq!(again.submit(&world, &engine).unwrap(), first, "an idempotency key holds against `again` too");
}

#[test]
fn an_idempotency_key_is_its_principals_alone() {
    let world = World::new();
    let engine = world.engine();
    let mut asking = world.asking(&engine, "default", &["a"]);
    asking.idempotency_key = Some("build-77".to_owned());
    let first = asking.submit(&world, &engine).unwrap();
    let mut other = world.caller();
    other.principal = model::PrincipalId::new([8; 16]);
    let mut theirs = asking.once_more(&world);
    theirs.request.requester = other.requester();
    let (reply, answered) = crate::world::reply();
    engine.submit(other.clone(), theirs.submission(), reply);
    assert_ne!(answered.wait().unwrap().id, first.id);
    let (reply, answered) = crate::world::reply();
    engine.submit(other, asking.submission(), reply);
    assert!(
        matches!(answered.wait(), Err(SubmitError::Conflict { .. })),
        "somebody else's request is not told"
    );
}

#[test]
fn the_same_thing_twenty_times_at_once_is_signed_once() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let same: Vec<_> = (0..10).map(|_| asking.submit_later(&world, &engine)).collect();
    let alike: Vec<_> = (0..10).map(|_| asking.once_more(&world).submit_later(&world, &engine)).collect();
    let views: Vec<_> = same.into_iter().chain(alike).map(|answer| answer.wait().unwrap()).collect();
    assert!(views.iter().all(|view| view.id == asking.id() && view.receipts == views[0].receipts));
    assert_eq!(world.line.signed(), 2, "one signature an item");
}

/// Where signing has to wait for somebody, whoever asks again meanwhile is shown what they repeat.
#[test]
fn a_repeat_of_what_is_under_way_is_found_as_the_request_that_it_repeats() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    world.line.set(Transport::CutsItems);
    let caller = world.caller();
    let hand_over =
        |asking: &Asking| engine.submit(world.caller(), asking.submission(), Box::new(|_| ())).unwrap();
    let found = |ticket: &Ticket| loop {
        if let Some(view) = engine.submitted(&caller, ticket).unwrap() {
            break view;
        }
        std::thread::yield_now();
    };
    let first = hand_over(&asking);
    assert_eq!(found(&first).id, first.id());
    let again = hand_over(&asking.once_more(&world));
    assert_ne!(again.id(), first.id());
    assert_eq!(found(&again).id, first.id());
    // Who wants a new signature waits for that one.
    let mut anew = asking.once_more(&world);
    anew.repeat = Repeat::Again;
    let anew = hand_over(&anew);
    assert_eq!(found(&anew).id, anew.id());
}
