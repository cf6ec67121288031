//! Strangers: whoever proves nothing. What they are refused is counted, and recorded in the ledger as one leaf a
//! minute, so that nobody can fill from outside the disk on which signing depends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Engine, StoreError};
use model::{Clock, Instant};

/// The least time between two leaves.
const PERIOD: Duration = Duration::from_secs(60);

/// A TLS handshake that failed, or did not come to its end in time.
pub(crate) const HANDSHAKE: &str = "handshake";
/// A connection of strangers that made room for a newer one.
pub(crate) const CROWDED_OUT: &str = "crowded-out";
/// Something else than HTTP.
pub(crate) const NOT_HTTP: &str = "not-http";

/// What strangers were refused since the last leaf. The kinds are our own words, so that nobody can make this grow.
pub(crate) struct Strangers {
    clock: Arc<dyn Clock>,
    tally: Mutex<Tally>,
}

struct Tally {
    refused: BTreeMap<&'static str, u64>,
    /// Entries that they brought into the log.
    logged: u64,
    /// When the last leaf was written, and when that was on the clock that nobody sets.
    since: Instant,
    written: Duration,
}

impl Strangers {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let tally = Tally { refused: BTreeMap::new(), logged: 0, since: clock.now(), written: clock.boot() };
        Self { clock, tally: Mutex::new(tally) }
    }

    /// Counts one refusal of a kind.
    pub(crate) fn count(&self, kind: &'static str) {
        *self.tally().refused.entry(kind).or_default() += 1;
    }

    /// Counts one entry that somebody brought into the log.
    pub(crate) fn count_logged(&self) {
        self.tally().logged += 1;
    }

    /// Writes the leaf if there is something to write and the last one is a minute old. It blocks.
    pub(crate) fn record_if_due(&self, engine: &Engine) -> Result<(), StoreError> {
        let age = self.clock.boot().saturating_sub(self.tally().written);
        if age < PERIOD { Ok(()) } else { self.record(engine) }
    }

    /// Writes the leaf if there is something to write: at the end, or what was counted is forgotten. It blocks.
    pub(crate) fn record(&self, engine: &Engine) -> Result<(), StoreError> {
        let (since, refused, logged) = {
            let mut tally = self.tally();
            (tally.since, std::mem::take(&mut tally.refused), std::mem::take(&mut tally.logged))
        };
        if refused.is_empty() && logged == 0 {
            return Ok(());
        }
        let recorded = engine.record_strangers(since, &refused, logged);
        let mut tally = self.tally();
        // Where it failed as well: a disk that is full is not asked more often than one that is not.
        tally.written = self.clock.boot();
        match recorded {
            Ok(()) => tally.since = self.clock.now(),
            Err(_) => {
                tally.logged += logged;
                for (kind, count) in refused {
                    *tally.refused.entry(kind).or_default() += count;
                }
            }
        }
        recorded
    }

    /// How many of a kind were counted since the last leaf.
    #[cfg(test)]
    pub(crate) fn counted(&self, kind: &str) -> u64 {
        self.tally().refused.get(kind).copied().unwrap_or_default()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
