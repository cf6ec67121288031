//! Measuring the processor time of this thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The processor time that this thread took so far.
pub(crate) fn of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What one call costs this thread, on the mean of as many as fit into so long.
pub(crate) fn of_one(during: Duration, mut call: impl FnMut()) -> Duration {
    let began = of_thread();
    let mut calls = 0_u32;
    loop {
        for _ in 0..16 {
            call();
        }
        calls += 16;
        let took = of_thread() - began;
        if took >= during {
            return took / calls;
        }
    }
}

/// The value in the middle.
pub(crate) fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}

/// The value that such a share of them does not exceed, of values in order.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index below the length"
    )]
    let place = ((sorted.len().saturating_sub(1)) as f64 * share) as usize;
    sorted.get(place).copied().unwrap_or_default()
}

/// Microseconds, to be shown and divided.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
