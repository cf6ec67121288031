//! `cargo +nightly fuzz run id_token`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::holders::token, bytes);
});
