//! Requests that wait for people: invariants 2, 3 and 5 from outside.

use engine::{Decision, Engine, Moment, State, SubmitError, View};
use model::{Clock, PublicKey, RequestId, merkle, to_canonical};
use quorum::{Adoption, Change};
use signer::{Head, Signer};
use testkit::Person;
use tlog::proof::verify_inclusion;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::world::{Asking, MINUTE, Proofs, Transport, World, reply};

fn endorse(world: &World, engine: &Engine, asking: &Asking, by: &Person) -> Result<View, SubmitError> {
    let endorsement = by.endorse(&asking.request.platform, &asking.digest(), world.clock.now());
    bring(engine, asking.id(), to_canonical(&endorsement))
}

fn bring(engine: &Engine, id: RequestId, endorsement: Vec<u8>) -> Result<View, SubmitError> {
    let (reply, answered) = reply();
    engine.endorse(id, endorsement, reply);
    answered.wait()
}

fn waiting(world: &World, engine: &Engine) -> Asking {
    let asking = world.asking(engine, "default/governed", &["release.tar"]);
    let view = asking.submit(world, engine).unwrap();
    assert_eq!(view.state, State::Waiting, "{:?}", view.reasons);
    assert_eq!(view.reasons, ["group `endorsers` brings 0 of 2 endorsements"]);
    asking
}

#[test]
fn the_last_endorsement_signs_and_one_less_does_not() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    let [first, second, _] = &world.endorsers;
    let view = endorse(&world, &engine, &asking, first).unwrap();
    assert_eq!(
        (view.state, view.reasons),
        (State::Waiting, vec!["group `endorsers` brings 1 of 2 endorsements".to_owned()])
    );
    let again = endorse(&world, &engine, &asking, first).unwrap();
    assert_eq!(again.state, State::Waiting, "one person counts once");
    assert_eq!(world.line.signed(), 0);
    let view = endorse(&world, &engine, &asking, second).unwrap();
    assert_eq!(view.state, State::Done, "{:?}", view.reasons);
    assert_eq!(view.receipts[0].1.endorsements.len(), 2);
    crate::cycle::verify(&world, &view.receipts[0].1);
    let asked: Vec<Moment> = world.policy.asked.lock().unwrap().iter().map(|(_, moment)| *moment).collect();
    assert_eq!(asked.first(), Some(&Moment::Submission));
    assert_eq!(asked.last(), Some(&Moment::BeforeSigning));
}

/// Endorsed by two, over a way to the key process that behaves so from then on.
fn endorsed_over(world: &World, engine: &Engine, transport: Transport) -> View {
    let asking = waiting(world, engine);
    world.line.set(transport);
    endorse(world, engine, &asking, &world.endorsers[0]).unwrap();
    endorse(world, engine, &asking, &world.endorsers[1]).unwrap()
}

#[test]
fn the_receipt_of_a_governed_key_shows_its_intent_in_the_journal() {
    let world = World::new();
    let engine = world.engine();
    let view = endorsed_over(&world, &engine, Transport::Honest);
    let entry = view.receipts[0].1.items[0].journal.clone().unwrap();
    let key = PublicKey::from_spki(&world.process.state().unwrap().journal_key).unwrap();
    let key = VerifierKey::of_log("localhost/journal/one", &key).unwrap();
    let checkpoint = SignedCheckpoint::open(&entry.checkpoint.unwrap(), &key).unwrap();
    let leaf = merkle::leaf_hash(&entry.leaf.0);
    verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path).unwrap();
    assert_eq!(checkpoint.size(), entry.index + 1);
}

#[test]
fn a_signature_of_a_governed_key_without_a_proof_that_holds_never_leaves() {
    for (proofs, why) in [
        (
            Proofs::Missing,
            "key `default/governed` asks for endorsements, and nothing proves that the intent is in the journal",
        ),
        (Proofs::OtherPath, "the intent is not in the journal's checkpoint"),
        (Proofs::EarlierCheckpoint, "the intent is not in the journal's checkpoint"),
        (Proofs::OtherSignature, "the journal did not sign the checkpoint that is to cover the intent"),
        (Proofs::OtherOrigin, "the journal did not sign the checkpoint that is to cover the intent"),
    ] {
        let world = World::new();
        let engine = world.engine();
        let view = endorsed_over(&world, &engine, Transport::Proofs(proofs));
        assert_eq!((view.state, view.receipts.len()), (State::Failed, 0), "{proofs:?}");
        let [reason] = view.reasons.as_slice() else { panic!("{:?}", view.reasons) };
        let expected = format!("the signature of item 0 was held back: {why}");
        assert!(reason.starts_with(&expected), "{proofs:?}: {reason}");
        assert_eq!(engine.metrics().log_size, 0, "and it is not logged");
        // Nobody asks for the proof of a key that asks nobody.
        let good = world.asking(&engine, "default", &["b"]).submit(&world, &engine).unwrap();
        assert_eq!(good.state, State::Done);
    }
}

