//! The client's side of TUF (specification 1.0, §5): what is taken of a repository that nobody trusts.
//!
//! Every step takes bytes and the time, and keeps what was proven before: what goes back (rollback), stands still past its
//! end (freeze), or does not belong together (mix and match) is refused. Where bytes come from and where they are kept is
//! the caller's business; what it kept is proven anew, as if a stranger had brought it.

use std::collections::BTreeMap;

use envelope::tuf::{
    DelegatedRole, FileMeta, Keyring, Kind, Opened, Root, Signers, Snapshot, Targets, Timestamp, TufError,
};
use model::{Instant, TufRole};

/// Roles that are asked for one file. Whoever delegates in circles is not followed for ever.
pub const ROLES_VISITED_MAX: usize = 32;

/// Roots that are fetched in one go.
pub const ROOTS_MAX: u64 = 256;

/// Metadata that was proven, of one repository.
#[derive(Debug, Clone)]
pub struct TufTrust {
    root: Opened<Root>,
    timestamp: Option<Opened<Timestamp>>,
    snapshot: Option<Opened<Snapshot>>,
    targets: BTreeMap<String, Opened<Targets>>,
}

/// A role to which another delegates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufDelegate {
    /// Its name.
    pub name: String,
    /// What follows where it does not name the file.
    pub search: TufSearch,
}

/// Is anybody asked after a role?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TufSearch {
    /// Those that come after it.
    GoesOn,
    /// Nobody (`terminating`).
    Ends,
}

/// Where metadata comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TufSource {
    /// From the repository, now.
    Fetched,
    /// From this client's own folder: it may have ended, and says all the same what must not go back.
    Kept,
}

/// Why metadata is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TufRefused {
    /// It cannot be read, or those who must have signed it did not.
    #[error("the {role} of the repository is refused")]
    Metadata {
        /// Whose metadata.
        role: String,
        /// Why.
        #[source]
        source: TufError,
    },
    /// Another version than the one that is expected here: it went back, or does not belong to the rest.
    #[error("the {role} of the repository has version {version}, where {expected} is expected")]
    Version {
        /// Whose metadata.
        role: String,
        /// The version it has.
        version: u64,
        /// What is expected.
        expected: String,
    },
    /// It counts no more: somebody keeps what is newer from us, or forgot to renew it.
    #[error("the {role} of the repository ended at {expires}: what is newer is kept back, or was never made")]
    Expired {
        /// Whose metadata.
        role: String,
        /// When it ended.
        expires: Instant,
    },
    /// Another file than the one that the metadata above names.
    #[error("the {role} of the repository is not the file that the metadata above it names")]
    OtherFile {
        /// Whose metadata.
        role: String,
    },
    /// A role that no metadata above names any more, or yet.
    #[error("the repository's snapshot names no `{role}`")]
    Unnamed {
        /// The role.
        role: String,
    },
    /// A role that others delegate to has a name that is taken.
    #[error("the repository delegates to a role named `{role}`, which is the name of one of its own")]
    Taken {
        /// The role.
        role: String,
    },
    /// A step before its turn.
    #[error("the {role} is looked at before what it follows from")]
    Order {
        /// The role.
        role: String,
    },
}

/// What became of a fetched timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// It is newer.
    Newer,
    /// It has the version that was there already, which stays.
    Same,
}

impl TufTrust {
    /// Begins with a root that is trusted for another reason: it came with the client, or by hand.
    pub fn begin(root: &[u8]) -> Result<Self, TufRefused> {
        let role = TufRole::Root;
        let root: Opened<Root> = open(role.word(), root)?;
        check(role.word(), &root, root.says.signers(role), &root.says.keys)?;
        Ok(Self { root, timestamp: None, snapshot: None, targets: BTreeMap::new() })
    }

