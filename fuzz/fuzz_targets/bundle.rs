//! `cargo +nightly fuzz run bundle`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::bundle, bytes);
});
