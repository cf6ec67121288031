//! `cargo +nightly fuzz run timestamp_request`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::timestamps::request, bytes);
});
