//! The transparency logs that were written to since the start: one, and those that succeeded it.

use std::sync::{PoisonError, RwLock};

use tlog::VerifierKey;

/// Their keys, in the order in which they were opened.
#[derive(Debug, Default)]
pub(crate) struct Logs(RwLock<Vec<VerifierKey>>);

impl Logs {
    /// A log is open; from now on it is the newest.
    pub(crate) fn know(&self, key: VerifierKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|known| *known != key);
        keys.push(key);
    }

    /// The key of the newest.
    pub(crate) fn newest(&self) -> Option<VerifierKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// The key of the log of this origin.
    pub(crate) fn named(&self, origin: &str) -> Option<VerifierKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.name() == origin).cloned()
    }
}
