//! The logs of a run: the one that is written, and those that others followed, each as it was left.

use std::sync::Arc;

use quorum::Registry;
use tlog::{Log, VerifierKey};

use crate::store::CrashStore;

/// All logs of a store, the one that is written last.
pub(crate) struct Logs(Vec<Log>);

impl Logs {
    /// Opens all of them, each by the key that the registry has for it.
    pub(crate) fn open(store: &CrashStore, registry: &Registry) -> Result<Self, (u8, String)> {
        let stores = store.frozen().into_iter().chain([store.clone()]);
        stores.map(|store| open(store, registry)).collect::<Result<_, _>>().map(Self)
    }

    /// The log of an origin, with which notes and checkpoints begin.
    pub(crate) fn of(&self, note: &str) -> Result<&Log, (u8, String)> {
        let origin = origin(note);
        let found = self.0.iter().find(|log| log.key().name() == origin);
        found.ok_or_else(|| (9, format!("the store has no log `{origin}`")))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Log> {
        self.0.iter()
    }
}

fn open(store: CrashStore, registry: &Registry) -> Result<Log, (u8, String)> {
    let newest = store.newest_checkpoint().unwrap_or_default();
    let origin = origin(&newest);
    let mut keys = registry.keys().filter(|key| key.record.origin.as_deref() == Some(origin));
    let key = keys.next().ok_or_else(|| (9, format!("the registry has no key of the log `{origin}`")))?;
    let verifier = VerifierKey::of_log(origin, &key.record.public_key).expect("an Ed25519 key");
    let store = Arc::new(store);
    Log::open(verifier, store.clone(), store).map_err(|error| (9, format!("the log does not open: {error}")))
}

/// The origin in the text of a checkpoint.
pub(crate) fn origin(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
