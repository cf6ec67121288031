//! The nouns, held to published vectors, to golden ones of our own, and to what must be refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

mod algorithms;
mod canonical;
mod golden;
mod keys;
mod texts;
mod wycheproof;
