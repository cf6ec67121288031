//! `cargo +nightly fuzz run checksums`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::bare::checksums, bytes);
});
