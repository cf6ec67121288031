//! What goes wrong around the engine: nothing bad leaves, nothing good is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{
    Conflict, Engine, Known, Ledger, Lookup, Parts, RequestStore, Row, Stage, StampError, State, StoreError,
    SubmitError, Timestamper, Write,
};
use model::receipt::Receipt;
use model::{Digest, Instant, RequestId};
use store::Store;
use tlog::{CheckpointLock, LockError, Locked, StagedTile};

use crate::world::{Transport, World};

/// The store, with every durable step counted, and some that fail.
struct Tally {
    store: Arc<Store>,
    writes: AtomicU64,
    swaps: AtomicU64,
    failing: AtomicU64,
}

impl Tally {
    fn over(world: &World) -> (Arc<Self>, Parts) {
        let zero = || AtomicU64::new(0);
        let tally = Arc::new(Self { store: world.store(), writes: zero(), swaps: zero(), failing: zero() });
        (tally.clone(), Parts { requests: tally.clone(), lock: tally, ..world.parts() })
    }

    fn fails(&self) -> bool {
        self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

impl RequestStore for Tally {
    fn write(&self, batch: &[Write]) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        if self.fails() {
            let source = Box::new(std::io::Error::other("no space left on device"));
            return Err(StoreError::Unavailable { action: "write requests", source });
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        RequestStore::write(&*self.store, batch)
    }

    fn load(&self, ids: &[RequestId]) -> Result<Vec<Option<Row>>, StoreError> {
        RequestStore::load(&*self.store, ids)
    }

    fn find(&self, lookups: &[Lookup]) -> Result<Vec<Known>, StoreError> {
        self.store.find(lookups)
    }

    fn receipts(&self, id: &RequestId) -> Result<Vec<(String, Receipt)>, StoreError> {
        self.store.receipts(id)
    }

    fn unfinished(&self, now: Instant) -> Result<Vec<RequestId>, StoreError> {
        self.store.unfinished(now)
    }
}

impl CheckpointLock for Tally {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        CheckpointLock::load(&*self.store)
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        self.store.create(first)
    }

    fn swap(&self, expected: &str, new: &str, staged: &[StagedTile]) -> Result<(), LockError> {
        self.swaps.fetch_add(1, Ordering::SeqCst);
        self.store.swap(expected, new, staged)
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        CheckpointLock::succeed(&*self.store, last, first)
    }
}

#[test]
fn the_lone_request_costs_six_syncs() {
    let world = World::new();
    let (tally, parts) = Tally::over(&world);
    let engine = Engine::start(parts).unwrap();
    let asking = world.asking(&engine, "default", &["a"]);
    let (journal, durable) =
        (world.journal.syncs(), || (tally.writes.load(Ordering::SeqCst), tally.swaps.load(Ordering::SeqCst)));
    let before = durable();
    assert_eq!(asking.submit(&world, &engine).unwrap().state, State::Done);
    let after = durable();
    assert_eq!(
        (after.0 - before.0, after.1 - before.1),
        (2, 1),
        "intent and outcome; the checkpoint with its tiles"
    );
    assert_eq!(world.journal.syncs() - journal, 3, "item, token, checkpoint");
}

#[test]
fn a_signature_that_does_not_verify_never_leaves() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    world.line.set(Transport::SpoilsSignatures);
    let view = asking.submit(&world, &engine).unwrap();
    assert_eq!((view.state, view.receipts.len()), (State::Failed, 0));
    assert_eq!(
        view.reasons,
        [0, 1].map(|item| format!(
            "the signature of item {item} was held back: the signature does not verify with this key"
        ))
    );
    assert_eq!(engine.metrics().log_size, 0, "and it is not logged");
    world.line.set(Transport::Honest);
    let good = world.asking(&engine, "default", &["b"]).submit(&world, &engine).unwrap();
    assert_eq!(good.state, State::Done);
}

#[test]
fn a_key_process_that_is_away_delays_and_loses_nothing() {
    for transport in [Transport::Cut, Transport::LosesAnswers, Transport::CutsCheckpoints] {
        let world = World::new();
        let engine = world.engine();
        let asking = world.asking(&engine, "default", &["a"]);
        world.line.set(transport);
        let answered = asking.submit_later(&world, &engine);
        while engine.troubles().is_empty() {
            std::thread::yield_now();
        }
        assert!(answered.is_there().is_none());
        world.line.set(Transport::Honest);
        let view = answered.wait().unwrap();
        assert_eq!((view.state, engine.metrics().log_size), (State::Done, 2), "{transport:?}");
        crate::cycle::verify(&world, &view.receipts[0].1);
        assert_eq!(world.line.signed(), 2);
    }
}

