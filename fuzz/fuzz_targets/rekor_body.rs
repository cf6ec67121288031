//! `cargo +nightly fuzz run rekor_body`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::rekor_body, bytes);
});
