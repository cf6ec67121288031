//! A server that stops anywhere loses nothing, and nothing is signed or logged twice.

use std::sync::Arc;

use engine::stages::{
    Arrival, Ended, Entrant, Lanes, LogStage, Onward, PartlySigned, Received, Settle, Sign, Stamp, Submit,
};
use engine::{Engine, Ledger, State, View};
use model::RequestId;

use crate::world::{Asking, MINUTE, Transport, World, reply};

/// The last thing that a server did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Until {
    Intended,
    InTheFirstLane,
    Signed,
    Stamped,
    Logged,
    Settled,
}

/// Runs the stages by hand, and stops where it is told; all that is in memory is lost.
pub(crate) fn stop_after(world: &World, asking: &Asking, until: Until) {
    let inner = Arc::new(engine::World::new(world.parts()));
    let mut log = LogStage::open(Arc::clone(&inner)).unwrap();
    let now = model::Clock::now(&*world.clock);
    let received = Received::parse(world.caller(), asking.submission(), now).unwrap();
    let (reply, _) = reply();
    let arrival = Arrival::Submission { received: Box::new(received), reply };
    let lanes = Lanes::open(&inner).unwrap();
    let submitted = Submit::new(Arc::clone(&inner), lanes.clone()).run(vec![arrival]);
    assert_eq!((submitted.intended.len(), submitted.later.len()), (1, 0));
    if until == Until::Intended {
        return;
    }
    let mut boarding: Vec<PartlySigned> = submitted.intended.into_iter().map(PartlySigned::from).collect();
    let mut signed = Vec::new();
    for lane in lanes.iter() {
        for onward in Sign::new(Arc::clone(&inner), Arc::clone(lane)).run(std::mem::take(&mut boarding)).next
        {
            match onward {
                Onward::Lane(one) => boarding.push(one),
                Onward::Stamp(one) => signed.push(one),
            }
        }
        if until == Until::InTheFirstLane {
            return;
        }
    }
    if until == Until::Signed {
        return;
    }
    let stamped = Stamp::new(Arc::clone(&inner)).run(signed).next;
    if until == Until::Stamped {
        return;
    }
    let logged = log.run(stamped.into_iter().map(Entrant::from).collect()).next;
    if until == Until::Logged {
        return;
    }
    let settled = Settle::new(inner).run(logged.into_iter().map(Ended::Logged).collect()).next;
    assert!(settled.iter().all(|settled| settled.view().state == State::Done));
}

pub(crate) fn ask(engine: &Engine, id: RequestId) -> View {
    let (reply, answered) = reply();
    let _watch = engine.watch(id, reply);
    answered.wait().unwrap()
}

pub(crate) fn prepare(world: &World, profile: &str) -> Asking {
    world.asking(&world.engine(), profile, &["a.tar"])
}

#[test]
fn a_crash_after_any_stage_ends_in_one_receipt_one_signature_and_one_entry_an_item() {
    let anywhere = [Until::Intended, Until::Signed, Until::Stamped, Until::Logged, Until::Settled];
    let one_lane = anywhere.map(|until| ("default", until));
    let two_lanes = anywhere.into_iter().chain([Until::InTheFirstLane]).map(|until| ("default/both", until));
    for (profile, until) in one_lane.into_iter().chain(two_lanes) {
        let (mut world, _) = World::with_token();
        let asking = prepare(&world, profile);
        stop_after(&world, &asking, until);
        world.reopen();
        let engine = world.engine();
        let view = ask(&engine, asking.id());
        assert_eq!(view.state, State::Done, "{until:?}: {:?}", view.reasons);
        crate::cycle::verify(&world, &view.receipts[0].1);
        assert_eq!((world.line.signed(), engine.metrics().log_size), (2, 2), "{until:?}");
        assert_eq!(world.store().head().unwrap().size, 3, "{until:?}: submission, intent, outcome");
        assert_eq!(asking.submit(&world, &engine).unwrap(), view, "{until:?}: the client asks again");
    }
}

