//! `cargo +nightly fuzz run proposed_entry`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::proposed_entry, bytes);
});
