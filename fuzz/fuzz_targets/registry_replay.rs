//! `cargo +nightly fuzz run registry_replay`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::registry::replay, bytes);
});
