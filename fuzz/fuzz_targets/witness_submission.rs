//! `cargo +nightly fuzz run witness_submission`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::witness_submission, bytes);
});
