//! Bytes that are elsewhere, by their digests; several digests of one run of bytes.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::Running;
use crate::{Digest, Hash, HashState, Hasher};

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident, $hash:expr, $bytes:literal, $digits:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct $name([u8; $bytes]);

            impl $name {
                /// Hashes `bytes`.
                pub fn of(bytes: &[u8]) -> Self {
                    Self::from_slice(&$hash.digest(bytes)).expect("a hash gives as many bytes as it has")
                }

                /// Takes a slice that must be as long as the hash makes it.
                pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                    bytes.try_into().ok().map(Self)
                }

                /// The bytes.
                pub const fn as_bytes(&self) -> &[u8; $bytes] {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&HEXLOWER.encode(&self.0))
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }

            impl FromStr for $name {
                type Err = NotALongDigest;

                fn from_str(text: &str) -> Result<Self, NotALongDigest> {
                    let not = NotALongDigest { hash: $hash, digits: $digits };
                    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| not)?;
                    Self::from_slice(&bytes).ok_or(not)
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
        )*
    };
}

digests! {
    /// A SHA-384 digest, written as 96 lower-case hexadecimal digits.
    Digest384, Hash::Sha384, 48, 96;
    /// A SHA-512 digest, written as 128 lower-case hexadecimal digits.
    Digest512, Hash::Sha512, 64, 128;
    /// A BLAKE2b digest of 64 bytes, written as 128 lower-case hexadecimal digits.
    DigestBlake2b, Hash::Blake2b512, 64, 128;
}

/// Why a text is not such a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {hash} digest is {digits} lower-case hexadecimal digits")]
pub struct NotALongDigest {
    hash: Hash,
    digits: usize,
}

/// Bytes that are elsewhere, by the digest that a key signs instead of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hashed {
    /// Their SHA-256.
    Sha256(Digest),
    /// Their SHA-384.
    Sha384(Digest384),
    /// Their SHA-512.
    Sha512(Digest512),
    /// Their BLAKE2b.
    Blake2b512(DigestBlake2b),
}

impl Hashed {
    /// A digest that is as long as its hash makes it.
    pub fn from_slice(hash: Hash, digest: &[u8]) -> Option<Self> {
        match hash {
            Hash::Sha256 => Digest::from_slice(digest).map(Self::Sha256),
            Hash::Sha384 => Digest384::from_slice(digest).map(Self::Sha384),
            Hash::Sha512 => Digest512::from_slice(digest).map(Self::Sha512),
            Hash::Blake2b512 => DigestBlake2b::from_slice(digest).map(Self::Blake2b512),
        }
    }

    /// The hash.
    pub const fn hash(&self) -> Hash {
        match self {
            Self::Sha256(_) => Hash::Sha256,
            Self::Sha384(_) => Hash::Sha384,
            Self::Sha512(_) => Hash::Sha512,
            Self::Blake2b512(_) => Hash::Blake2b512,
        }
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(digest) => digest.as_bytes(),
            Self::Sha384(digest) => digest.as_bytes(),
            Self::Sha512(digest) => digest.as_bytes(),
            Self::Blake2b512(digest) => digest.as_bytes(),
        }
    }
}

/// The digests of one run of bytes: always its SHA-256, by which a file is known, and those of other hashes where
/// they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    sha256: Digest,
    others: Vec<(Hash, Vec<u8>)>,
    text: Option<Box<Digests>>,
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

    /// With those of the same bytes as a text whose lines end alike, as forms have it that sign texts.
    pub fn with_text(self, text: Self) -> Self {
        Self { text: Some(Box::new(text)), ..self }
    }

    /// Those of the bytes as a text, if they were asked for.
    pub fn text(&self) -> Option<&Self> {
        self.text.as_deref()
    }

    /// The bytes by their digest under any hash, if it was asked for.
    pub fn hashed(&self, hash: Hash) -> Option<Hashed> {
        self.digest(hash).and_then(|digest| Hashed::from_slice(hash, digest))
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
        Self { sha256, others: Vec::new(), text: None }
    }
}

/// Several hashes over bytes that arrive piece by piece and are read once.
#[derive(Clone)]
pub struct Hashing {
    // INVARIANT: absent only where its state is among those that can go on.
    sha256: Option<Hasher>,
    others: Vec<(Hash, Running)>,
    states: Vec<HashState>,
}

impl Hashing {
    /// Starts SHA-256 and these.
    pub fn new(others: &[Hash]) -> Self {
        Self::with_states(others, &[])
    }

    /// Starts SHA-256 and these, and those of `states` so that they can go on.
    pub fn with_states(others: &[Hash], states: &[Hash]) -> Self {
        let states: Vec<HashState> =
            Hash::ALL.into_iter().filter(|hash| states.contains(hash)).filter_map(HashState::new).collect();
        let is_resumable = states.iter().any(|state| state.hash() == Hash::Sha256);
        let is_new = |hash: &Hash| !states.iter().any(|state: &HashState| state.hash() == *hash);
        let others = Hash::ALL.into_iter().filter(|hash| *hash != Hash::Sha256 && others.contains(hash));
        let others = others.filter(is_new).map(|hash| (hash, Running::new(hash))).collect();
        Self {
            // No byte is hashed twice.
            sha256: (!is_resumable).then(Hasher::new),
            states,
            others,
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.iter_mut().for_each(|hasher| hasher.update(bytes));
        self.others.iter_mut().for_each(|(_, running)| running.update(bytes));
        self.states.iter_mut().for_each(|state| state.update(bytes));
    }

    /// The states after all that was added, of the hashes that can go on.
    pub fn states(&self) -> &[HashState] {
        &self.states
    }

    /// A digest of all that was added and of a trailer behind it; `None` of a hash that was not asked for.
    pub fn finish_with(&self, hash: Hash, trailer: &[u8]) -> Option<Vec<u8>> {
        if let Some(state) = self.states.iter().find(|state| state.hash() == hash) {
            return Some(state.finish(trailer).as_bytes().to_vec());
        }
        if hash == Hash::Sha256 {
            let mut hasher = self.sha256.clone()?;
            hasher.update(trailer);
            return Some(hasher.finish().as_bytes().to_vec());
        }
        let (_, running) = self.others.iter().find(|(known, _)| *known == hash)?;
        let mut running = running.clone();
        running.update(trailer);
        Some(running.finish())
    }

    /// The digests of all that was added.
    pub fn finish(self) -> Digests {
        let mut sha256 = self.sha256.map(Hasher::finish);
        let others = self.others.into_iter().map(|(hash, running)| (hash, running.finish()));
        let mut others: Vec<(Hash, Vec<u8>)> = others.collect();
        for state in &self.states {
            match state.finish(&[]) {
                Hashed::Sha256(digest) => sha256 = Some(digest),
                other => others.push((other.hash(), other.as_bytes().to_vec())),
            }
        }
        let sha256 = sha256.expect("SHA-256 is absent only where its state is among those that can go on");
        Digests { sha256, others, text: None }
    }
}
