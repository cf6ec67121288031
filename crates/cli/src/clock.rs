//! What time it is on this machine.

use model::{Clock, Instant};

/// What time it is.
pub(crate) fn now() -> Instant {
    signerd::SystemClock.now()
}
