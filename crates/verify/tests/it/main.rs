//! What `verify` accepts and refuses, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod advisories;
mod algorithms;
mod attacks;
mod bare;
mod conformance;
mod corpus;
mod gaps;
mod openpgp;
mod platform;
mod receipts;
mod statements;
mod tuf;
mod witnesses;
mod worked_example;
