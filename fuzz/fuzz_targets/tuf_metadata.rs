//! `cargo +nightly fuzz run tuf_metadata`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::sigstore::tuf_metadata, bytes);
});