#[test]
fn a_crash_with_the_answer_or_the_checkpoint_on_its_way_ends_the_same_way() {
    for transport in [Transport::Cut, Transport::LosesAnswers, Transport::CutsCheckpoints] {
        let mut world = World::new();
        let asking = prepare(&world, "default");
        world.line.set(Transport::Honest);
        let until_log = transport == Transport::CutsCheckpoints;
        {
            let engine = world.engine();
            world.line.set(transport);
            let answered = asking.submit_later(&world, &engine);
            // The lane that cannot go on says so.
            let stage = if until_log { "log" } else { "sign" };
            while engine.troubles().iter().all(|(at, _)| at.word() != stage) {
                std::thread::yield_now();
            }
            engine.drain();
            assert!(matches!(answered.wait(), Err(engine::SubmitError::Draining { .. })));
        }
        world.line.set(Transport::Honest);
        world.reopen();
        let engine = world.engine();
        let view = ask(&engine, asking.id());
        assert_eq!(view.state, State::Done, "{transport:?}: {:?}", view.reasons);
        crate::cycle::verify(&world, &view.receipts[0].1);
        assert_eq!((world.line.signed(), engine.metrics().log_size), (2, 2), "{transport:?}");
    }
}

#[test]
fn a_request_in_flight_at_three_crashes_is_signed_no_more() {
    let mut world = World::new();
    let asking = prepare(&world, "default");
    stop_after(&world, &asking, Until::Intended);
    world.line.set(Transport::CutsItems);
    for _ in 1..3 {
        world.reopen();
        let engine = world.engine();
        let view = engine.view(&world.caller(), asking.id()).unwrap().unwrap();
        assert_eq!(view.state, State::Intended);
    }
    world.reopen();
    let view = ask(&world.engine(), asking.id());
    assert_eq!((view.state, world.line.signed()), (State::Failed, 0), "{:?}", view.reasons);
}

#[test]
fn a_request_that_crashes_its_recall_as_well_is_set_aside_and_the_log_is_left_alone() {
    let mut world = World::new();
    let asking = prepare(&world, "default");
    stop_after(&world, &asking, Until::Signed);
    world.line.set(Transport::Cut);
    for _ in 1..4 {
        world.reopen();
        let inner = engine::World::new(world.parts());
        engine::take_up(&inner).unwrap();
    }
    world.line.set(Transport::Honest);
    world.reopen();
    let engine = world.engine();
    let view = ask(&engine, asking.id());
    assert_eq!((view.state, engine.metrics().log_size), (State::Failed, 0));
    assert!(view.reasons[0].contains("4 times, and is set aside"), "{:?}", view.reasons);
}

#[test]
fn an_intent_that_was_never_ordered_in_its_time_expires() {
    let mut world = World::new();
    let asking = prepare(&world, "default");
    stop_after(&world, &asking, Until::Intended);
    world.clock.advance(11 * MINUTE);
    world.reopen();
    let view = ask(&world.engine(), asking.id());
    assert_eq!((view.state, world.line.signed()), (State::Expired, 0), "{:?}", view.reasons);
}

#[test]
fn what_waits_for_people_waits_on_after_a_restart() {
    let mut world = World::new();
    let asking = prepare(&world, "default/governed");
    assert_eq!(asking.submit(&world, &world.engine()).unwrap().state, State::Waiting);
    world.reopen();
    let engine = world.engine();
    let now = model::Clock::now(&*world.clock);
    for (person, expected) in world.endorsers.iter().zip([State::Waiting, State::Done]) {
        let endorsement = person.endorse(&asking.request.platform, &asking.digest(), now);
        let (reply, answered) = reply();
        engine.endorse(asking.id(), model::to_canonical(&endorsement), reply);
        assert_eq!(answered.wait().unwrap().state, expected);
    }
}
