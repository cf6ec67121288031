//! `cargo +nightly fuzz run openpgp`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::openpgp::openpgp, bytes);
});
