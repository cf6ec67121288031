//! `cargo +nightly fuzz run certificate`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::certificates::certificate, bytes);
});
