//! `cargo +nightly fuzz run tile`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::tile, bytes);
});
