//! `cargo +nightly fuzz run ssh_key`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::feed(fuzz::ssh::key, bytes);
});
