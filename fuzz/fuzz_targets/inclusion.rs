//! `cargo +nightly fuzz run inclusion`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::proofs::inclusion, bytes);
});
