//! The rehearsal: the production stages, key process, log and recovery, on one thread, in an order that a seed chooses,
//! in a world that loses power, fails, fills up, loses replies and sets its clocks.
//!
//! **In scope**: the world ([`CrashStore`], the disk of the key process, the transport between the two), the clients,
//! the order of steps, and what must be true afterwards.
//!
//! **Out of scope**: threads, sockets and files; the kill loop over the real binaries has those.

mod check;
mod clients;
mod founding;
mod run;
mod store;
mod tally;
mod transport;

pub use founding::Platform;
pub use run::{Violation, rehearse};
pub use store::{CrashStore, Step};
pub use tally::{Cell, Tally};
