//! `cargo +nightly fuzz run public_key`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::nouns::public_key, bytes);
});
