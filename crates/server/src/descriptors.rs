//! File descriptors: connections never take those that the store and the key process's socket need.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::config::Limits;

/// For the store, the log's tiles, the sockets of this machine.
const RESERVED: u64 = 256;
/// Listeners that take connections of their own.
const DOORS: u64 = 4;

/// Takes as many descriptors as the system gives, and bounds connections by what there is.
pub(crate) fn fitting(limits: Limits) -> Limits {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let Some(there) = (if raised.is_ok() { maximum } else { current }) else { return limits };
    let fits = usize::try_from(there.saturating_sub(RESERVED) / DOORS).unwrap_or(usize::MAX).max(1);
    if fits < limits.connections_max {
        warn!(
            descriptors = there,
            connections_max = fits,
            "the system gives fewer file descriptors than the connections that are allowed"
        );
    }
    Limits { connections_max: limits.connections_max.min(fits), ..limits }
}
