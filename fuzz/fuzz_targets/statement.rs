//! `cargo +nightly fuzz run statement`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::envelopes::statement, bytes);
});
