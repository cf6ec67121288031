//! Metadata of whatever repository: read, bounded, and held to the keys that must have signed it.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use model::{Hash, Instant, TufRole};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::delegated::Delegations;
use super::key::{TufKey, Wire};
use super::{NotCanonical, bytes_max, canonical};

/// Why metadata is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// More bytes than are read.
    #[error("{length} bytes of metadata, where at most {limit} are read")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many are read.
        limit: usize,
    },
    /// Not the JSON of metadata of this role.
    #[error("not TUF metadata of the role {role}")]
    Json {
        /// The role.
        role: TufRole,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A number that cannot be signed.
    #[error("metadata that cannot have been signed")]
    NotCanonical(#[from] NotCanonical),
    /// Another role's, or of a specification that is not known.
    #[error(
        "metadata of type `{kind}` by specification `{specification}`, where `{role}` by 1.0 is expected"
    )]
    Other {
        /// The role that was expected.
        role: TufRole,
        /// What it says it is.
        kind: String,
        /// By which specification.
        specification: String,
    },
    /// Two signatures of one key.
    #[error("metadata with two signatures of the key `{key}`")]
    TwoSignatures {
        /// The key.
        key: String,
    },
    /// Too few of its keys signed it.
    #[error("{count} of its keys signed it, where {threshold} are needed")]
    Threshold {
        /// How many did.
        count: usize,
        /// How many must.
        threshold: u32,
    },
}

/// Metadata of a role, with the signatures over it, of which none was checked yet.
#[derive(Debug, Clone)]
pub struct Opened<T> {
    /// What it says.
    pub says: T,
    to_be_signed: Vec<u8>,
    signatures: Vec<(String, Vec<u8>)>,
}

/// The four kinds of metadata.
pub trait Kind: DeserializeOwned {
    /// Whose it is.
    const ROLE: TufRole;
    /// What every kind has.
    fn metadata(&self) -> &Metadata;
}

/// What every kind of metadata has.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    #[serde(rename = "_type")]
    kind: String,
    spec_version: String,
    /// Its version, from 1.
    #[serde(deserialize_with = "positive")]
    pub version: u64,
    /// Until when it counts.
    pub expires: Instant,
}

/// Which keys count in each role.
#[derive(Debug, Clone, Deserialize)]
pub struct Root {
    #[serde(flatten)]
    metadata: Metadata,
    /// Are files named by version and digest?
    #[serde(default)]
    pub consistent_snapshot: bool,
    /// All keys.
    pub keys: Keyring,
    roles: Roles,
}

#[derive(Debug, Clone, Deserialize)]
struct Roles {
    root: Signers,
    targets: Signers,
    snapshot: Signers,
    timestamp: Signers,
}

/// The keys of a role, by their ids, and how many of them must sign.
#[derive(Debug, Clone, Deserialize)]
pub struct Signers {
    keyids: Vec<String>,
    #[serde(deserialize_with = "positive_count")]
    threshold: u32,
}

/// Keys by their ids; those of kinds that are not verified here count for nobody.
#[derive(Debug, Clone, Default)]
pub struct Keyring(BTreeMap<String, TufKey>);

/// That no version of the snapshot is newer.
#[derive(Debug, Clone, Deserialize)]
pub struct Timestamp {
    #[serde(flatten)]
    metadata: Metadata,
    meta: OneSnapshot,
}

#[derive(Debug, Clone, Deserialize)]
struct OneSnapshot {
    #[serde(rename = "snapshot.json")]
    snapshot: FileMeta,
}

/// The versions of targets that belong together, by the names of their files.
#[derive(Debug, Clone, Deserialize)]
pub struct Snapshot {
    #[serde(flatten)]
    metadata: Metadata,
    /// The files.
    pub meta: BTreeMap<String, FileMeta>,
}

/// A file of metadata, as the metadata above it names it.
#[derive(Debug, Clone, Deserialize)]
pub struct FileMeta {
    /// Its version.
    #[serde(deserialize_with = "positive")]
    pub version: u64,
    /// Its length, where that is said.
    pub length: Option<u64>,
    /// Its digests, where they are said.
    hashes: Option<BTreeMap<String, String>>,
}

/// The files that clients fetch, and who else names some.
#[derive(Debug, Clone, Deserialize)]
pub struct Targets {
    #[serde(flatten)]
    metadata: Metadata,
    /// The files, by their paths.
    pub targets: BTreeMap<String, TargetMeta>,
    /// Who else names files.
    pub delegations: Option<Delegations>,
}

/// A file that clients fetch.
#[derive(Debug, Clone, Deserialize)]
pub struct TargetMeta {
    /// Its length.
    pub length: u64,
    hashes: BTreeMap<String, String>,
}

/// A file with signatures.
#[derive(Deserialize)]
struct File {
    signatures: Vec<Signature>,
    signed: Value,
}

#[derive(Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

