//! `cargo +nightly fuzz run right_edge`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::right_edge, bytes);
});
