//! The signing cycle from outside: the real key process, authority and store, and a policy and a transport in the
//! test's hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test may stop at the first surprise"
)]

mod crash;
mod cycle;
mod door;
mod endorsed;
mod faults;
mod lanes;
mod recall;
mod repeats;
mod strangers;
mod submitted;
mod succession;
mod world;
