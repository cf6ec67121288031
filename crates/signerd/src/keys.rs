//! Do the sealed keys open? For whoever holds a folder against its registry.

use std::path::Path;
use std::sync::Arc;

use keystore::{Cost, KeyStore, KeyStoreError, Passphrase, SoftwareStore};
use model::KeyId;

use crate::FileDisk;

/// Opens each of these keys in the folder of a key process, and says which cannot be, and why. No key is used.
pub fn unopened(folder: &Path, passphrase: Passphrase, keys: &[KeyId]) -> Vec<(KeyId, KeyStoreError)> {
    let disk = Arc::new(FileDisk::new(&folder.join("keys")));
    let store = SoftwareStore::new(disk, passphrase, Cost::RECOMMENDED);
    keys.iter().filter_map(|key| store.key(key).err().map(|error| (*key, error))).collect()
}
