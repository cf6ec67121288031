//! The machine's clocks.

use std::time::{Duration, SystemTime};

use model::{Clock, Instant};

use crate::sandbox;

/// Wall time, and time since boot with sleep included.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Instant::EPOCH.after(since_1970)
    }

    fn boot(&self) -> Duration {
        sandbox::since_boot()
    }
}
