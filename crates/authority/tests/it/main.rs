//! The certificate authority over a real key process and a real store, and what becomes of it when either fails.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it stands, and a fake that is misused should say so"
)]

mod certificates;
mod failures;
mod world;
