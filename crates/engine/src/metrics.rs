//! What is counted: plain numbers, which the server renders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::Space;

use crate::{Stage, State};

/// The upper bounds, in seconds, of a latency histogram's buckets; one more bucket takes the rest.
pub const LATENCY_BOUNDS_S: [f64; 12] =
    [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The numbers at one moment.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// How requests ended, by profile and state.
    pub outcomes: Vec<Outcomes>,
    /// The stages in their order, and of Sign each lane.
    pub stages: Vec<StageMetrics>,
    /// Submissions that were turned away because a queue or a lane was full.
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

/// What one stage did, or one lane of Sign.
#[derive(Debug, Clone)]
pub struct StageMetrics {
    /// Which.
    pub stage: Stage,
    /// How many wait in front of it.
    pub queued: u64,
    /// How many members its batches had, together.
    pub members: u64,
    /// How long each batch took, syncs and key stores included.
    pub batches: Histogram,
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
    stages: Mutex<BTreeMap<Stage, StageCounters>>,
    busy: AtomicU64,
}

#[derive(Default, Clone)]
struct StageCounters {
    batches: Histogram,
    members: u64,
    troubles: u64,
}

impl Counters {
    pub(crate) fn ended(&self, profile: &Space, state: State, latency: Duration) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.entry((profile.clone(), state)).or_default().add(latency);
    }

    pub(crate) fn turned_away(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn batch(&self, stage: &Stage, members: usize, took: Duration) {
        self.count(stage, |counters| {
            counters.batches.add(took);
            counters.members += u64::try_from(members).unwrap_or(u64::MAX);
        });
    }

    pub(crate) fn trouble(&self, stage: &Stage) {
        self.count(stage, |counters| counters.troubles += 1);
    }

    fn count(&self, stage: &Stage, count: impl FnOnce(&mut StageCounters)) {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        match stages.get_mut(stage) {
            Some(counters) => count(counters),
            None => count(stages.entry(stage.clone()).or_default()),
        }
    }

    /// The numbers now, beside what the queues and the log say of themselves.
    pub(crate) fn snapshot(&self, queued: Vec<(Stage, u64)>, log_size: u64) -> Metrics {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let outcomes = outcomes.iter().map(|((profile, state), latency)| Outcomes {
            profile: profile.clone(),
            state: *state,
            latency: latency.clone(),
        });
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = |(stage, queued)| {
            let StageCounters { batches, members, troubles } =
                stages.get(&stage).cloned().unwrap_or_default();
            StageMetrics { stage, queued, members, batches, troubles }
        };
        Metrics {
            outcomes: outcomes.collect(),
            stages: queued.into_iter().map(stage).collect(),
            busy: self.busy.load(Ordering::Relaxed),
            log_size,
        }
    }
}
