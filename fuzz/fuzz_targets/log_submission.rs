//! `cargo +nightly fuzz run log_submission`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::log_submission, bytes);
});
