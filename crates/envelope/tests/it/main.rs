//! The room's tests against the worked example, changed bytes, foreign tools and published vectors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test may stop at the first surprise"
)]

mod advisories;
mod bounds;
mod conformance;
mod example;
mod foreign;
mod forms;
mod log_body;
mod minisign;
mod openpgp;
mod predicates;
mod proposed;
mod ssh;
mod submitted;
mod support;
mod tampered;
mod terms;
