//! Checkpoints: which key signs them, and how one that is pending comes to its signature.

use std::sync::Arc;

use model::{Form, KeyId};
use signer::{Answer, CheckpointOrder, Head, Order, Orders};
use tlog::{Checkpoint, Committed, LogError, SignedCheckpoint, VerifierKey};

use super::LogStageError;
use crate::platform::{Platform, PlatformError, PlatformKey};
use crate::stages::World;

/// A key that signs the checkpoints of a log.
pub(super) struct LogKey {
    pub(super) id: KeyId,
    /// As what its signatures are verified.
    pub(super) verifier: VerifierKey,
    /// Which of the platform's logs it is for, in the order in which their keys were added.
    pub(super) log: u64,
}

/// The key of the log that is to be written now.
pub(super) fn in_use(platform: &Platform, world: &World) -> Result<LogKey, LogStageError> {
    log_key(platform, platform.own(Form::Checkpoint, world.clock.now())?)
}

/// The key of the log that is there; of the one that is to be, where there is none.
pub(super) fn stored(platform: &Platform, world: &World) -> Result<LogKey, LogStageError> {
    let Some(locked) = world.lock.load().map_err(LogStageError::Lock)? else {
        return in_use(platform, world);
    };
    let origin = locked.checkpoint.lines().next();
    let of_log =
        |key: &&quorum::Key| key.record.form == Form::Checkpoint && key.record.origin.as_deref() == origin;
    let key = platform.registry().keys().find(of_log);
    let key = key.and_then(|key| platform.named(&key.record.name, key.record.generation));
    key.map_or_else(|| in_use(platform, world), |key| log_key(platform, key))
}

fn log_key(platform: &Platform, key: &PlatformKey) -> Result<LogKey, LogStageError> {
    let record = key.record();
    let origin = record.origin.as_deref().ok_or(PlatformError::NoKey { form: Form::Checkpoint })?;
    let before = |other: &&quorum::Key| other.record.form == Form::Checkpoint && other.place < key.key.place;
    let log = platform.registry().keys().filter(before).count();
    Ok(LogKey {
        id: record.id(),
        verifier: VerifierKey::of_log(origin, &record.public_key)?,
        log: u64::try_from(log).unwrap_or(u64::MAX),
    })
}

/// Creates the platform's log, where there is none: once, when a platform is made.
pub fn found_log(world: &World) -> Result<(), LogStageError> {
    let key = in_use(&*world.cache.refreshed()?, world)?;
    let mut log = tlog::Log::create(key.verifier, Arc::clone(&world.tiles), Arc::clone(&world.lock))?;
    seal(world, key.id, &mut log).map(|_| ())
}

/// Has the pending checkpoint signed, and shows it.
pub(super) fn seal(world: &World, key: KeyId, log: &mut tlog::Log) -> Result<Committed, LogStageError> {
    let pending = log.pending().ok_or(LogStageError::NothingPending)?;
    let (onto, new) = (pending.onto(), pending.checkpoint());
    let order = CheckpointOrder {
        key,
        old: Head { size: onto.size(), root: *onto.root() },
        new: Head { size: new.size(), root: *new.root() },
        proof: pending.consistency().to_vec(),
    };
    let ledger = world.ledger.head()?;
    let answers = world.signer.order(&Orders { ledger, orders: vec![Order::Checkpoint(order)] })?;
    match answers.answers.into_iter().next() {
        Some(Answer::Signed(signed)) => Ok(log.seal(&signed.signature)?),
        Some(Answer::Refused(refusal)) => Err(refusal.into()),
        None => Err(LogStageError::NoAnswer),
    }
}

/// Shows what a log showed before, where it was lost when the power went and what was swapped in since is not signed any more.
pub(super) fn show_again(world: &World, key: &LogKey) -> Result<(), LogStageError> {
    let Some(locked) = world.lock.load().map_err(LogStageError::Lock)? else { return Ok(()) };
    let unparsed = |source| LogError::StoredCheckpoint { origin: key.verifier.origin().to_owned(), source };
    let last = Checkpoint::parse(&locked.onto).map_err(unparsed)?;
    let unreadable = |source| LogError::Note { origin: last.origin().to_owned(), source };
    let shown = world.tiles.published().map_err(unreadable)?;
    if shown.is_some_and(|note| note.starts_with(&locked.onto)) {
        return Ok(());
    }
    let head = Head { size: last.size(), root: *last.root() };
    let order = CheckpointOrder { key: key.id, old: head, new: head, proof: Vec::new() };
    let orders = Orders { ledger: world.ledger.head()?, orders: vec![Order::Checkpoint(order)] };
    // What is refused was never signed, and so never shown.
    let Some(Answer::Signed(signed)) = world.signer.order(&orders)?.answers.into_iter().next() else {
        return Ok(());
    };
    let again = SignedCheckpoint::seal(last.clone(), &key.verifier, &signed.signature);
    let again = again.map_err(LogError::Signature)?;
    Ok(world.tiles.publish(again.note()).map_err(unreadable)?)
}
