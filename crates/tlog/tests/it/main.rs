//! The transparency log from outside: proofs against a second implementation, published vectors, notes that must be
//! refused, and a log whose storage fails at every step.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test fails by panicking, and its numbers are small"
)]

mod certificates;
mod crash;
mod keys;
mod log;
mod memory;
mod notes;
mod proofs;
mod rfc6962;
mod tiles;
mod witness;
mod worked_example;
