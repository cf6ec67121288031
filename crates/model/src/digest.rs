//! SHA-256 digests, and the tags that keep one kind of preimage from being read as another.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest as sha;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of nothing known: the predecessor of a genesis entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Takes bytes that are a digest already.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes a slice that must be 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest is 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotADigest)?;
        Self::from_slice(&bytes).ok_or(NotADigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// SHA-256 over bytes that arrive piece by piece.
#[derive(Clone)]
pub struct Hasher(sha::Context);

impl Hasher {
    /// Starts an empty hash.
    pub fn new() -> Self {
        Self(sha::Context::new(&sha::SHA256))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> Digest {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        Digest(out)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// What a preimage of ours is of. Every preimage begins with its tag, `avouch/v1/<name>\0`, so that no bytes
/// have two meanings. The list is closed; `tests/vectors/tags.json` holds one golden vector of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tag {
    /// A canonical signing request.
    Request,
    /// A leaf of a request's item tree.
    Item,
    /// The genesis of a platform: its digest is the platform id.
    Genesis,
    /// An entry of the registry: its digest is the head after it.
    Registry,
    /// The changes that an administrative request asks for.
    Changes,
    /// A key record.
    KeyRecord,
    /// One version of a signing profile.
    Profile,
    /// The policy in force.
    Policy,
    /// A commitment to a name: salt, then name.
    Name,
    /// A leaf of the key process's journal.
    Journal,
    /// The set of endorsements in an order.
    Endorsements,
    /// A timestamp order.
    TimestampOrder,
    /// A checkpoint order.
    CheckpointOrder,
    /// A certificate order.
    CertificateOrder,
    /// A TUF order.
    TufOrder,
    /// Header and claims of an ID token: what is kept of it is this digest.
    IdToken,
    /// An order for a promise of Rekor v1.
    PromiseOrder,
    /// A leaf of the audit ledger.
    Ledger,
    /// What makes two requests the same for a client that repeats itself.
    Repeat,
    /// An API key, as the server keeps it.
    ApiKey,
}

impl Tag {
    /// All tags, in the order of their golden vectors.
    pub const ALL: [Self; 20] = [
        Self::Request,
        Self::Item,
        Self::Genesis,
        Self::Registry,
        Self::Changes,
        Self::KeyRecord,
        Self::Profile,
        Self::Policy,
        Self::Name,
        Self::Journal,
        Self::Endorsements,
        Self::TimestampOrder,
        Self::CheckpointOrder,
        Self::CertificateOrder,
        Self::Ledger,
        Self::Repeat,
        Self::ApiKey,
        Self::IdToken,
        Self::PromiseOrder,
        Self::TufOrder,
    ];

    /// The bytes that a preimage begins with.
    pub const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Request => b"avouch/v1/request\0",
            Self::Item => b"avouch/v1/item\0",
            Self::Genesis => b"avouch/v1/genesis\0",
            Self::Registry => b"avouch/v1/registry\0",
            Self::Changes => b"avouch/v1/changes\0",
            Self::KeyRecord => b"avouch/v1/key-record\0",
            Self::Profile => b"avouch/v1/profile\0",
            Self::Policy => b"avouch/v1/policy\0",
            Self::Name => b"avouch/v1/name\0",
            Self::Journal => b"avouch/v1/journal\0",
            Self::Endorsements => b"avouch/v1/endorsements\0",
            Self::TimestampOrder => b"avouch/v1/timestamp-order\0",
            Self::CheckpointOrder => b"avouch/v1/checkpoint-order\0",
            Self::CertificateOrder => b"avouch/v1/certificate-order\0",
            Self::TufOrder => b"avouch/v1/tuf-order\0",
            Self::IdToken => b"avouch/v1/id-token\0",
            Self::PromiseOrder => b"avouch/v1/promise-order\0",
            Self::Ledger => b"avouch/v1/ledger\0",
            Self::Repeat => b"avouch/v1/repeat\0",
            Self::ApiKey => b"avouch/v1/api-key\0",
        }
    }

    /// Hashes the tag, then `parts` one after the other.
    pub fn digest(self, parts: &[&[u8]]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(self.prefix());
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// The bytes of a tree leaf that carries this tag.
    pub fn leaf(self, bytes: &[u8]) -> Vec<u8> {
        [self.prefix(), bytes].concat()
    }
}
