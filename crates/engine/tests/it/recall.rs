//! What was signed of a request that gets no receipts is in the log and in the ledger, and in nobody's hands.

use engine::{Decision, Leaf, LeafKind, Ledger, State, View};
use model::{Instant, Logging, RequestId};
use quorum::{Change, KeyState};
use serde_json::Value;

use crate::crash::{Until, ask, prepare, stop_after};
use crate::world::{Asking, Transport, World, profile, space};

/// The outcome of a request, as the ledger has it.
fn outcome(world: &World, id: RequestId) -> Value {
    let leaves = world.store().leaves(0, 1_000).unwrap();
    let is_outcome = |leaf: &&Leaf| leaf.request == Some(id) && leaf.kind == LeafKind::Outcome;
    let outcomes: Vec<&Leaf> = leaves.iter().filter(is_outcome).collect();
    assert_eq!(outcomes.len(), 1);
    serde_json::from_slice(&outcomes[0].record).unwrap()
}

/// The items of a request that were recalled, each with its entry in the log.
fn recalled(world: &World, asking: &Asking) -> Vec<(u64, Option<u64>)> {
    let outcome = outcome(world, asking.id());
    let recalled = outcome["recalled"].as_array().cloned().unwrap_or_default();
    recalled.iter().map(|one| (one["item"].as_u64().unwrap(), one["entry"].as_u64())).collect()
}

/// A request of two items that a server left where it stopped, and which must not be signed any more.
fn left(until: Until, forbid: impl FnOnce(&World)) -> (World, Asking, View) {
    let (mut world, _) = World::with_token();
    let asking = prepare(&world, "default/both");
    stop_after(&world, &asking, until);
    forbid(&world);
    world.reopen();
    let engine = world.engine();
    let view = ask(&engine, asking.id());
    assert_eq!(asking.submit(&world, &engine).unwrap(), view, "the client asks again");
    drop(engine);
    (world, asking, view)
}

fn policy_forbids(world: &World) {
    *world.policy.says.lock().unwrap() = |_| Decision::Forbid { reasons: vec!["not any more".to_owned()] };
}

fn requester_is_disabled(world: &World) {
    world.store().disable_principal(&world.caller().principal).unwrap();
}

#[test]
fn what_was_signed_before_policy_forbade_it_or_its_requester_was_disabled_is_logged_and_given_to_nobody() {
    type Forbid = fn(&World);
    let whys: [(Forbid, &str); 2] = [
        (policy_forbids, "not any more"),
        (requester_is_disabled, "the requester `build` may do nothing any more"),
    ];
    for (forbid, why) in whys {
        for (until, signed) in
            [(Until::InTheFirstLane, 1), (Until::Signed, 2), (Until::Stamped, 2), (Until::Logged, 2)]
        {
            let (world, asking, view) = left(until, forbid);
            assert_eq!((view.state, view.receipts.len()), (State::Refused, 0), "{until:?}");
            assert_eq!((view.reasons[0].as_str(), view.reasons.len()), (why, 2), "{until:?}");
            let expected: Vec<(u64, Option<u64>)> = (0..signed).map(|item| (item, Some(item))).collect();
            assert_eq!(recalled(&world, &asking), expected, "{until:?}");
            assert_eq!(world.engine().metrics().log_size, signed, "{until:?}: once in the log");
            assert_eq!(world.line.signed(), usize::try_from(signed).unwrap(), "{until:?}: and nothing new");
        }
    }
}

#[test]
fn a_request_of_which_nothing_was_signed_is_refused_as_ever() {
    let (world, asking, view) = left(Until::Intended, policy_forbids);
    assert_eq!((view.state, view.reasons), (State::Refused, vec!["not any more".to_owned()]));
    assert!(outcome(&world, asking.id()).get("recalled").is_none());
    assert_eq!((world.engine().metrics().log_size, world.line.signed()), (0, 0));
}

#[test]
fn a_signature_whose_key_was_taken_away_since_is_recalled_too() {
    let (world, asking, view) = left(Until::Signed, |world| {
        policy_forbids(world);
        let (key, state, since) = (world.key("default/token"), KeyState::Revoked, Instant::EPOCH);
        world.enter(vec![Change::KeyState { key, state, since, reason: "stolen".to_owned() }]);
    });
    assert_eq!(view.state, State::Refused);
    assert_eq!(recalled(&world, &asking), [(0, Some(0)), (1, Some(1))]);
}

#[test]
fn what_is_recalled_waits_for_the_key_process_and_for_the_log_and_is_not_lost_between_two_servers() {
    for transport in [Transport::Cut, Transport::CutsCheckpoints] {
        let (mut world, _) = World::with_token();
        let asking = prepare(&world, "default/both");
        stop_after(&world, &asking, Until::Signed);
        policy_forbids(&world);
        world.line.set(transport);
        let engine = world.engine();
        while engine.troubles().is_empty() {
            std::thread::yield_now();
        }
        let view = engine.view(&world.caller(), asking.id()).unwrap().unwrap();
        assert_eq!(view.state, State::Intended, "{transport:?}: it is not told as anything else meanwhile");
        engine.drain();
        drop(engine);
        world.line.set(Transport::Honest);
        world.reopen();
        let view = ask(&world.engine(), asking.id());
        assert_eq!(view.state, State::Refused, "{transport:?}: {:?}", view.reasons);
        assert_eq!(recalled(&world, &asking), [(0, Some(0)), (1, Some(1))], "{transport:?}");
    }
}

#[test]
fn a_profile_without_a_log_tells_of_what_was_signed_in_the_ledger_alone() {
    let (mut world, _) = World::with_token();
    let mut quiet = profile("default/token", &[(model::Form::Blob, "default/token")]);
    quiet.log = Logging::None;
    world.store().set_profile(&quiet).unwrap();
    assert_eq!(quiet.name, space("default/token"));
    let asking = prepare(&world, "default/token");
    stop_after(&world, &asking, Until::Signed);
    policy_forbids(&world);
    world.reopen();
    let view = ask(&world.engine(), asking.id());
    assert_eq!((view.state, view.receipts.len()), (State::Refused, 0));
    assert_eq!(recalled(&world, &asking), [(0, None)]);
}
