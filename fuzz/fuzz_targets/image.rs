//! `cargo +nightly fuzz run image`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::images::image, bytes);
});
