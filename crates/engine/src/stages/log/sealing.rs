//! Checkpoints: which key signs them, and how one that is pending comes to its signature.

use std::sync::Arc;

use model::{Form, KeyId};
use signer::{Answer, CheckpointOrder, Head, Order, Orders};
use tlog::{Committed, VerifierKey};

use super::LogStageError;
use crate::platform::{Platform, PlatformError, PlatformKey};
use crate::stages::World;

/// The key that signs the log's checkpoints, and as what its signatures are verified.
pub(super) fn checkpoint_key(world: &World) -> Result<(KeyId, VerifierKey), LogStageError> {
    let platform = Platform::replay(&world.signer.state()?)?;
    let key: &PlatformKey = platform.own(Form::Checkpoint)?;
    let record = key.record();
    let origin = record.origin.as_deref().ok_or(PlatformError::NoKey { form: Form::Checkpoint })?;
    Ok((record.id(), VerifierKey::of_log(origin, &record.public_key)?))
}

/// Creates the platform's log, where there is none: once, when a platform is made.
pub fn found_log(world: &World) -> Result<(), LogStageError> {
    let (key, verifier) = checkpoint_key(world)?;
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
