//! `cargo +nightly fuzz run registry_append`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::registry::append, bytes);
});
