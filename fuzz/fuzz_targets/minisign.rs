//! `cargo +nightly fuzz run minisign`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::bare::minisign, bytes);
});