/// An authority whose tokens are over something else, or that gives none.
struct Wrong(Arc<dyn Timestamper>, fn(&[Digest]) -> Vec<Digest>);

impl Timestamper for Wrong {
    fn stamp(&self, imprints: &[Digest]) -> Vec<Result<Vec<u8>, StampError>> {
        self.0.stamp(&(self.1)(imprints))
    }
}

#[test]
fn a_token_over_something_else_is_held_back() {
    let world = World::new();
    let parts = world.parts();
    let swapped = |imprints: &[Digest]| imprints.iter().rev().copied().collect();
    let timestamper = Arc::new(Wrong(parts.timestamper.clone(), swapped));
    let engine = Engine::start(Parts { timestamper, ..parts }).unwrap();
    let view = world.asking(&engine, "default", &["a"]).submit(&world, &engine).unwrap();
    assert_eq!((view.state, view.receipts.len(), engine.metrics().log_size), (State::Failed, 0, 2));
    assert!(view.reasons[0].starts_with("the timestamp token was held back: "), "{:?}", view.reasons);
}

#[test]
fn an_authority_that_answers_fewer_than_it_was_asked_is_asked_again() {
    let world = World::new();
    let parts = world.parts();
    let timestamper = Arc::new(Wrong(parts.timestamper.clone(), |imprints| imprints[1..].to_vec()));
    let engine = Engine::start(Parts { timestamper, ..parts }).unwrap();
    let answered = world.asking(&engine, "default", &["a"]).submit_later(&world, &engine);
    while engine.troubles().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(
        engine.troubles(),
        [(Stage::Stamp, "the timestamp authority cannot do its part now: 1 answers to 2 orders".to_owned())]
    );
    engine.drain();
    assert!(matches!(answered.wait(), Err(SubmitError::Draining { .. })));
}

/// CVE-2026-115357: an act was done whose audit record could not be written.
#[test]
fn a_store_that_cannot_write_signs_nothing_and_later_loses_nothing() {
    let world = World::new();
    let (tally, parts) = Tally::over(&world);
    let engine = Engine::start(parts).unwrap();
    let asking = world.asking(&engine, "default", &["a"]);
    tally.failing.store(1, Ordering::SeqCst);
    let error = asking.submit(&world, &engine).unwrap_err();
    assert_eq!(
        error.to_string(),
        "signing is not possible now: the store cannot do its part; ask again later, it stays the same request"
    );
    assert_eq!((world.line.signed(), world.store().head().unwrap().size), (0, 0));
    // It is told as long as it is news: nothing tries Submit again where nobody sends anything.
    let troubles = || engine.troubles().into_iter().map(|(stage, _)| stage).collect::<Vec<_>>();
    assert_eq!(troubles(), [Stage::Submit]);
    world.clock.advance(std::time::Duration::from_secs(11));
    assert!(troubles().is_empty());
    // Now the intent is written, and the outcome fails three times.
    world.line.set(Transport::CutsCheckpoints);
    let answered = asking.submit_later(&world, &engine);
    while troubles() != [Stage::Log] {
        std::thread::yield_now();
    }
    tally.failing.store(3, Ordering::SeqCst);
    world.line.set(Transport::Honest);
    assert_eq!(answered.wait().unwrap().state, State::Done);
    assert_eq!(engine.metrics().log_size, 2);
}

#[test]
fn a_full_queue_says_when_to_come_back_and_forgets_nobody() {
    let world = World::new();
    let engine = world.engine();
    let asking = world.asking(&engine, "default", &["a"]);
    let held = world.policy.says.lock().unwrap();
    let mut answers = Vec::new();
    let busy = loop {
        let answered = asking.submit_later(&world, &engine);
        match answered.is_there() {
            Some(answer) => break answer.unwrap_err(),
            None => answers.push(answered),
        }
        assert!(answers.len() < 10_000, "the queue has no end");
    };
    assert_eq!(busy.to_string(), "the queue is full: try again in 1 s");
    drop(held);
    assert!(answers.len() >= 2_048);
    let told = answers.into_iter().map(|answer| answer.wait().unwrap().id);
    let mut told = told;
    assert!(told.all(|id| id == asking.id()));
    assert_eq!(engine.metrics().busy, 1);
}
