//! What the stages could not do last: readiness names it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::metrics::STAGES;
use crate::stages::Trouble;

/// The present trouble of each stage.
#[derive(Default)]
pub(crate) struct Troubles {
    stages: Mutex<[Option<String>; STAGES.len()]>,
}

impl Troubles {
    /// Notes how a batch went; a good one ends the trouble.
    pub(crate) fn note(&self, stage: usize, trouble: Option<Trouble>) {
        let text = trouble.map(|trouble| crate::stages::chain(&trouble));
        if let Some(slot) = self.lock().get_mut(stage) {
            *slot = text;
        }
    }

    /// The stages in trouble, each with what is wrong.
    pub(crate) fn now(&self) -> Vec<(&'static str, String)> {
        let stages = self.lock();
        STAGES.iter().zip(stages.iter()).filter_map(|(name, text)| Some((*name, text.clone()?))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, [Option<String>; STAGES.len()]> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
