//! Certificates of our own and of others: read, verified, changed, and shown to foreign tools.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "tests stop at the first surprise"
)]

mod advisories;
mod foreign;
mod holders;
mod lint;
mod paths;
mod profiles;
mod support;
mod tampered;
mod tokens;
mod vectors;
