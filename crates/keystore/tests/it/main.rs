//! The software store: keys that sign, and files that were touched. The PKCS #11 store: a real module, and one that
//! misbehaves on demand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

mod pkcs11;
mod software;
mod tampered;

use std::sync::Arc;

use keystore::{Cost, Passphrase, SoftwareStore};

use testkit::MemoryDisk;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::from_file_content(text.as_bytes().to_vec().into()).unwrap()
}

fn store(disk: &Arc<MemoryDisk>) -> SoftwareStore {
    SoftwareStore::new(Arc::<MemoryDisk>::clone(disk), passphrase("correct horse"), Cost::LEAST)
}
