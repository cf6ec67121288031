//! `cargo +nightly fuzz run certificate_request`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::holders::certificate_request, bytes);
});
