//! What the stages could not do last: readiness names it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Stage;
use crate::stages::Trouble;

/// How long a trouble of Submit is told that nothing came after. Submit tries nothing again by itself, and where
/// nobody sends requests to a server that is not ready, nobody would find out that it is.
const LAPSE: Duration = Duration::from_secs(10);

/// The present trouble of each stage.
#[derive(Default)]
pub(crate) struct Troubles {
    stages: Mutex<BTreeMap<Stage, Noted>>,
}

/// What was wrong, and when on the clock that nobody sets.
struct Noted {
    text: String,
    at: Duration,
}

impl Troubles {
    /// Notes how a batch went; a good one ends the trouble.
    pub(crate) fn note(&self, stage: &Stage, trouble: Option<Trouble>, at: Duration) {
        match trouble {
            Some(trouble) => {
                self.lock().insert(stage.clone(), Noted { text: model::told(&trouble), at });
            }
            None => {
                self.lock().remove(stage);
            }
        }
    }

    /// The stages in trouble, each with what is wrong.
    pub(crate) fn now(&self, now: Duration) -> Vec<(Stage, String)> {
        let lapsed =
            |stage: &Stage, noted: &Noted| *stage == Stage::Submit && now.saturating_sub(noted.at) > LAPSE;
        let stages = self.lock();
        let noted = stages.iter().filter(|(stage, noted)| !lapsed(stage, noted));
        noted.map(|(stage, noted)| (stage.clone(), noted.text.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Stage, Noted>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