    /// Takes the next root: signed by those who sign roots until now, and by those who do from now on.
    pub fn next_root(&mut self, bytes: &[u8]) -> Result<(), TufRefused> {
        let role = TufRole::Root;
        let next: Opened<Root> = open(role.word(), bytes)?;
        check(role.word(), &next, self.root.says.signers(role), &self.root.says.keys)?;
        check(role.word(), &next, next.says.signers(role), &next.says.keys)?;
        let (version, expected) = (version(&next), version(&self.root) + 1);
        if version != expected {
            return Err(other_version(role.word(), version, expected.to_string()));
        }
        self.root = next;
        Ok(())
    }

    /// The root's version.
    pub fn root_version(&self) -> u64 {
        version(&self.root)
    }

    /// Are files named by version and digest?
    pub const fn has_consistent_snapshots(&self) -> bool {
        self.root.says.consistent_snapshot
    }

    /// Takes a timestamp. The root must count now.
    pub fn timestamp(
        &mut self,
        bytes: &[u8],
        source: TufSource,
        now: Instant,
    ) -> Result<Fetched, TufRefused> {
        let role = TufRole::Timestamp.word();
        check_time(TufRole::Root.word(), &self.root, now)?;
        let next: Opened<Timestamp> = open(role, bytes)?;
        check(role, &next, self.root.says.signers(TufRole::Timestamp), &self.root.says.keys)?;
        if let Some(last) = &self.timestamp {
            if version(&next) < version(last) {
                return Err(other_version(role, version(&next), format!("{} or more", version(last))));
            }
            if version(&next) == version(last) {
                // INVARIANT: of two with one version the first stays: there is no such thing as another one.
                return self.check_timestamp(now).map(|()| Fetched::Same);
            }
            let (named, known) = (next.says.snapshot().version, last.says.snapshot().version);
            if named < known {
                return Err(other_version(TufRole::Snapshot.word(), named, format!("{known} or more")));
            }
        }
        if source == TufSource::Fetched {
            check_time(role, &next, now)?;
        }
        self.timestamp = Some(next);
        Ok(Fetched::Newer)
    }

    fn check_timestamp(&self, now: Instant) -> Result<(), TufRefused> {
        let role = TufRole::Timestamp.word();
        check_time(role, self.timestamp.as_ref().ok_or_else(|| too_early(role))?, now)
    }

    /// The snapshot that counts; `None` before there is a timestamp.
    pub fn named_snapshot(&self) -> Option<&FileMeta> {
        Some(self.timestamp.as_ref()?.says.snapshot())
    }

    /// Takes a snapshot: of a fetched one, the file that the timestamp names. One that was kept may be of an older version;
    /// then it says only what must not go back.
    pub fn snapshot(&mut self, bytes: &[u8], source: TufSource, now: Instant) -> Result<(), TufRefused> {
        let role = TufRole::Snapshot.word();
        self.check_timestamp(now)?;
        let named = self.named_snapshot().ok_or_else(|| too_early(role))?.clone();
        if source == TufSource::Fetched && !named.is(bytes) {
            return Err(TufRefused::OtherFile { role: role.to_owned() });
        }
        let next: Opened<Snapshot> = open(role, bytes)?;
        check(role, &next, self.root.says.signers(TufRole::Snapshot), &self.root.says.keys)?;
        if let Some(last) = &self.snapshot {
            for (file, known) in &last.says.meta {
                let role = file.strip_suffix(".json").unwrap_or(file);
                let still = next.says.meta.get(file);
                let still = still.ok_or_else(|| TufRefused::Unnamed { role: shown(role) })?;
                if still.version < known.version {
                    return Err(other_version(role, still.version, format!("{} or more", known.version)));
                }
            }
        }
        if source == TufSource::Fetched {
            if version(&next) != named.version {
                return Err(other_version(role, version(&next), named.version.to_string()));
            }
            check_time(role, &next, now)?;
        }
        self.snapshot = Some(next);
        Ok(())
    }

    /// Is the snapshot the one that the timestamp names, and does it count?
    pub fn is_snapshot_current(&self, now: Instant) -> bool {
        let (Some(named), Some(snapshot)) = (self.named_snapshot(), &self.snapshot) else { return false };
        named.version == version(snapshot) && now < snapshot.says.metadata().expires
    }