impl<T: Kind> Opened<T> {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, TufError> {
        let (role, limit) = (T::ROLE, bytes_max(T::ROLE));
        if bytes.len() > limit {
            return Err(TufError::TooLong { length: bytes.len(), limit });
        }
        let json = |source| TufError::Json { role, source };
        let File { signatures, signed } = serde_json::from_slice(bytes).map_err(json)?;
        let to_be_signed = canonical(&signed)?;
        let says: T = serde_json::from_value(signed).map_err(json)?;
        let Metadata { kind, spec_version, .. } = says.metadata();
        if kind != role.word() || !spec_version.starts_with("1.") {
            let short = |text: &String| text.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(TufError::Other { role, kind: short(kind), specification: short(spec_version) });
        }
        let mut seen = BTreeSet::new();
        let mut read = Vec::with_capacity(signatures.len());
        for Signature { keyid, sig } in signatures {
            if !seen.insert(keyid.clone()) {
                let key = keyid.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(TufError::TwoSignatures { key });
            }
            // One that is no signature counts for nobody, and spoils none of the others.
            read.push((keyid, HEXLOWER_PERMISSIVE.decode(sig.as_bytes()).unwrap_or_default()));
        }
        Ok(Self { says, to_be_signed, signatures: read })
    }

    /// Holds it to the keys that must have signed it.
    pub fn check(&self, signers: &Signers, keys: &Keyring) -> Result<(), TufError> {
        // INVARIANT: a key counts once, under however many ids it stands there.
        let mut counted = BTreeSet::new();
        for id in signers.keyids.iter().collect::<BTreeSet<_>>() {
            let signature = self.signatures.iter().find(|(by, _)| by == id);
            let (Some(key), Some((_, signature))) = (keys.0.get(id), signature) else { continue };
            if key.verify(&self.to_be_signed, signature).is_ok() {
                counted.insert(key.public_key().id());
            }
        }
        let threshold = signers.threshold;
        let enough = usize::try_from(threshold).is_ok_and(|threshold| counted.len() >= threshold);
        if enough { Ok(()) } else { Err(TufError::Threshold { count: counted.len(), threshold }) }
    }
}

impl Root {
    /// Who signs for a role.
    pub const fn signers(&self, role: TufRole) -> &Signers {
        match role {
            TufRole::Root => &self.roles.root,
            TufRole::Snapshot => &self.roles.snapshot,
            TufRole::Timestamp => &self.roles.timestamp,
            _ => &self.roles.targets,
        }
    }
}

impl Timestamp {
    /// The snapshot that counts.
    pub const fn snapshot(&self) -> &FileMeta {
        &self.meta.snapshot
    }
}

impl FileMeta {
    /// Is this the file? What is not said of it is not looked at.
    pub fn is(&self, bytes: &[u8]) -> bool {
        let long = self.length.is_none_or(|length| u64::try_from(bytes.len()) == Ok(length));
        long && self.hashes.as_ref().is_none_or(|hashes| are_digests_of(hashes, bytes))
    }
}

impl TargetMeta {
    /// Is this the file?
    pub fn is(&self, bytes: &[u8]) -> bool {
        u64::try_from(bytes.len()) == Ok(self.length) && are_digests_of(&self.hashes, bytes)
    }

    /// A digest by which it is named where snapshots are consistent: one that is known here.
    pub fn digest(&self) -> Option<&str> {
        let digest = KNOWN.iter().find_map(|hash| self.hashes.get(hash.word()))?;
        let hex = !digest.is_empty() && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then_some(digest.as_str())
    }
}

/// The digests that are looked at.
const KNOWN: [Hash; 3] = [Hash::Sha256, Hash::Sha512, Hash::Sha384];

/// INVARIANT: one digest that is known here is enough, and none is too few; every one that is known must fit.
fn are_digests_of(hashes: &BTreeMap<String, String>, bytes: &[u8]) -> bool {
    let said = KNOWN.iter().filter_map(|hash| Some((hash, hashes.get(hash.word())?)));
    let fits =
        |(hash, said): (&Hash, &String)| said.eq_ignore_ascii_case(&HEXLOWER.encode(&hash.digest(bytes)));
    let fitting: Vec<bool> = said.map(fits).collect();
    !fitting.is_empty() && fitting.into_iter().all(|fits| fits)
}

macro_rules! kinds {
    ($($kind:ty: $role:ident,)*) => {
        $(impl Kind for $kind {
            const ROLE: TufRole = TufRole::$role;

            fn metadata(&self) -> &Metadata {
                &self.metadata
            }
        })*
    };
}

kinds! {
    Root: Root,
    Targets: Targets,
    Snapshot: Snapshot,
    Timestamp: Timestamp,
}

impl<'de> Deserialize<'de> for Keyring {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = BTreeMap::<String, Wire>::deserialize(deserializer)?;
        let read = |(id, wire): (String, Wire)| TufKey::read(&wire).map(|key| (id, key));
        Ok(Self(keys.into_iter().filter_map(read).collect()))
    }
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if number > 0 { Ok(number) } else { Err(serde::de::Error::custom("a version is 1 or more")) }
}

fn positive_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    // INVARIANT: a threshold of zero is met by nobody's signature.
    if number > 0 { Ok(number) } else { Err(serde::de::Error::custom("a threshold is 1 or more")) }
}
