//! Entries of the registry: the changes, the request that asks for them, and the endorsements that allow them.

use model::{
    Base64, CanonicalError, Digest, Hex32, Instant, KeyId, PersonId, PlatformId, PrincipalId, PublicKey,
    Request, Space, Tag, from_canonical, limits, to_canonical,
};
use pki::token::TokenIssuer;
use serde::{Deserialize, Serialize};

use crate::{Endorsement, IssuerState, KeyRecord, KeyState, Rule, TufRoot, TufTargets, Witnesses};

/// One entry of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The version of this layout: 1.
    pub version: u32,
    /// Its number; the genesis is 0.
    pub number: u64,
    /// The head before it; zeros before the genesis.
    pub previous: Digest,
    /// The administrative request; absent in the genesis, which nobody could have asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What changes, in order, all or nothing.
    pub changes: Vec<Change>,
    /// Who allows it.
    pub endorsements: Vec<Endorsement>,
}

/// A change of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Change {
    /// The beginning.
    Genesis(Genesis),
    /// A key, or a new generation of one.
    Key(KeyRecord),
    /// Another state of a key.
    KeyState {
        /// The key.
        key: KeyId,
        /// Its new state.
        state: KeyState,
        /// From when.
        since: Instant,
        /// Why.
        reason: String,
    },
    /// An issuer of ID tokens, or another record of one that is known.
    Issuer(TokenIssuer),
    /// An issuer whose tokens count no more, or again.
    IssuerState {
        /// The address in its record.
        url: String,
        /// Do its tokens count?
        state: IssuerState,
        /// Why.
        reason: String,
    },
    /// Another policy in force.
    Policy {
        /// Its digest.
        digest: Digest,
    },
    /// The way back after the key process lost state.
    Adoption(Adoption),
    /// The way out of `solo`: from now on several govern.
    Administrators(Administrators),
    /// The witnesses of journal and log from now on, in place of those before.
    Witnesses(Witnesses),
    /// The next version of TUF's root: whose keys count in each role.
    TufRoot(TufRoot),
    /// The next version of TUF's targets: the files that clients fetch.
    TufTargets(TufTargets),
}

/// The beginning of a platform. Its digest is the platform id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// The version of this layout: 1.
    pub version: u32,
    /// The name from which all other names derive, fixed for ever.
    pub host: String,
    /// The key process that keeps the registry: the last part of its journal's origin.
    pub instance: Space,
    /// The key that signs the journal's checkpoints: the one key of the key process that no later entry names.
    pub journal: PublicKey,
    /// When it began.
    pub created: Instant,
    /// Thirty-two random bytes, so that no two platforms have one id.
    pub nonce: Hex32,
    /// Does one person found it, or several?
    pub governance: Governance,
    /// What a change of the registry asks for.
    pub administration: Rule,
    /// Those who found it, and those who endorse.
    pub principals: Vec<Principal>,
    /// The groups that rules name.
    pub groups: Vec<Group>,
}

/// Does one person govern, or several?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Governance {
    /// One person: the trust root says so, and whoever verifies may care.
    Solo,
    /// At least two, for every change that adds anything.
    Quorum,
}

/// Somebody who endorses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The opaque id.
    pub principal: PrincipalId,
    /// The person, who counts once.
    pub person: PersonId,
    /// A commitment to the name ([`Tag::Name`] over salt and name), so that it can be proven and forgotten.
    pub name: Digest,
    /// What they sign endorsements with.
    pub credentials: Vec<Credential>,
}

/// What somebody signs endorsements with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Credential {
    /// An SSH key.
    #[serde(rename_all = "camelCase")]
    Ssh {
        /// The public key in SSH wire format.
        public_key: Base64,
        /// Must it be touched?
        touch: Touch,
    },
}

/// Must a key be touched for each signature?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Yes: a hardware token with user presence and user verification.
    Required,
    /// No: a key in a file or an agent.
    NotRequired,
}

/// A group of persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: Space,
    /// Who is in it.
    pub persons: Vec<PersonId>,
}

/// What an adoption names: the last state that was known, and the names under which the key process goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adoption {
    /// The size of the journal's last known checkpoint.
    pub journal_size: u64,
    /// Its root.
    pub journal_root: Digest,
    /// The instance that goes on: a new journal origin.
    pub instance: Space,
    /// Why.
    pub reason: String,
}

/// Those who govern a platform together that one person governed so far. Each of them endorses the entry, beside the one
/// who governed: nobody becomes an administrator unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Administrators {
    /// What a change of the registry asks for from now on: at least two of them.
    pub rule: Rule,
    /// Those whom the registry does not know yet.
    pub principals: Vec<Principal>,
    /// Groups that are new, or other people from now on.
    pub groups: Vec<Group>,
}

/// Why bytes are not an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not the canonical JSON of an entry.
    #[error("not a registry entry")]
    NotCanonical(#[from] CanonicalError),
    /// A version that this avouch does not know.
    #[error("a registry entry of version {version}; this avouch knows version 1")]
    Version {
        /// The version it names.
        version: u32,
    },
    /// More endorsements than can count.
    #[error("{count} endorsements, where at most {} are read", limits::ENDORSEMENTS_MAX)]
    Endorsements {
        /// How many there are.
        count: usize,
    },
}

impl Entry {
    /// Reads an entry's canonical JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry: Self = from_canonical(bytes, limits::ENTRY_BYTES_MAX)?;
        if entry.version != 1 {
            return Err(EntryError::Version { version: entry.version });
        }
        if entry.endorsements.len() > limits::ENDORSEMENTS_MAX {
            return Err(EntryError::Endorsements { count: entry.endorsements.len() });
        }
        Ok(entry)
    }

    /// The canonical JSON.
    pub fn encode(&self) -> Vec<u8> {
        to_canonical(self)
    }

    /// The registry's head after an entry of these bytes.
    pub fn head(bytes: &[u8]) -> Digest {
        Tag::Registry.digest(&[bytes])
    }

    /// The digest of changes, as an administrative request names it.
    pub fn changes_digest(changes: &[Change]) -> Digest {
        Tag::Changes.digest(&[&to_canonical(&changes)])
    }
}

impl Genesis {
    /// The platform id. Founders sign it, so that it says nothing of who signed.
    pub fn platform(&self) -> PlatformId {
        PlatformId::new(Tag::Genesis.digest(&[&to_canonical(self)]))
    }
}
