//! Profiles and callers, as they are in force now.

use identity::Caller;
use model::{Digest, Profile, Space};

use crate::StoreError;

/// Where signing profiles and grants are looked up.
///
/// *Consistency*: what was changed is seen by every look-up that begins after the change returned. *Concurrency*:
/// any number of callers; they block.
pub trait Directory: Send + Sync {
    /// The version in force of a signing profile; `None` if there is no such profile.
    fn profile(&self, name: &Space) -> Result<Option<Profile>, StoreError>;

    /// A version by its digest, in force or not. Versions are never changed or removed.
    fn version(&self, digest: &Digest) -> Result<Option<Profile>, StoreError>;

    /// The versions in force of all signing profiles, by name.
    fn profiles(&self) -> Result<Vec<Profile>, StoreError>;

    /// The same caller with what their principal may reach now, never more than what the credential reached then;
    /// `None` if the principal may do nothing any more.
    fn current(&self, then: &Caller) -> Result<Option<Caller>, StoreError>;
}
