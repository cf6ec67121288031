//! What the TUF metadata of a platform says, as far as people decide it: which keys count in each role, and which files
//! clients fetch. The key process composes it from here, and from nothing that anybody orders.

use std::collections::{BTreeMap, BTreeSet};

use envelope::tuf::{Named, NewMetadata, RoleKeys, Sealed, is_file_name, period};
use model::{Form, Instant, KeyId, PublicKey, TufRole};
use serde::{Deserialize, Serialize};

use crate::{Change, KeyState, Registry, RegistryError};

/// Keys in one role: the present one, and those beside it while one takes over from another.
const KEYS_MAX: usize = 4;

/// Files that clients fetch.
const FILES_MAX: usize = 8;

/// One version of the root: whose keys count in each role. One signature of a role's keys is enough for clients; the key
/// process signs with all of them, so that nobody notices when one takes over from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TufRoot {
    /// Its version: one more than that of the root before it.
    pub version: u64,
    /// Until when clients go by it.
    pub expires: Instant,
    /// Who signs roots.
    pub root: Vec<KeyId>,
    /// Who signs targets.
    pub targets: Vec<KeyId>,
    /// Who signs snapshots.
    pub snapshot: Vec<KeyId>,
    /// Who signs timestamps.
    pub timestamp: Vec<KeyId>,
}

/// One version of the targets: the files themselves, so that whoever endorses it reads what clients will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TufTargets {
    /// Its version: one more than that of the targets before it.
    pub version: u64,
    /// Until when clients go by it.
    pub expires: Instant,
    /// The files, by their names.
    pub files: BTreeMap<String, String>,
}

/// All roots so far, and the present targets.
#[derive(Debug, Clone, Default)]
pub struct Tuf {
    // INVARIANT: the root of version n is the n-th.
    roots: Vec<TufRoot>,
    targets: Option<TufTargets>,
}

impl TufRoot {
    /// Who signs for a role.
    pub const fn keys(&self, role: TufRole) -> &Vec<KeyId> {
        match role {
            TufRole::Root => &self.root,
            TufRole::Snapshot => &self.snapshot,
            TufRole::Timestamp => &self.timestamp,
            _ => &self.targets,
        }
    }
}

impl Tuf {
    /// The newest root.
    pub fn root(&self) -> Option<&TufRoot> {
        self.roots.last()
    }

    /// Every root, in the order of their versions.
    pub fn roots(&self) -> &[TufRoot] {
        &self.roots
    }

    /// The present targets.
    pub const fn targets(&self) -> Option<&TufTargets> {
        self.targets.as_ref()
    }

    /// Who signs a version of the root: its own keys, and those of the root before it, by which clients know it.
    pub fn root_signers(&self, version: u64) -> BTreeSet<KeyId> {
        let of = |version: u64| {
            let place = usize::try_from(version.checked_sub(1)?).ok()?;
            self.roots.get(place).map(|root| root.root.as_slice())
        };
        let before = version.checked_sub(1).and_then(of);
        [before, of(version)].into_iter().flatten().flatten().copied().collect()
    }

    pub(crate) fn push_root(&mut self, root: &TufRoot) {
        self.roots.push(root.clone());
    }

    pub(crate) fn pop_root(&mut self) {
        self.roots.pop();
    }

    pub(crate) fn replace_targets(&mut self, targets: Option<TufTargets>) -> Option<TufTargets> {
        std::mem::replace(&mut self.targets, targets)
    }
}

impl Registry {
    /// A version of the root as metadata; `None` where there is no such version.
    pub fn tuf_root(&self, version: u64) -> Option<NewMetadata> {
        let place = usize::try_from(version.checked_sub(1)?).ok()?;
        let root = self.tuf().roots.get(place)?;
        let of = |role: &TufRole| (*role, self.public_keys(root.keys(*role)));
        let keys: RoleKeys = TufRole::ALL.iter().map(of).collect();
        Some(NewMetadata::root(root.version, root.expires, &keys))
    }

    /// The present targets as metadata; `None` before there are any.
    pub fn tuf_targets(&self) -> Option<NewMetadata> {
        let targets = self.tuf().targets.as_ref()?;
        let files = targets.files.iter().map(|(name, text)| (name.as_str(), text.as_bytes()));
        Some(NewMetadata::targets(targets.version, targets.expires, files))
    }

    /// Metadata of a role: as the registry says it, of roots and of targets, which must be the present ones; of what renews
    /// alone, with this end and over this file. `None` where there is none such.
    pub fn tuf_metadata(
        &self,
        role: TufRole,
        version: u64,
        expires: Instant,
        names: Option<&Named>,
    ) -> Option<NewMetadata> {
        match role {
            TufRole::Root => self.tuf_root(version),
            TufRole::Snapshot => Some(NewMetadata::snapshot(version, expires, names?)),
            TufRole::Timestamp => Some(NewMetadata::timestamp(version, expires, names?)),
            _ => self.tuf_targets().filter(|targets| targets.version() == version),
        }
    }

