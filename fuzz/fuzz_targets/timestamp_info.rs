//! `cargo +nightly fuzz run timestamp_info`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::timestamps::info, bytes);
});