#[test]
fn an_adoption_between_request_and_signature_changes_the_journals_origin_and_holds_nothing_back() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    endorse(&world, &engine, &asking, &world.endorsers[0]).unwrap();
    world.line.set(Transport::CutsItems);
    let answered = {
        let by = &world.endorsers[1];
        let endorsement = by.endorse(&asking.request.platform, &asking.digest(), world.clock.now());
        let (reply, answered) = reply();
        engine.endorse(asking.id(), to_canonical(&endorsement), reply);
        answered
    };
    while engine.troubles().is_empty() {
        std::thread::yield_now();
    }
    let Head { size, root } = world.process.state().unwrap().journal;
    let (instance, reason) = ("two".parse().unwrap(), "another host".to_owned());
    world.enter(vec![Change::Adoption(Adoption {
        journal_size: size,
        journal_root: root,
        instance,
        reason,
    })]);
    world.line.set(Transport::Honest);
    let view = answered.wait().unwrap();
    assert_eq!(view.state, State::Done, "{:?}", view.reasons);
    let entry = view.receipts[0].1.items[0].journal.clone().unwrap();
    assert!(entry.checkpoint.unwrap().starts_with("localhost/journal/two\n"));
}

#[test]
fn policy_that_changed_its_mind_while_people_endorsed_is_obeyed() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    endorse(&world, &engine, &asking, &world.endorsers[0]).unwrap();
    *world.policy.says.lock().unwrap() = |_| Decision::Forbid { reasons: vec!["frozen".to_owned()] };
    let view = endorse(&world, &engine, &asking, &world.endorsers[1]).unwrap();
    assert_eq!((view.state, world.line.signed()), (State::Refused, 0));
}

#[test]
fn an_endorsement_that_does_not_count_is_turned_away_and_changes_nothing() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    let stranger = Person::new(77);
    let error = endorse(&world, &engine, &asking, &stranger).unwrap_err();
    assert!(matches!(error, SubmitError::Excluded(quorum::Exclusion::Unknown)), "{error}");
    let other = asking.once_more(&world);
    let elsewhere = world.endorsers[0].endorse(&asking.request.platform, &other.digest(), world.clock.now());
    let error = bring(&engine, asking.id(), to_canonical(&elsewhere)).unwrap_err();
    assert!(matches!(error, SubmitError::Excluded(quorum::Exclusion::BadSignature)), "{error}");
    assert!(matches!(bring(&engine, asking.id(), b"{}".to_vec()), Err(SubmitError::Endorsement(_))));
    let nobody = RequestId::new([5; 16]);
    assert!(matches!(bring(&engine, nobody, b"{}".to_vec()), Err(SubmitError::NotFound { .. })));
    let view = engine.view(&world.caller(), asking.id()).unwrap().unwrap();
    assert_eq!(view.reasons, ["group `endorsers` brings 0 of 2 endorsements"]);
}

#[test]
fn a_rejection_ends_the_request() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    let now = world.clock.now();
    let no =
        world.endorsers[2].say(quorum::Decision::Reject, &asking.request.platform, &asking.digest(), now);
    let view = bring(&engine, asking.id(), to_canonical(&no)).unwrap();
    assert_eq!(view.state, State::Rejected);
    let error = endorse(&world, &engine, &asking, &world.endorsers[0]).unwrap_err();
    assert!(
        error.to_string().ends_with("is rejected; only one that waits can be endorsed or withdrawn"),
        "{error}"
    );
}

#[test]
fn only_its_requester_withdraws_a_request() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    let withdraw = |caller| {
        let (reply, answered) = reply();
        engine.withdraw(caller, asking.id(), reply);
        answered.wait()
    };
    let mut other = world.caller();
    other.principal = model::PrincipalId::new([8; 16]);
    assert!(matches!(withdraw(other), Err(SubmitError::NotRequester { .. })));
    assert_eq!(withdraw(world.caller()).unwrap().state, State::Withdrawn);
    assert!(matches!(withdraw(world.caller()), Err(SubmitError::NotWaiting { .. })));
}

#[test]
fn a_request_past_its_deadline_expires_whether_somebody_endorses_it_or_a_sweep_finds_it() {
    let world = World::new();
    let engine = world.engine();
    let one = waiting(&world, &engine);
    let two = world.asking(&engine, "default/governed", &["other.tar"]);
    assert_eq!(two.submit(&world, &engine).unwrap().state, State::Waiting);
    world.clock.advance(11 * MINUTE);
    assert_eq!(endorse(&world, &engine, &one, &world.endorsers[0]).unwrap().state, State::Expired);
    let (told, answered) = reply();
    let _watch = engine.watch(two.id(), told);
    engine.sweep().unwrap();
    assert_eq!(answered.wait().unwrap().state, State::Expired);
}

#[test]
fn a_requester_who_was_disabled_in_the_meantime_gets_no_signature() {
    let world = World::new();
    let engine = world.engine();
    let asking = waiting(&world, &engine);
    world.store().disable_principal(&world.caller().principal).unwrap();
    let view = endorse(&world, &engine, &asking, &world.endorsers[0]).unwrap();
    assert_eq!(view.reasons, ["the requester `build` may do nothing any more"]);
}

#[test]
fn policy_may_ask_for_somebody_where_the_key_asks_for_nobody() {
    let world = World::new();
    let engine = world.engine();
    *world.policy.says.lock().unwrap() = |_| Decision::NeedsEndorsement { reasons: Vec::new() };
    let asking = world.asking(&engine, "default", &["a"]);
    let view = asking.submit(&world, &engine).unwrap();
    assert_eq!(view.state, State::Waiting);
    assert_eq!(view.reasons, ["policy asks for the endorsement of somebody else than the requester"]);
    assert_eq!(endorse(&world, &engine, &asking, &world.endorsers[0]).unwrap().state, State::Done);
}
