//! What is due: signatures that are missing, and versions that end soon.

use envelope::tuf::{Named, renewed_before};
use model::{Instant, KeyId, TufRole};
use quorum::{KeyState, Registry};
use signer::{TufOrder, TufVersion};

/// An order that is due.
pub(super) struct Due {
    pub(super) role: TufRole,
    pub(super) order: TufOrder,
}

/// The orders that are due now, of the first role that has some: the next is over the file that comes of them.
pub(super) fn orders(registry: &Registry, signed: &[TufVersion], now: Instant) -> Vec<Due> {
    let sight = Sight { registry, signed, now };
    let Some(root) = registry.tuf().root() else { return Vec::new() };
    let roots: Vec<Due> = (1..=root.version).flat_map(|version| sight.unsigned_root(version)).collect();
    if !roots.is_empty() {
        return roots;
    }
    let Some(targets) = registry.tuf().targets() else { return Vec::new() };
    let mut named = None;
    for (role, decided) in
        [(TufRole::Targets, Some(targets.version)), (TufRole::Snapshot, None), (TufRole::Timestamp, None)]
    {
        let due = sight.of(role, decided, named);
        if !due.is_empty() {
            return due;
        }
        // Nobody signs over what nobody can complete.
        let Some(sealed) = sight.sealed(role) else { return Vec::new() };
        named = Some(sealed);
    }
    Vec::new()
}

struct Sight<'a> {
    registry: &'a Registry,
    signed: &'a [TufVersion],
    now: Instant,
}

impl Sight<'_> {
    fn newest(&self, role: TufRole) -> Option<&TufVersion> {
        self.signed.iter().filter(|one| one.role == role).max_by_key(|one| one.version)
    }

    fn unsigned_root(&self, version: u64) -> Vec<Due> {
        let known = self.signed.iter().find(|one| one.role == TufRole::Root && one.version == version);
        let signers: Vec<KeyId> = self.registry.tuf().root_signers(version).into_iter().collect();
        self.missing(TufRole::Root, version, &signers, known)
    }

    /// What is missing of a role: signatures of the version that stands, or the whole of the next one.
    fn of(&self, role: TufRole, decided: Option<u64>, below: Option<Named>) -> Vec<Due> {
        let Some(root) = self.registry.tuf().root() else { return Vec::new() };
        let last = self.newest(role);
        let keys = root.keys(role);
        let version = match (decided, last) {
            (Some(version), _) => version,
            (None, Some(last)) if !self.must_renew(role, last, below) => last.version,
            (None, last) => self.registry.tuf_version_after(last.map(|last| last.version)),
        };
        self.missing(role, version, keys, last.filter(|last| last.version == version))
    }

    fn must_renew(&self, role: TufRole, last: &TufVersion, below: Option<Named>) -> bool {
        let above = match role {
            TufRole::Snapshot => self.newest(TufRole::Timestamp).and_then(|above| above.names),
            _ => None,
        };
        // What is named already gets no more signatures: where one is missing since, only the next version has it.
        let stuck = above.is_some_and(|named| named.version >= last.version) && self.sealed(role).is_none();
        last.names != below || stuck || last.expires.since(self.now) < renewed_before(role)
    }

    fn missing(&self, role: TufRole, version: u64, keys: &[KeyId], known: Option<&TufVersion>) -> Vec<Due> {
        let signed =
            |key: &KeyId| known.is_some_and(|known| known.signatures.iter().any(|(by, _)| by == key));
        let can = |key: &KeyId| {
            self.registry
                .key(key)
                .is_some_and(|key| key.state == KeyState::Active && key.record.is_valid_at(self.now))
        };
        let due = keys.iter().filter(|key| can(key) && !signed(key));
        due.map(|key| Due { role, order: TufOrder { key: *key, version } }).collect()
    }

    fn sealed(&self, role: TufRole) -> Option<Named> {
        let TufVersion { version, expires, names, signatures, .. } = self.newest(role)?;
        let metadata = self.registry.tuf_metadata(role, *version, *expires, names.as_ref())?;
        Some(self.registry.tuf_seal(&metadata, signatures)?.named())
    }
}
