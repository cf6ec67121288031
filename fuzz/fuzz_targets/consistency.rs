//! `cargo +nightly fuzz run consistency`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::proofs::consistency, bytes);
});
