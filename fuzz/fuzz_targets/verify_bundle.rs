//! `cargo +nightly fuzz run verify_bundle`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::verdicts::bundle, bytes);
});
