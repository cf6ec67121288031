//! `cargo +nightly fuzz run verify_cms`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::verdicts::cms, bytes);
});
