//! The key process from outside: what it signs, what it refuses, and what is left after a crash.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test may stop at the first surprise"
)]

mod adoption;
mod anchor;
mod attacks;
mod bare;
mod faults;
mod hardware;
mod holders;
mod intake;
mod journal;
mod lanes;
mod openpgp;
mod orders;
mod process;
mod promises;
mod proofs;
mod recall;
mod refusals;
mod registry;
mod rotation;
mod tuf;
mod world;
