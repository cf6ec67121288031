//! From a submission to receipts whose every part verifies.

use engine::{LeafKind, Ledger, State};
use envelope::timestamp::{self, Authority, Stamped};
use envelope::{Chosen, compose, rekor};
use model::journal::Leaf;
use model::receipt::{Receipt, SignedItem};
use model::{Form, Kind, Request, merkle};
use pki::Certificate;
use signer::Signer;
use tlog::{RightEdge, SignedCheckpoint, VerifierKey};

use crate::world::{World, space};

/// Holds every part of a receipt to every other, as a stranger would.
pub(crate) fn verify(world: &World, receipt: &Receipt) {
    let state = world.process.state().unwrap();
    let registry = state.replay().unwrap();
    assert!(registry.knows_head(&receipt.registry));
    let request = Request::parse(receipt.request.as_bytes()).unwrap();
    let Kind::Sign(signing) = &request.kind else { panic!("not a request to sign") };
    let roots: Vec<Certificate> =
        state.certificates.iter().map(|c| Certificate::from_der(&c.certificate).unwrap()).collect();
    let log = registry.platform_key(Form::Checkpoint).unwrap();
    let log = VerifierKey::of_log("2026.log.localhost", &log.record.public_key).unwrap();
    for signed in &receipt.items {
        let item = signing.items.open(signed.item.as_bytes(), &signed.path).unwrap();
        let certificate = signed.chain.first().map(|der| Certificate::from_der(&der.0).unwrap());
        let chosen = Chosen::decode(&signed.chosen.0).unwrap();
        let to_be_signed = compose(&item, &chosen, certificate.as_ref()).unwrap();
        to_be_signed.verify(&signed.public_key, &signed.signature.0).unwrap();
        let token = timestamp::open(&signed.timestamp.as_ref().unwrap().0).unwrap();
        let authority = Authority { certificates: &[], roots: &roots };
        timestamp::verify(&token, Stamped::Bytes(&signed.signature.0), authority).unwrap();
        verify_entry(signed, &log);
        let Leaf::Intent(intent) = Leaf::decode(&signed.journal.as_ref().unwrap().leaf.0).unwrap() else {
            panic!("not an intent")
        };
        assert_eq!(intent.request, Request::digest(receipt.request.as_bytes()));
        assert_eq!(intent.to_be_signed, to_be_signed.sha256());
    }
}

fn verify_entry(signed: &SignedItem, log: &VerifierKey) {
    let entry = signed.log.as_ref().unwrap();
    let body = rekor::Body::parse(&entry.body.0).unwrap();
    assert_eq!(body.signature(), signed.signature.0);
    let checkpoint = SignedCheckpoint::open(&entry.checkpoint, log).unwrap();
    let leaf = merkle::leaf_hash(&entry.body.0);
    let root = merkle::root_from_inclusion(&leaf, entry.index, checkpoint.size(), &entry.path);
    assert_eq!(root.as_ref(), Some(checkpoint.root()));
}

#[test]
fn a_request_for_two_files_gives_a_receipt_for_each_whose_parts_all_verify() {
    let world = World::new();
    let engine = world.engine();
    let view = world.asking(&engine, "default", &["a.tar", "b.tar"]).submit(&world, &engine).unwrap();
    assert_eq!((view.state, view.reasons.len()), (State::Done, 0));
    let names: Vec<&str> = view.receipts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.tar", "b.tar"]);
    for (_, receipt) in &view.receipts {
        assert_eq!(receipt.items.len(), 2);
        verify(&world, receipt);
        assert_eq!(Receipt::parse(&receipt.encode()).unwrap(), *receipt);
    }
    let again = engine.view(&world.caller(), view.id).unwrap().unwrap();
    assert_eq!(again, view, "what is stored is what was told");
}

