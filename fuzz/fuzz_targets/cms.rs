//! `cargo +nightly fuzz run cms`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::envelopes::cms, bytes);
});
