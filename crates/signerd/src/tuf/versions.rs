//! What was signed of the TUF metadata: every root, and of the other roles the version that stands.

use std::collections::BTreeMap;

use envelope::tuf::{Named, NewMetadata, Sealed};
use model::journal::{Intent, Leaf, LeafError};
use model::layout::{LayoutError, Reader, Writer};
use model::{Instant, KeyId, TufRole, limits};
use quorum::Registry;
use signer::TufVersion;

use crate::intended::Prepared;

/// More than there ever are.
const VERSIONS_MAX: usize = 1 << 16;

/// The keys of one role.
const KEYS_MAX: usize = 16;

/// The versions, by role and number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions(BTreeMap<(TufRole, u64), Signings>);

/// A version of a role's metadata: with the registry, all that it is composed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) role: TufRole,
    pub(crate) version: u64,
    pub(crate) expires: Instant,
    /// The file below, of what renews alone.
    pub(crate) names: Option<Named>,
}

/// A version with those who signed it.
#[derive(Debug, Clone)]
struct Signings {
    version: Version,
    by: BTreeMap<KeyId, Signing>,
}

/// One key's signature, or that it was about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    pub(crate) intent: Intent,
    pub(crate) signature: Option<Vec<u8>>,
}

impl Signing {
    pub(crate) fn kept(&self) -> Option<Prepared> {
        Some(Prepared::Kept(self.intent.clone(), self.signature.clone()?))
    }
}

impl Versions {
    /// What a key signed of a version.
    pub(crate) fn signing(&self, role: TufRole, version: u64, key: &KeyId) -> Option<&Signing> {
        self.0.get(&(role, version))?.by.get(key)
    }

    /// The newest version of a role.
    pub(crate) fn newest(&self, role: TufRole) -> Option<&Version> {
        self.last(role).map(|signings| &signings.version)
    }

    /// The file of the newest version of a role, and until when it counts; `None` until all have signed who must.
    pub(crate) fn sealed(&self, registry: &Registry, role: TufRole) -> Option<(Sealed, Instant)> {
        let Signings { version, by } = self.last(role)?;
        let metadata =
            registry.tuf_metadata(role, version.version, version.expires, version.names.as_ref())?;
        let sealed = registry.tuf_seal(&metadata, &signatures(by))?;
        Some((sealed, metadata.expires()))
    }

    fn last(&self, role: TufRole) -> Option<&Signings> {
        self.0.range((role, 0)..=(role, u64::MAX)).next_back().map(|(_, signings)| signings)
    }

    /// A key is about to sign a version. Clients fetch every root, and of the rest what stands.
    pub(crate) fn begin(&mut self, version: &Version, intent: &Intent) {
        let Version { role, version: number, .. } = *version;
        if role != TufRole::Root {
            self.0.retain(|(of, known), _| *of != role || *known >= number);
        }
        let signings = self
            .0
            .entry((role, number))
            .or_insert_with(|| Signings { version: *version, by: BTreeMap::new() });
        signings.by.insert(intent.key, Signing { intent: intent.clone(), signature: None });
    }

    /// A signature was made under the intent at this index. The first of two is the one that there is.
    pub(crate) fn finish(&mut self, intent: u64, signature: &[u8]) {
        let mut all = self.0.values_mut().flat_map(|signings| signings.by.values_mut());
        if let Some(signing) = all.find(|signing| signing.intent.sequence == intent) {
            signing.signature.get_or_insert_with(|| signature.to_vec());
        }
    }

    /// All intents, with what was signed under them.
    pub(crate) fn signings(&self) -> impl Iterator<Item = &Signing> {
        self.0.values().flat_map(|signings| signings.by.values())
    }

    /// What is told of it.
    pub(crate) fn told(&self) -> Vec<TufVersion> {
        let told = |Signings { version, by }: &Signings| TufVersion {
            role: version.role,
            version: version.version,
            expires: version.expires,
            names: version.names,
            signatures: signatures(by),
        };
        self.0.values().map(told).collect()
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        writer.count(self.0.len());
        for Signings { version, by } in self.0.values() {
            version.put(writer);
            writer.count(by.len());
            for Signing { intent, signature } in by.values() {
                writer.bytes(&Leaf::Intent(intent.clone()).encode());
                writer.option(signature.as_ref(), |writer, signature| {
                    writer.bytes(signature);
                });
            }
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LeafError> {
        let versions = reader.list("TUF versions", VERSIONS_MAX, |reader| {
            let version = Version::take(reader)?;
            let by = reader.list("TUF signings", KEYS_MAX, take_signing)?;
            let by = by.into_iter().map(|signing| (signing.intent.key, signing)).collect();
            Ok::<_, LeafError>(((version.role, version.version), Signings { version, by }))
        })?;
        Ok(Self(versions.into_iter().collect()))
    }
}

impl Version {
    /// That of metadata which the registry says.
    pub(crate) const fn of(metadata: &NewMetadata) -> Self {
        Self { role: metadata.role(), version: metadata.version(), expires: metadata.expires(), names: None }
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        let Self { role, version, expires, names } = self;
        writer.bytes(role.word().as_bytes()).long(*version).long(expires.nanoseconds());
        writer.option(names.as_ref(), |writer, named| named.put(writer));
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let field = "role";
        let role = reader.text(field, limits::NAME_BYTES_MAX)?;
        Ok(Self {
            role: role.parse().map_err(|_| LayoutError::Value { field })?,
            version: reader.long("version")?,
            expires: Instant::from_nanoseconds(reader.long("expires")?),
            names: reader.option("names", Named::take)?,
        })
    }
}

fn take_signing(reader: &mut Reader<'_>) -> Result<Signing, LeafError> {
    let Leaf::Intent(intent) = Leaf::decode(reader.bytes("intent", 4 * 1024)?)? else {
        return Err(LayoutError::Value { field: "intent" }.into());
    };
    let signature = reader.option("signature", |reader| {
        reader.bytes("signature", limits::SIGNATURE_BYTES_MAX).map(<[u8]>::to_vec)
    })?;
    Ok(Signing { intent, signature })
}

fn signatures(by: &BTreeMap<KeyId, Signing>) -> Vec<(KeyId, Vec<u8>)> {
    by.iter().filter_map(|(key, signing)| Some((*key, signing.signature.clone()?))).collect()
}
