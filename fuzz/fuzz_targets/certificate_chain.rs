//! `cargo +nightly fuzz run certificate_chain`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::certificates::certificate_chain, bytes);
});
