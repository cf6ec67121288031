//! The key of the log, as the platform has it.

use model::{Form, Instant, KeyId};
use quorum::Key;
use signer::Platform;
use tlog::VerifierKey;

use super::PromisedError;
use crate::sight::View;

/// The key that is in use.
pub(super) struct Kept {
    pub(super) key: KeyId,
    /// How its checkpoints are checked.
    pub(super) verifier: VerifierKey,
    /// The number of the log's tree.
    pub(super) tree: u64,
}

impl View for Kept {
    type Error = PromisedError;

    fn of(platform: &Platform, at: Instant) -> Result<Self, PromisedError> {
        Self::of_key(platform.registry().in_use(Form::Set, at).ok_or(PromisedError::Off)?)
    }

    fn is_current(&self, platform: &Platform, at: Instant) -> bool {
        platform.registry().in_use(Form::Set, at).is_some_and(|key| key.record.id() == self.key)
    }
}

impl Kept {
    /// A key of such a log, whatever it may still do.
    pub(super) fn of_key(known: &Key) -> Result<Self, PromisedError> {
        let record = &known.record;
        let unusable = || PromisedError::Unusable { key: record.name.to_string() };
        let origin = record.origin.as_deref().ok_or_else(unusable)?;
        let verifier = VerifierKey::of_rekor_v1(origin, &record.public_key).map_err(|_| unusable())?;
        let tree = verifier.tree().ok_or_else(unusable)?;
        Ok(Self { key: record.id(), verifier, tree })
    }
}
