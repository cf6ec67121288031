//! A real server over a real store and a real key process, asked over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test that cannot go on should stop where it stands"
)]

mod administration;
mod adversity;
mod advisories;
mod asking;
mod asserted;
mod bad_input;
mod cycle;
mod disk;
mod flood;
mod founder;
mod full;
mod http2;
mod keyless;
mod listing;
mod log_entries;
mod openapi;
mod public;
mod public_bounds;
mod raw;
mod read_only;
mod rekor_v1;
mod reload;
mod sessions;
mod siege;
mod site;
mod slow;
mod smuggling;
mod strangers;