#[test]
fn policy_is_asked_twice_and_the_ledger_has_submission_intent_and_outcome_under_its_head() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a.tar"]);
    asking.submit(&world, &engine).unwrap();
    let asked = world.policy.asked.lock().unwrap().clone();
    let moments =
        [engine::Moment::Submission, engine::Moment::BeforeSigning].map(|moment| (asking.id(), moment));
    assert_eq!(asked, moments);
    let leaves = world.store().leaves(0, 100).unwrap();
    let kinds: Vec<LeafKind> = leaves.iter().map(|leaf| leaf.kind).collect();
    assert_eq!(kinds, [LeafKind::Submission, LeafKind::Intent, LeafKind::Outcome]);
    let mut edge = RightEdge::new();
    leaves.iter().for_each(|leaf| edge.append(leaf.hash()));
    let head = world.store().head().unwrap();
    assert_eq!((head.size, head.root), (3, edge.root()));
    let mut salts: Vec<_> = leaves.iter().map(|leaf| leaf.salt).collect();
    salts.dedup();
    assert_eq!(salts.len(), 3);
}

#[test]
fn many_requests_at_once_are_each_answered_for_themselves_under_growing_checkpoints() {
    let world = World::new();
    let engine = world.engine();
    let names: Vec<String> = (0..60).map(|number| format!("file-{number}")).collect();
    let askings: Vec<_> = names.iter().map(|name| world.asking(&engine, "default", &[name])).collect();
    let answers: Vec<_> = askings.iter().map(|asking| asking.submit_later(&world, &engine)).collect();
    let mut indices = Vec::new();
    for (asking, answer) in askings.iter().zip(answers) {
        let view = answer.wait().unwrap();
        assert_eq!((view.id, view.state), (asking.id(), State::Done));
        verify(&world, &view.receipts[0].1);
        indices.extend(view.receipts[0].1.items.iter().map(|item| item.log.as_ref().unwrap().index));
    }
    indices.sort_unstable();
    assert_eq!(indices, (0..120).collect::<Vec<u64>>());
    let metrics = engine.metrics();
    assert_eq!(metrics.log_size, 120);
    assert_eq!(metrics.outcomes.iter().map(|outcome| outcome.latency.count).sum::<u64>(), 60);
    assert!(metrics.stages.iter().all(|stage| stage.members >= 60 && stage.batches.count <= 60));
    let names: Vec<String> = metrics.stages.iter().map(|stage| stage.stage.to_string()).collect();
    assert_eq!(names, ["submit", "sign software", "stamp", "log", "settle"]);
}

#[test]
fn what_the_profile_does_not_ask_for_is_not_in_the_receipt() {
    let world = World::new();
    let mut quiet = crate::world::profile("default/quiet", &[(Form::Blob, "default/blob")]);
    (quiet.timestamp, quiet.log) = (model::Timestamping::None, model::Logging::None);
    world.store().set_profile(&quiet).unwrap();
    let engine = world.engine();
    let view = world.asking(&engine, "default/quiet", &["a"]).submit(&world, &engine).unwrap();
    let item = &view.receipts[0].1.items[0];
    assert_eq!((view.state, item.timestamp.is_none(), item.log.is_none()), (State::Done, true, true));
    assert_eq!(engine.metrics().log_size, 0);
}

#[test]
fn the_view_of_a_profile_says_all_that_a_client_cannot_know() {
    let world = World::new();
    let engine = world.engine();
    let view = engine.profile_view(&world.caller(), &space("default")).unwrap();
    assert_eq!((view.keys.len(), view.period_s_max, view.space.as_str()), (2, 900, "default"));
    let chains: Vec<usize> = view.keys.iter().map(|key| key.chain.len()).collect();
    assert_eq!(chains, [1, 0], "a blob key has no certificate");
    let governed = engine.profile_view(&world.caller(), &space("default/governed")).unwrap();
    assert_eq!(
        (governed.period_s_max, governed.keys[0].governed, governed.space.as_str()),
        (86_400, true, "default")
    );
    let error = engine.profile_view(&world.caller(), &space("other")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no signing profile `other` that you can use; `avouch whoami` lists them"
    );
}
