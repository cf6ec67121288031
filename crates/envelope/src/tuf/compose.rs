//! Metadata of a platform's own repository: composed by the key process, and by whoever looks at what it signed.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use model::layout::{LayoutError, Reader, Writer};
use model::{Digest, Instant, PublicKey, TufRole};
use serde_json::{Map, Value, json};

use super::canonical::{canonical, file};
use super::{SPECIFICATION, key};
use crate::ToBeSigned;

/// The longest name of a file that clients fetch.
pub const FILE_NAME_BYTES_MAX: usize = 64;

/// The keys of each role.
pub type RoleKeys = BTreeMap<TufRole, Vec<PublicKey>>;

/// One version of a role's metadata, before it is signed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMetadata {
    role: TufRole,
    version: u64,
    expires: Instant,
    signed: Value,
}

/// A file of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its version.
    pub version: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file of metadata, as the metadata above it names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Its version.
    pub version: u64,
    /// How many bytes it has.
    pub length: u64,
    /// Their digest.
    pub digest: Digest,
}

impl Named {
    /// Writes it, where the key process keeps or tells it.
    pub fn put(&self, writer: &mut Writer) {
        writer.long(self.version).long(self.length).digest(&self.digest);
    }

    /// Reads what [`Self::put`] wrote.
    pub fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        Ok(Self {
            version: reader.long("names.version")?,
            length: reader.long("names.length")?,
            digest: reader.digest("names.digest")?,
        })
    }
}

/// The id by which metadata names a key of ours.
pub fn key_id(key: &PublicKey) -> String {
    Digest::of(&spelled(&key_object(key))).to_string()
}

/// May a file have this name? It is a part of an address and of paths, on every mirror.
pub fn is_file_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=FILE_NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

impl NewMetadata {
    /// Which keys count in each role.
    pub fn root(version: u64, expires: Instant, keys: &RoleKeys) -> Self {
        let all = keys.values().flatten().map(|key| (key_id(key), key_object(key)));
        let all: Map<String, Value> = all.collect();
        let of = |keys: &Vec<PublicKey>| keys.iter().map(key_id).collect::<Vec<_>>();
        let roles = keys
            .iter()
            .map(|(role, keys)| (role.word().to_owned(), json!({ "keyids": of(keys), "threshold": 1 })));
        let roles: Map<String, Value> = roles.collect();
        let own = json!({ "consistent_snapshot": true, "keys": all, "roles": roles });
        Self::new(TufRole::Root, version, expires, own)
    }

    /// The files that clients fetch, by their names.
    pub fn targets<'a>(
        version: u64,
        expires: Instant,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Self {
        let files: Map<String, Value> =
            files.into_iter().map(|(name, bytes)| (name.to_owned(), measured(bytes))).collect();
        Self::new(TufRole::Targets, version, expires, json!({ "targets": files }))
    }

    /// The version of the targets that counts.
    pub fn snapshot(version: u64, expires: Instant, targets: &Named) -> Self {
        Self::new(
            TufRole::Snapshot,
            version,
            expires,
            json!({ "meta": { "targets.json": targets.object() } }),
        )
    }

    /// The version of the snapshot that counts.
    pub fn timestamp(version: u64, expires: Instant, snapshot: &Named) -> Self {
        let own = json!({ "meta": { "snapshot.json": snapshot.object() } });
        Self::new(TufRole::Timestamp, version, expires, own)
    }

    fn new(role: TufRole, version: u64, expires: Instant, own: Value) -> Self {
        let expires = expires.whole_second();
        let mut signed = json!({
            "_type": role.word(),
            "expires": expires,
            "spec_version": SPECIFICATION,
            "version": version,
        });
        if let (Value::Object(signed), Value::Object(own)) = (&mut signed, own) {
            signed.extend(own);
        }
        Self { role, version, expires, signed }
    }

    /// Whose it is.
    pub const fn role(&self) -> TufRole {
        self.role
    }

    /// Its version.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Until when it counts.
    pub const fn expires(&self) -> Instant {
        self.expires
    }

    /// What each key signs.
    pub fn to_be_signed(&self) -> ToBeSigned {
        ToBeSigned::Message(spelled(&self.signed))
    }

    /// The file: with these signatures, in the order of the keys' ids.
    pub fn seal<'a>(&self, signatures: impl IntoIterator<Item = (&'a PublicKey, &'a [u8])>) -> Sealed {
        let by_id: BTreeMap<String, &[u8]> =
            signatures.into_iter().map(|(key, signature)| (key_id(key), signature)).collect();
        let signatures: Vec<Value> = by_id
            .iter()
            .map(|(key, signature)| json!({ "keyid": key, "sig": HEXLOWER.encode(signature) }))
            .collect();
        let whole = json!({ "signatures": signatures, "signed": self.signed });
        let bytes = file(&whole).expect("what is composed here holds whole numbers alone");
        Sealed { version: self.version, bytes }
    }
}

impl Sealed {
    /// How the metadata above it names it.
    pub fn named(&self) -> Named {
        let Self { version, bytes } = self;
        Named { version: *version, length: length(bytes), digest: Digest::of(bytes) }
    }
}

impl Named {
    fn object(&self) -> Value {
        json!({ "hashes": { "sha256": self.digest }, "length": self.length, "version": self.version })
    }
}

fn measured(bytes: &[u8]) -> Value {
    json!({ "hashes": { "sha256": Digest::of(bytes) }, "length": length(bytes) })
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn key_object(key: &PublicKey) -> Value {
    json!({
        "keytype": "ecdsa",
        "keyval": { "public": key::to_pem(key) },
        "scheme": "ecdsa-sha2-nistp256",
    })
}

fn spelled(value: &Value) -> Vec<u8> {
    canonical(value).expect("what is composed here holds whole numbers alone")
}
