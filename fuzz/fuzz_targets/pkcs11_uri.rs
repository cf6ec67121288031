//! `cargo +nightly fuzz run pkcs11_uri`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::hardware::pkcs11_uri, bytes);
});
