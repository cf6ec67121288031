//! `cargo +nightly fuzz run certificate_entry`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::certificate_entry, bytes);
});
