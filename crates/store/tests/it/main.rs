//! The store from outside: what survives, what is refused, and in which words.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test may stop at the first surprise"
)]

mod checkpoint;
mod directory;
mod index;
mod listing;
mod opening;
mod requests;
mod shards;
mod tiles;
mod world;
