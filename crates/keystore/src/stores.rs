//! The key stores of one key process, by their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{KeyId, Space};

use crate::{Key, KeyStore, KeyStoreError};

/// The name of the store of sealed files, which every key process has.
pub const SOFTWARE: &str = "software";

/// The key stores of one key process, by their names. The one that every process has is its home: what it needs
/// before anybody asks for anything, the journal's own key, is kept there.
#[derive(Clone)]
pub struct Stores(BTreeMap<Space, Arc<dyn KeyStore>>);

impl Stores {
    /// The home alone, under the name [`SOFTWARE`]. It must be a store that does not keep its callers waiting.
    pub fn new(home: Arc<dyn KeyStore>) -> Self {
        Self(BTreeMap::from([(home_name(), home)]))
    }

    /// The same and one more; a store of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: Space, store: Arc<dyn KeyStore>) -> Self {
        self.0.insert(name, store);
        self
    }

    /// The store in which the process keeps its own key.
    pub fn home(&self) -> &dyn KeyStore {
        self.0.get(&home_name()).expect("the home is there from the beginning").as_ref()
    }

    /// The store of this name.
    pub fn named(&self, name: &Space) -> Result<&Arc<dyn KeyStore>, KeyStoreError> {
        self.0.get(name).ok_or_else(|| {
            let known = self.names().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
            KeyStoreError::NoStore { store: name.clone(), known }
        })
    }

    /// The key of this id in the store of this name, and in no other.
    pub fn key(&self, store: &Space, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        self.named(store)?.key(id)
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Space> {
        self.0.keys()
    }
}

fn home_name() -> Space {
    SOFTWARE.parse().expect("a word is a name")
}
