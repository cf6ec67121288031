//! `cargo +nightly fuzz run revocation_lists`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::certificates::revocation_lists, bytes);
});