    /// The file of metadata with these signatures; `None` while somebody has not signed who must: one of the keys before
    /// and one of the keys from now on, of a root; every active key, of all others, since their files are named by digest.
    pub fn tuf_seal(&self, metadata: &NewMetadata, signatures: &[(KeyId, Vec<u8>)]) -> Option<Sealed> {
        let signed = |key: &KeyId| signatures.iter().any(|(by, _)| by == key);
        let complete = match metadata.role() {
            TufRole::Root => {
                let of = |version: u64| {
                    let place = usize::try_from(version.checked_sub(1)?).ok()?;
                    Some(self.tuf().roots.get(place)?.root.iter().any(signed))
                };
                of(metadata.version()).unwrap_or(false) && of(metadata.version() - 1).unwrap_or(true)
            }
            role => {
                let keys = self.tuf().root()?.keys(role);
                let active = |key: &&KeyId| self.key(key).is_some_and(|key| key.state == KeyState::Active);
                keys.iter().any(signed) && keys.iter().filter(active).all(signed)
            }
        };
        let keys = signatures
            .iter()
            .filter_map(|(key, signature)| Some((&self.key(key)?.record.public_key, signature.as_slice())));
        complete.then(|| metadata.seal(keys))
    }

    /// The version that follows this one, of what renews alone; the first, after none.
    ///
    /// INVARIANT: no version is given out twice. A key process that lost state may have signed some that nobody knows any
    /// more, so that after each adoption it goes on far above all of them.
    pub fn tuf_version_after(&self, last: Option<u64>) -> u64 {
        let adoptions = u64::try_from(self.adoptions().len()).unwrap_or(u64::MAX);
        last.unwrap_or(0).saturating_add(1).max(adoptions.saturating_mul(1 << 32))
    }

    fn public_keys(&self, keys: &[KeyId]) -> Vec<PublicKey> {
        keys.iter().filter_map(|key| Some(self.key(key)?.record.public_key.clone())).collect()
    }

    /// Holds changes of the metadata to each other, and to when they are asked for.
    pub(crate) fn check_tuf(&self, changes: &[Change], asked: Instant) -> Result<(), RegistryError> {
        let with_targets = changes.iter().any(|change| matches!(change, Change::TufTargets(_)));
        for change in changes {
            let (role, expires) = match change {
                Change::TufRoot(root) => (TufRole::Root, root.expires),
                Change::TufTargets(targets) => (TufRole::Targets, targets.expires),
                _ => continue,
            };
            // INVARIANT: no quorum makes metadata that counts for ever, by mistake or in advance.
            if expires <= asked || expires > asked.after(period(role)) || expires != expires.whole_second() {
                return Err(cannot(role, "it ends too late, or has ended, or not with a whole second"));
            }
            if let (Change::TufRoot(new), Some(old)) = (change, self.tuf().root())
                && new.targets != old.targets
                && self.tuf().targets.is_some()
                && !with_targets
            {
                return Err(cannot(
                    role,
                    "others sign targets from now on, so that new targets must come with it",
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn check_tuf_root(&self, root: &TufRoot) -> Result<(), RegistryError> {
        let refused = |why| Err(cannot(TufRole::Root, why));
        if u64::try_from(self.tuf().roots.len()).map(|count| count + 1) != Ok(root.version) {
            return refused("its version is not the next one");
        }
        for role in TufRole::ALL {
            let keys = root.keys(*role);
            let distinct: BTreeSet<&KeyId> = keys.iter().collect();
            if keys.is_empty() || keys.len() > KEYS_MAX || distinct.len() != keys.len() {
                return refused("a role has no keys, too many, or one of them twice");
            }
            let signs = |key: &KeyId| {
                self.key(key).is_some_and(|known| {
                    known.record.form == Form::Tuf
                        && known.record.role == Some(*role)
                        && known.state == KeyState::Active
                })
            };
            if !keys.iter().all(signs) {
                return refused("one of its keys is not an active key of form tuf for that role");
            }
        }
        Ok(())
    }

    pub(crate) fn check_tuf_targets(&self, targets: &TufTargets) -> Result<(), RegistryError> {
        let refused = |why| Err(cannot(TufRole::Targets, why));
        if self.tuf().root().is_none() {
            return refused("there is no root that says who signs them");
        }
        if targets.version != self.tuf().targets.as_ref().map_or(0, |last| last.version) + 1 {
            return refused("their version is not the next one");
        }
        if targets.files.is_empty() || targets.files.len() > FILES_MAX {
            return refused("there are no files, or too many");
        }
        if !targets.files.keys().all(|name| is_file_name(name)) {
            return refused("a file's name is not of lower-case letters, digits, `.`, `_` and `-`");
        }
        Ok(())
    }
}

const fn cannot(role: TufRole, reason: &'static str) -> RegistryError {
    RegistryError::Tuf { role, reason }
}
