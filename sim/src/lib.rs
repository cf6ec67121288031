//! The rehearsal: the production stages, key process, log and recovery, on one thread, in an order that a seed chooses,
//! in a world that loses power, fails, fills up, loses replies and sets its clocks.
//!
//! **In scope**: the world (the server's store, the disk of the key process, its key stores, the way between the two), the
//! clients, those who bring entries of their own, the people who endorse and administer, somebody who owns the server,
//! the order of steps, and what must be true at every step and afterwards.
//!
//! **Out of scope**: threads, sockets and files; the kill loop over the real binaries has those.

mod administration;
mod cells;
mod check;
mod clients;
mod disk;
mod founding;
mod index;
mod intruder;
mod keys;
mod logs;
mod module;
mod outcomes;
mod people;
mod plan;
mod run;
mod server;
mod store;
mod stores;
mod submitters;
mod succession;
mod tally;
mod transport;
mod truth;
mod witnesses;

pub use cells::{Cell, Fault, Step};
pub use founding::Platform;
pub use run::{Violation, rehearse};
pub use stores::Store;
pub use tally::Tally;
