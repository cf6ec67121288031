//! `cargo +nightly fuzz run trust_root`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::verdicts::trust_root, bytes);
});
