//! Profiles and callers, as the engine looks them up.

use engine::{Directory, StoreError};
use identity::Caller;
use model::{Digest, Profile, Space};

use crate::Store;

impl Directory for Store {
    fn profile(&self, name: &Space) -> Result<Option<Profile>, StoreError> {
        self.profile_in_force(name)
    }

    fn version(&self, digest: &Digest) -> Result<Option<Profile>, StoreError> {
        self.profile_version(digest)
    }

    fn profiles(&self) -> Result<Vec<Profile>, StoreError> {
        self.profiles_in_force()
    }

    fn current(&self, then: &Caller) -> Result<Option<Caller>, StoreError> {
        let principal = self.principal(&then.principal)?.filter(|principal| principal.disabled.is_none());
        Ok(principal.map(|principal| then.clone().within(&principal.spaces)))
    }
}
