//! The registry and its counting, as an attacker and an auditor would try them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test that cannot go on has failed"
)]

mod administrators;
mod attacks;
mod counting;
mod founding;
mod keys;
mod people;
mod witnesses;
