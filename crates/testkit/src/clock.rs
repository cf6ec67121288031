//! A clock that stands still until a test moves it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Clock, Instant};

/// A [`Clock`] in the test's hand.
#[derive(Debug)]
pub struct HandClock {
    hands: Mutex<(Instant, Duration)>,
}

impl HandClock {
    /// Stands at `now`, on a machine that started an hour ago.
    pub fn at(now: Instant) -> Self {
        Self { hands: Mutex::new((now, Duration::from_secs(3600))) }
    }

    /// Time passes: both clocks move on.
    pub fn advance(&self, by: Duration) {
        let (now, boot) = *self.hands();
        *self.hands() = (now.after(by), boot.saturating_add(by));
    }

    /// Somebody sets the wall clock, forwards or back.
    pub fn set_now(&self, now: Instant) {
        self.hands().0 = now;
    }

    fn hands(&self) -> MutexGuard<'_, (Instant, Duration)> {
        // Two plain values are good whatever a thread did that panicked while it held them.
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for HandClock {
    /// Stands at 2026-11-20T09:06:42Z.
    fn default() -> Self {
        Self::at(Instant::from_seconds(1_795_165_602))
    }
}

impl Clock for HandClock {
    fn now(&self) -> Instant {
        self.hands().0
    }

    fn boot(&self) -> Duration {
        self.hands().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hands_move_together_or_one_at_a_time() {
        let clock = HandClock::default();
        assert_eq!(clock.now().to_string(), "2026-11-20T09:06:42Z");
        clock.advance(Duration::from_secs(18));
        assert_eq!(
            (clock.now().to_string().as_str(), clock.boot().as_secs()),
            ("2026-11-20T09:07:00Z", 3618)
        );
        clock.set_now(Instant::EPOCH);
        assert_eq!((clock.now(), clock.boot().as_secs()), (Instant::EPOCH, 3618));
    }
}
