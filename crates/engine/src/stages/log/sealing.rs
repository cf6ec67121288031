//! Checkpoints: which key signs them, and how one that is pending comes to its signature.

use std::sync::Arc;

use model::{Form, KeyId};
use signer::{Answer, CheckpointOrder, Head, Order, Orders};
use tlog::{Committed, VerifierKey};

use super::LogStageError;
use crate::platform::{Platform, PlatformError, PlatformKey};
use crate::stages::World;

/// A key that signs checkpoints, and as what its signatures are verified.
pub(super) type LogKey = (KeyId, VerifierKey);

/// The key of the log that is to be written now.
pub(super) fn in_use(platform: &Platform, world: &World) -> Result<LogKey, LogStageError> {
    log_key(platform.own(Form::Checkpoint, world.clock.now())?)
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
    key.map_or_else(|| in_use(platform, world), |key| log_key(key))
}

fn log_key(key: &PlatformKey) -> Result<LogKey, LogStageError> {
    let record = key.record();
    let origin = record.origin.as_deref().ok_or(PlatformError::NoKey { form: Form::Checkpoint })?;
    Ok((record.id(), VerifierKey::of_log(origin, &record.public_key)?))
}

/// Creates the platform's log, where there is none: once, when a platform is made.
pub fn found_log(world: &World) -> Result<(), LogStageError> {
    let (key, verifier) = in_use(&*world.cache.refreshed()?, world)?;
    let mut log = tlog::Log::create(verifier, Arc::clone(&world.tiles), Arc::clone(&world.lock))?;
    seal(world, key, &mut log).map(|_| ())
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
