//! `cargo +nightly fuzz run issuer_keys`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::holders::issuer_keys, bytes);
});
