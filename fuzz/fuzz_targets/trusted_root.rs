//! `cargo +nightly fuzz run trusted_root`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::trusted_root, bytes);
});
