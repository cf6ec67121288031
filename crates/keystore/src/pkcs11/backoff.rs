//! How long to wait before a lane process is started again.

use std::time::Duration;

/// The pause after the second failure in a row; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A lane that lived this long has proven itself: its end is the first failure again.
const STEADY: Duration = Duration::from_secs(30);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    failures: u32,
}

impl BackOff {
    /// The pause after a lane that lived this long. A single failure costs none.
    pub(crate) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= STEADY {
            self.failures = 0;
        }
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        match failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => PAUSE.saturating_mul(1 << doublings.min(16)).min(PAUSE_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_and_begin_anew_after_a_steady_life() {
        let mut backoff = BackOff::default();
        let pauses: Vec<u128> =
            std::iter::repeat_with(|| backoff.after(Duration::from_secs(1)).as_millis()).take(10).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(backoff.after(STEADY), Duration::ZERO);
        assert_eq!(backoff.after(Duration::ZERO), PAUSE);
        (0..100).for_each(|_| assert!(backoff.after(Duration::ZERO) <= PAUSE_MAX));
    }
}
