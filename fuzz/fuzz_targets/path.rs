//! `cargo +nightly fuzz run path`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::certificates::path, bytes);
});
