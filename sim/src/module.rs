//! The module behind the store of the token, as the key process meets it through its lane process.

use std::sync::Arc;
use std::time::Duration;

use keystore::{KeyStoreError, LaneFault};
use model::Clock as _;
use testkit::HandClock;

use crate::cells::Fault;

/// How long a signature may take; then the lane process is killed.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a lane process is down that ended, all its starts in vain included.
const DOWN: Duration = Duration::from_millis(800);
/// How long the token is out.
const OUT: Duration = Duration::from_secs(20);
/// How long it takes until somebody has written the right PIN.
const WRONG: Duration = Duration::from_secs(90);

/// A module and its lane process: whether they answer, and what is said while they do not.
#[derive(Default)]
pub(crate) struct Module(Standing);

/// Times are of the clock since boot.
#[derive(Default, Clone, Copy)]
enum Standing {
    #[default]
    Up,
    /// Its process ended, and is started again.
    Down { again: Duration },
    /// There is no token in it.
    Out { back: Duration },
    /// The PIN was refused. That is remembered: a start of the key process is no further try.
    Stopped { written: Duration },
}

impl Module {
    /// Is there anybody to ask?
    pub(crate) fn stand(&mut self, clock: &HandClock) -> Result<(), KeyStoreError> {
        let now = clock.boot();
        let until = match self.0 {
            Standing::Up => return Ok(()),
            Standing::Down { again: until }
            | Standing::Out { back: until }
            | Standing::Stopped { written: until } => until,
        };
        if until <= now {
            self.0 = Standing::Up;
            return Ok(());
        }
        let again_ms = (until - now).as_millis();
        Err(match self.0 {
            Standing::Out { .. } => {
                let cause = LaneFault::NoToken { select: "token=release".to_owned() };
                KeyStoreError::LaneDown { again_ms, cause: Arc::new(cause.into()) }
            }
            Standing::Stopped { .. } => LaneFault::PinRefused.into(),
            _ => KeyStoreError::LaneDown { again_ms, cause: Arc::new(KeyStoreError::LaneEnded) },
        })
    }

    /// It goes wrong while it signs: whatever it made is lost on the way.
    pub(crate) fn fail(&mut self, fault: Fault, clock: &HandClock) -> KeyStoreError {
        if fault == Fault::Hung {
            clock.advance(DEADLINE);
        }
        let now = clock.boot();
        let (standing, error) = match fault {
            Fault::Hung => {
                let deadline_ms = DEADLINE.as_millis();
                (Standing::Down { again: now + DOWN }, KeyStoreError::LaneSilent { deadline_ms })
            }
            Fault::TokenGone => {
                let (action, code) = ("sign".to_owned(), "CKR_DEVICE_REMOVED".to_owned());
                (Standing::Out { back: now + OUT }, LaneFault::Gone { action, code }.into())
            }
            // It shows at the next login: the process that was logged in ends first.
            Fault::PinRefused => (Standing::Stopped { written: now + WRONG }, KeyStoreError::LaneEnded),
            _ => (Standing::Down { again: now + DOWN }, KeyStoreError::LaneEnded),
        };
        self.0 = standing;
        error
    }

    /// The key process starts, and with it the lane process.
    pub(crate) fn restart(&mut self) {
        if matches!(self.0, Standing::Down { .. }) {
            self.0 = Standing::Up;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_comes_back_in_its_time_and_a_refused_pin_outlives_a_restart() {
        let clock = HandClock::default();
        for (fault, back, restarted) in [
            (Fault::KilledInMidSign, DOWN, true),
            (Fault::Hung, DOWN, true),
            (Fault::TokenGone, OUT, false),
            (Fault::PinRefused, WRONG, false),
        ] {
            let mut module = Module::default();
            module.fail(fault, &clock);
            assert!(module.stand(&clock).is_err(), "{fault:?}");
            module.restart();
            assert_eq!(module.stand(&clock).is_ok(), restarted, "{fault:?}");
            clock.advance(back);
            assert!(module.stand(&clock).is_ok(), "{fault:?}");
        }
    }
}
