//! `cargo +nightly fuzz run compose`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::envelopes::compose, bytes);
});
