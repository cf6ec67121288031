//! What every parser of foreign bytes is fed with, as plain functions from bytes.
//!
//! **In scope**: one function a target, which panics where a parser breaks a promise; the list of them.
//!
//! **Out of scope**: the fuzzer itself (`fuzz_targets/`, libFuzzer) and the corpora (`corpus/TARGET/`).
//!
//! A new target is a function here, a line in [`TARGETS`], a file in `fuzz_targets/` with its `[[bin]]`, and a corpus with
//! at least one good input for each thing that it parses.

use model::receipt::Receipt;
use model::{Item, Request};

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("request", request)];

/// The canonical JSON of requests, items and receipts: what is read is written again as the same bytes.
pub fn request(bytes: &[u8]) {
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(request.encode(), bytes, "a request is read from its canonical bytes alone");
    }
    if let Ok(item) = Item::parse(bytes) {
        assert_eq!(item.encode(), bytes, "an item is read from its canonical bytes alone");
    }
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.encode(), bytes, "a receipt is read from its canonical bytes alone");
    }
}
