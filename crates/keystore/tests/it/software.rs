//! Keys are made, kept, found again and sign what they should.

use std::sync::Arc;

use keystore::{Cost, KeyStore, KeyStoreError, Passphrase, SoftwareStore};
use model::{Algorithm, Disk};
use testkit::MemoryDisk;

use crate::{passphrase, store};

/// What the software store makes keys for.
pub(crate) const OFFERED: [Algorithm; 5] =
    [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa3072, Algorithm::Rsa4096];

#[test]
fn the_software_store_is_a_key_store() {
    let disk = Arc::new(MemoryDisk::new());
    testkit::keystore::conforms(&|| Arc::new(store(&disk)), &OFFERED);
}

#[test]
fn an_algorithm_that_is_not_made_here_is_refused_by_name() {
    let error = store(&Arc::new(MemoryDisk::new())).generate(Algorithm::Rsa2048).unwrap_err();
    assert_eq!(error.to_string(), "this key store makes no keys for `rsa-2048-sha256`");
}

#[test]
fn no_private_byte_stands_in_a_key_file() {
    let disk = Arc::new(MemoryDisk::new());
    let public = store(&disk).generate(Algorithm::Ed25519).unwrap();
    let file = disk.read(&format!("{}.sealed", public.id())).unwrap();
    // The head of every PKCS #8: a sealed one cannot show it.
    let pkcs8_of_ed25519 = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22];
    assert!(!file.windows(pkcs8_of_ed25519.len()).any(|window| window == pkcs8_of_ed25519));
}

#[test]
fn another_passphrase_neither_opens_nor_adds() {
    let disk = Arc::new(MemoryDisk::new());
    let public = store(&disk).generate(Algorithm::EcdsaP256).unwrap();
    let other = SoftwareStore::new(Arc::<MemoryDisk>::clone(&disk), passphrase("wrong horse"), Cost::LEAST);
    let name = format!("{}.sealed", public.id());
    let error = other.key(&public.id()).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("the passphrase does not open the key file `{name}`; was it sealed under another?")
    );
    assert!(matches!(other.generate(Algorithm::EcdsaP256), Err(KeyStoreError::WrongPassphrase { .. })));
    assert_eq!(store(&disk).list().unwrap().len(), 1);
}

#[test]
fn a_passphrase_loses_one_line_end_and_is_never_printed() {
    let one = Passphrase::from_file_content(b"correct horse\r\n".to_vec().into()).unwrap();
    let disk = Arc::new(MemoryDisk::new());
    let public = store(&disk).generate(Algorithm::Ed25519).unwrap();
    let store = SoftwareStore::new(Arc::<MemoryDisk>::clone(&disk), one.clone(), Cost::LEAST);
    store.key(&public.id()).unwrap();
    assert_eq!(format!("{one:?}"), "Passphrase(…)");
    let error = Passphrase::from_file_content(b"short\n".to_vec().into()).unwrap_err();
    assert_eq!(error.to_string(), "a passphrase has 8 to 1024 bytes, and this one 5");
}
