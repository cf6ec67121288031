//! The key stores of a platform. Each is a lane, and fails by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use keystore::{Cost, KeyStore, Passphrase, SoftwareStore};
use model::Space;
use testkit::MemoryDisk;

/// A key store, in the order of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// Where the key is that signs CMS.
    Cloud,
    /// The home: the platform's own keys, and the governed one.
    Software,
    /// Where the key is that signs digests; a request under the plain profile needs this one and the cloud.
    Token,
}

/// The stores themselves.
pub(crate) type All = BTreeMap<Store, Arc<dyn KeyStore>>;

impl Store {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Cloud, Self::Software, Self::Token];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Software => "software",
            Self::Token => "token",
        }
    }

    /// The store of this name.
    pub(crate) fn named(name: &Space) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.word() == name.as_str())
    }

    /// The store in which a key is kept from its beginning.
    pub(crate) fn of(key: &str) -> Self {
        match key {
            "release/cms" => Self::Cloud,
            "release/blob" => Self::Token,
            _ => Self::Software,
        }
    }
}

/// All of them, without keys.
pub(crate) fn empty() -> All {
    let passphrase = Passphrase::from_file_content(b"correct horse battery".to_vec().into());
    let passphrase = passphrase.expect("long enough");
    let store = |store| -> (Store, Arc<dyn KeyStore>) {
        (store, Arc::new(SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase.clone(), Cost::LEAST)))
    };
    Store::ALL.map(store).into()
}
