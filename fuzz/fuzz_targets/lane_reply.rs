//! `cargo +nightly fuzz run lane_reply`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::hardware::lane_reply, bytes);
});
