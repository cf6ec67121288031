//! The layout of frames, and the client against a socket that a test serves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test may stop at the first surprise"
)]

mod client;
mod frames;