    /// The targets of a role that count; `None` where the snapshot names none.
    pub fn named_targets(&self, role: &str) -> Option<&FileMeta> {
        self.snapshot.as_ref()?.says.meta.get(&format!("{role}.json"))
    }

    /// Takes the targets of a role: the file that the snapshot names, signed for the role that delegates to it. The
    /// targets' own keys stand in the root.
    pub fn targets(
        &mut self,
        role: &str,
        delegator: Option<&str>,
        bytes: &[u8],
        now: Instant,
    ) -> Result<(), TufRefused> {
        // INVARIANT: nobody who is delegated to speaks under the name of a role that the root names, nor is kept in its place.
        if delegator.is_some() && TufRole::ALL.iter().any(|own| own.word() == role) {
            return Err(TufRefused::Taken { role: shown(role) });
        }
        if !self.is_snapshot_current(now) {
            return Err(too_early(role));
        }
        let named = self.named_targets(role).ok_or_else(|| TufRefused::Unnamed { role: shown(role) })?;
        if !named.is(bytes) {
            return Err(TufRefused::OtherFile { role: shown(role) });
        }
        let next: Opened<Targets> = open(role, bytes)?;
        let (signers, keys) = self.signers(role, delegator)?;
        check(role, &next, signers, keys)?;
        if version(&next) != named.version {
            return Err(other_version(role, version(&next), named.version.to_string()));
        }
        check_time(role, &next, now)?;
        self.targets.insert(role.to_owned(), next);
        Ok(())
    }

    fn signers(&self, role: &str, delegator: Option<&str>) -> Result<(&Signers, &Keyring), TufRefused> {
        let Some(delegator) = delegator else {
            return Ok((self.root.says.signers(TufRole::Targets), &self.root.says.keys));
        };
        let delegations = self.targets.get(delegator).and_then(|above| above.says.delegations.as_ref());
        let delegations = delegations.ok_or_else(|| too_early(role))?;
        let known = delegations.roles.iter().find(|known| known.name == role);
        let known = known.ok_or_else(|| TufRefused::Unnamed { role: shown(role) })?;
        Ok((&known.signers, &delegations.keys))
    }

    /// What a role says, once it was taken.
    pub fn of_role(&self, role: &str) -> Option<&Targets> {
        self.targets.get(role).map(|targets| &targets.says)
    }

    /// Whom a role delegates to for this path, in their order.
    pub fn delegates(&self, role: &str, path: &str) -> Vec<TufDelegate> {
        let delegations = self.of_role(role).and_then(|targets| targets.delegations.as_ref());
        let roles = delegations.into_iter().flat_map(|delegations| &delegations.roles);
        let delegate = |role: &DelegatedRole| TufDelegate {
            name: role.name.clone(),
            search: if role.terminating { TufSearch::Ends } else { TufSearch::GoesOn },
        };
        roles.filter(|role| role.covers(path)).map(delegate).collect()
    }
}

fn open<T: Kind>(role: &str, bytes: &[u8]) -> Result<Opened<T>, TufRefused> {
    Opened::parse(bytes).map_err(|source| TufRefused::Metadata { role: shown(role), source })
}

fn check<T: Kind>(
    role: &str,
    opened: &Opened<T>,
    signers: &Signers,
    keys: &Keyring,
) -> Result<(), TufRefused> {
    opened.check(signers, keys).map_err(|source| TufRefused::Metadata { role: shown(role), source })
}

fn check_time<T: Kind>(role: &str, opened: &Opened<T>, now: Instant) -> Result<(), TufRefused> {
    let expires = opened.says.metadata().expires;
    if now < expires { Ok(()) } else { Err(TufRefused::Expired { role: shown(role), expires }) }
}

fn version<T: Kind>(opened: &Opened<T>) -> u64 {
    opened.says.metadata().version
}

fn other_version(role: &str, version: u64, expected: String) -> TufRefused {
    TufRefused::Version { role: shown(role), version, expected }
}

fn too_early(role: &str) -> TufRefused {
    TufRefused::Order { role: shown(role) }
}

/// What of a foreign text may stand in a message of ours.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(64).collect()
}
