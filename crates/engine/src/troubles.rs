//! What the stages could not do last: readiness names it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::metrics::STAGES;
use crate::stages::Trouble;

/// The first stage's place.
pub(crate) const SUBMIT: usize = 0;

/// How long a trouble of Submit is told that nothing came after. Submit tries nothing again by itself, and where
/// nobody sends requests to a server that is not ready, nobody would find out that it is.
const LAPSE: Duration = Duration::from_secs(10);

/// The present trouble of each stage.
#[derive(Default)]
pub(crate) struct Troubles {
    stages: Mutex<[Option<Noted>; STAGES.len()]>,
}

/// What was wrong, and when on the clock that nobody sets.
#[derive(Clone)]
struct Noted {
    text: String,
    at: Duration,
}

impl Troubles {
    /// Notes how a batch went; a good one ends the trouble.
    pub(crate) fn note(&self, stage: usize, trouble: Option<Trouble>, at: Duration) {
        let noted = trouble.map(|trouble| Noted { text: model::told(&trouble), at });
        if let Some(slot) = self.lock().get_mut(stage) {
            *slot = noted;
        }
    }

    /// The stages in trouble, each with what is wrong.
    pub(crate) fn now(&self, now: Duration) -> Vec<(&'static str, String)> {
        let stages = self.lock();
        let lapsed = |stage: usize, noted: &Noted| stage == SUBMIT && now.saturating_sub(noted.at) > LAPSE;
        let noted = stages.iter().enumerate().filter_map(|(stage, noted)| {
            let noted = noted.as_ref().filter(|noted| !lapsed(stage, noted))?;
            Some((*STAGES.get(stage)?, noted.text.clone()))
        });
        noted.collect()
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Noted>; STAGES.len()]> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
