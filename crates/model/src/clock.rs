//! How time is seen.

use std::time::Duration;

use crate::Instant;

/// The two clocks of a machine.
///
/// `now` may jump either way, because somebody may set it. `boot` never goes back and counts on while the machine
/// sleeps; it is what every deadline inside a process is measured by. Both are cheap, and neither fails.
pub trait Clock: Send + Sync {
    /// Wall time, in UTC.
    fn now(&self) -> Instant;

    /// Time since the machine started, sleep included.
    fn boot(&self) -> Duration;
}
