//! `cargo +nightly fuzz run journal_leaf`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::nouns::journal_leaf, bytes);
});
