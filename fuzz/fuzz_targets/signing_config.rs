//! `cargo +nightly fuzz run signing_config`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::signing_config, bytes);
});
