//! `cargo +nightly fuzz run dsse`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::envelopes::dsse, bytes);
});
