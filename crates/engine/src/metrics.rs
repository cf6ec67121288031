//! What is counted: plain numbers, which the server renders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Space;

use crate::State;

/// The upper bounds, in seconds, of a latency histogram's buckets; one more bucket takes the rest.
pub const LATENCY_BOUNDS_S: [f64; 12] =
    [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The names of the stages, in their order.
pub const STAGES: [&str; 5] = ["submit", "sign", "stamp", "log", "settle"];

/// The numbers at one moment.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// How requests ended, by profile and state.
    pub outcomes: Vec<Outcomes>,
    /// The stages, in their order.
    pub stages: [StageMetrics; 5],
    /// Submissions that were turned away because a queue was full.
    pub busy: u64,
    /// The size of the transparency log.
    pub log_size: u64,
}

/// How the requests of a profile ended in one state.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// The profile.
    pub profile: Space,
    /// The state.
    pub state: State,
    /// How long they took, from submission on.
    pub latency: Histogram,
}

/// What one stage did.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageMetrics {
    /// How many wait in front of it.
    pub queued: u64,
    /// How many batches it took.
    pub batches: u64,
    /// How many members those had.
    pub members: u64,
    /// How long it worked.
    pub busy: Duration,
    /// How often something that it calls could not do its part.
    pub troubles: u64,
}

/// A histogram over [`LATENCY_BOUNDS_S`].
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// How many fell into each bucket; not cumulative.
    pub buckets: [u64; LATENCY_BOUNDS_S.len() + 1],
    /// How many there are.
    pub count: u64,
    /// The sum of all.
    pub sum: Duration,
}

impl Histogram {
    fn add(&mut self, value: Duration) {
        let seconds = value.as_secs_f64();
        let bucket =
            LATENCY_BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(LATENCY_BOUNDS_S.len());
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum += value;
    }
}

/// The counters that the stages move.
#[derive(Default)]
pub(crate) struct Counters {
    outcomes: Mutex<BTreeMap<(Space, State), Histogram>>,
    stages: [StageCounters; 5],
    busy: AtomicU64,
}

#[derive(Default)]
struct StageCounters {
    batches: AtomicU64,
    members: AtomicU64,
    busy_ns: AtomicU64,
    troubles: AtomicU64,
}

impl Counters {
    pub(crate) fn ended(&self, profile: &Space, state: State, latency: Duration) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.entry((profile.clone(), state)).or_default().add(latency);
    }

    pub(crate) fn turned_away(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn batch(&self, stage: usize, members: usize, busy: Duration) {
        let Some(counters) = self.stages.get(stage) else { return };
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.members.fetch_add(u64::try_from(members).unwrap_or(u64::MAX), Ordering::Relaxed);
        counters.busy_ns.fetch_add(u64::try_from(busy.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn trouble(&self, stage: usize) {
        if let Some(counters) = self.stages.get(stage) {
            counters.troubles.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The numbers now, beside what the queues and the log say of themselves.
    pub(crate) fn snapshot(&self, queued: [u64; 5], log_size: u64) -> Metrics {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = outcomes.iter().map(|((profile, state), latency)| Outcomes {
            profile: profile.clone(),
            state: *state,
            latency: latency.clone(),
        });
        let mut metrics = Metrics {
            outcomes: outcomes.collect(),
            log_size,
            busy: self.busy.load(Ordering::Relaxed),
            ..Metrics::default()
        };
        for ((stage, counters), queued) in metrics.stages.iter_mut().zip(&self.stages).zip(queued) {
            *stage = StageMetrics {
                queued,
                batches: counters.batches.load(Ordering::Relaxed),
                members: counters.members.load(Ordering::Relaxed),
                busy: Duration::from_nanos(counters.busy_ns.load(Ordering::Relaxed)),
                troubles: counters.troubles.load(Ordering::Relaxed),
            };
        }
        metrics
    }
}
