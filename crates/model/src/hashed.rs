//! Bytes that are elsewhere, by their digests; several digests of one run of bytes.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest as sha;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, Hash, Hasher};

/// A SHA-384 digest, written as 96 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest384([u8; 48]);

impl Digest384 {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_slice(sha::digest(&sha::SHA384, bytes).as_ref()).expect("SHA-384 gives 48 bytes")
    }

    /// Takes a slice that must be 48 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 48 bytes.
    pub const fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }
}

impl fmt::Display for Digest384 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest384 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a SHA-384 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-384 digest is 96 lower-case hexadecimal digits")]
pub struct NotADigest384;

impl FromStr for Digest384 {
    type Err = NotADigest384;

    fn from_str(text: &str) -> Result<Self, NotADigest384> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotADigest384)?;
        Self::from_slice(&bytes).ok_or(NotADigest384)
    }
}

impl Serialize for Digest384 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest384 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Bytes that are elsewhere, by the digest that a key signs instead of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hashed {
    /// Their SHA-256.
    Sha256(Digest),
    /// Their SHA-384.
    Sha384(Digest384),
}

impl Hashed {
    /// A digest that is as long as its hash makes it; `None` for hashes that no key signs with here.
    pub fn from_slice(hash: Hash, digest: &[u8]) -> Option<Self> {
        match hash {
            Hash::Sha256 => Digest::from_slice(digest).map(Self::Sha256),
            Hash::Sha384 => Digest384::from_slice(digest).map(Self::Sha384),
            Hash::Sha512 => None,
        }
    }

    /// The hash.
    pub const fn hash(&self) -> Hash {
        match self {
            Self::Sha256(_) => Hash::Sha256,
            Self::Sha384(_) => Hash::Sha384,
        }
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(digest) => digest.as_bytes(),
            Self::Sha384(digest) => digest.as_bytes(),
        }
    }
}

/// The digests of one run of bytes: always its SHA-256, by which a file is known, and those of other hashes where
/// they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    sha256: Digest,
    others: Vec<(Hash, Vec<u8>)>,
}

impl Digests {
    /// Hashes `bytes` with SHA-256 and these.
    pub fn of(bytes: &[u8], others: &[Hash]) -> Self {
        let mut hashing = Hashing::new(others);
        hashing.update(bytes);
        hashing.finish()
    }

    /// The SHA-256.
    pub const fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The SHA-384, if it was asked for.
    pub fn sha384(&self) -> Option<Digest384> {
        self.digest(Hash::Sha384).and_then(Digest384::from_slice)
    }

    /// The digest under any hash, if it was asked for.
    pub fn digest(&self, hash: Hash) -> Option<&[u8]> {
        if hash == Hash::Sha256 {
            return Some(self.sha256.as_bytes());
        }
        self.others.iter().find(|(known, _)| *known == hash).map(|(_, digest)| digest.as_slice())
    }
}

/// Bytes of which nothing but the SHA-256 is known.
impl From<Digest> for Digests {
    fn from(sha256: Digest) -> Self {
        Self { sha256, others: Vec::new() }
    }
}

/// Several hashes over bytes that arrive piece by piece and are read once.
#[derive(Clone)]
pub struct Hashing {
    sha256: Hasher,
    others: Vec<(Hash, sha::Context)>,
}

impl Hashing {
    /// Starts SHA-256 and these.
    pub fn new(others: &[Hash]) -> Self {
        let others = Hash::ALL.into_iter().filter(|hash| *hash != Hash::Sha256 && others.contains(hash));
        Self {
            sha256: Hasher::new(),
            others: others.map(|hash| (hash, sha::Context::new(hash.algorithm()))).collect(),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.others.iter_mut().for_each(|(_, context)| context.update(bytes));
    }

    /// The digests of all that was added.
    pub fn finish(self) -> Digests {
        let others =
            self.others.into_iter().map(|(hash, context)| (hash, context.finish().as_ref().to_vec()));
        Digests { sha256: self.sha256.finish(), others: others.collect() }
    }
}
