//! `cargo +nightly fuzz run verifier_key`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::verifier_key, bytes);
});
