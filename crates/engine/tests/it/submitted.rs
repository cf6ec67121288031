//! Entries that others ask for: in the log once, whoever asks how often, and whatever stops in between.

use std::sync::{Arc, mpsc};

use engine::stages::{Entrant, LogStage};
use engine::{Engine, EntryError, LogIndex, LogStageError};
use envelope::ToBeSigned;
use envelope::rekor::{Body, SubmittedBody, Verifier};
use model::receipt::LogEntry;
use model::{Algorithm, merkle};
use testkit::Key;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::world::{Transport, World};

type Answered = mpsc::Receiver<Result<LogEntry, EntryError>>;

/// A signature by somebody else's key, as it is submitted.
pub(crate) fn body(message: &[u8]) -> SubmittedBody {
    let key = Key::generate(Algorithm::EcdsaP256);
    let to_be_signed = ToBeSigned::Message(message.to_vec());
    let verifier = Verifier::PublicKey(key.public());
    let body = Body::new(&to_be_signed, &key.sign(message), verifier).unwrap().encode();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let spec = &body["spec"]["hashedRekordV002"];
    let entry = serde_json::json!({ "digest": spec["data"]["digest"], "signature": spec["signature"] });
    SubmittedBody::parse(serde_json::json!({ "hashedRekordRequestV002": entry }).to_string().as_bytes())
        .unwrap()
}

fn submit(engine: &Engine, body: &SubmittedBody) -> Answered {
    let (told, answered) = mpsc::channel();
    engine.log(body.clone(), Box::new(move |entry| drop(told.send(entry))));
    answered
}

pub(crate) fn by_hand(log: &mut LogStage, body: &SubmittedBody) -> Result<LogEntry, EntryError> {
    let (told, answered) = mpsc::channel();
    let reply = Box::new(move |entry| drop(told.send(entry)));
    log.run(vec![Entrant::Submitted { body: body.clone(), reply }]);
    answered.recv().unwrap()
}

fn verify(key: &VerifierKey, entry: &LogEntry, body: &SubmittedBody) {
    assert_eq!(entry.body.0, body.bytes());
    let checkpoint = SignedCheckpoint::open(&entry.checkpoint, key).unwrap();
    let leaf = merkle::leaf_hash(body.bytes());
    tlog::proof::verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path)
        .unwrap();
}

#[test]
fn an_entry_is_made_once_whoever_asks_at_the_same_time_and_whoever_asks_again() {
    let mut world = World::new();
    let engine = world.engine();
    let (one, other) = (body(b"one"), body(b"other"));
    let answered: Vec<Answered> =
        (0..20).map(|turn| submit(&engine, if turn % 2 == 0 { &one } else { &other })).collect();
    let entries: Vec<LogEntry> = answered.iter().map(|answered| answered.recv().unwrap().unwrap()).collect();
    for (turn, entry) in entries.iter().enumerate() {
        assert_eq!(entry.index, entries[turn % 2].index);
        verify(&engine.log_key().unwrap(), entry, if turn % 2 == 0 { &one } else { &other });
    }
    assert_ne!(entries[0].index, entries[1].index);
    let again = submit(&engine, &one).recv().unwrap().unwrap();
    assert_eq!((again.index, engine.metrics().log_size), (entries[0].index, 2));
    engine.drain();
    assert!(matches!(submit(&engine, &one).recv().unwrap(), Err(EntryError::Closed { .. })));
    drop(engine);
    world.reopen();
    let engine = world.engine();
    let restarted = submit(&engine, &other).recv().unwrap().unwrap();
    assert_eq!((restarted.index, engine.metrics().log_size), (entries[1].index, 2));
    verify(&engine.log_key().unwrap(), &restarted, &other);
}

#[test]
fn signatures_and_what_others_submit_stand_in_one_log() {
    let world = World::new();
    let engine = world.engine();
    let foreign = body(b"foreign");
    let entry = submit(&engine, &foreign).recv().unwrap().unwrap();
    let asking = world.asking(&engine, "default", &["a.tar"]);
    let receipts = asking.submit(&world, &engine).unwrap().receipts;
    let ours = receipts[0].1.items[0].log.clone().unwrap();
    assert_eq!((entry.index, ours.index), (0, 1));
    // Whoever holds a receipt may bring its entry to the log as well: it is there.
    assert_eq!(engine.metrics().log_size, 1 + asking.items.len() as u64);
}

#[test]
fn an_index_that_was_lost_or_says_other_things_than_the_log_is_made_anew() {
    let mut world = World::new();
    let (one, other) = (body(b"one"), body(b"other"));
    let engine = world.engine();
    let first = submit(&engine, &one).recv().unwrap().unwrap();
    let origin = engine.log_key().unwrap().name().to_owned();
    let store = world.store();
    assert_eq!(store.reach(&origin).unwrap(), 1);
    store.forget(&origin).unwrap();
    drop((engine, store));
    world.reopen();
    let engine = world.engine();
    assert_eq!(world.store().reach(&origin).unwrap(), 1, "it was read from the log");
    assert_eq!(submit(&engine, &one).recv().unwrap().unwrap().index, first.index);
    drop(engine);
    // Another leaf at this place than the log has.
    let store = world.store();
    store.forget(&origin).unwrap();
    store.extend(&origin, 0, &[engine::IndexedEntry::read(other.bytes())]).unwrap();
    drop(store);
    let mut log = LogStage::open(Arc::new(engine::World::new(world.parts()))).unwrap();
    let refused = by_hand(&mut log, &other).unwrap_err();
    assert!(
        matches!(&refused, EntryError::Unavailable(cause) if matches!(**cause, LogStageError::Index { index: 0 })),
        "{refused:?}"
    );
    assert_eq!(by_hand(&mut log, &other).unwrap().index, 1);
    assert_eq!(by_hand(&mut log, &one).unwrap().index, 0);
}

#[test]
fn a_lost_answer_of_the_key_process_is_told_and_the_entry_is_there_for_who_asks_again() {
    let world = World::new();
    let mut log = LogStage::open(Arc::new(engine::World::new(world.parts()))).unwrap();
    let one = body(b"one");
    world.line.set(Transport::LosesAnswers);
    let refused = by_hand(&mut log, &one).unwrap_err();
    assert_eq!(refused.to_string(), "the log cannot be written now: try again, an entry is never made twice");
    world.line.set(Transport::Honest);
    let entry = by_hand(&mut log, &one).unwrap();
    assert_eq!(entry.index, 0, "the entry that was swapped in then");
    assert_eq!(by_hand(&mut log, &one).unwrap().index, 0);
}
