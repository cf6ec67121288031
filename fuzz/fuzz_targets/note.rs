//! `cargo +nightly fuzz run note`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::logs::note, bytes);
});
