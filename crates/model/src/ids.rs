//! Newtypes for everything that is named: one prefix each, so that an id is never mistaken for another.

use std::fmt;
use std::str::FromStr;

use data_encoding::{Encoding, HEXLOWER, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::LazyLock;

use crate::Digest;

/// Why a text is not an id, a name or a space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// An id of another kind, or none.
    #[error("`{text}` is not an id of the form `{prefix}…`")]
    NotAnId {
        /// What was given.
        text: String,
        /// How such an id begins.
        prefix: &'static str,
    },
    /// Not a path of names.
    #[error(
        "`{text}` is not a name: use 1 to 8 parts joined by `/`, each of 1 to 63 characters from a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"
    )]
    NotAName {
        /// What was given.
        text: String,
    },
}

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("thirty-two distinct symbols are a base32 alphabet")
});

macro_rules! text_serde {
    ($name:ident) => {
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Names something new by 16 random bytes, which the caller brings.
            pub const fn new(random: [u8; 16]) -> Self {
                Self(random)
            }

            /// The sixteen bytes, as frames and journal leaves hold them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, BASE32.encode(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| BASE32.decode(rest.as_bytes()).ok())
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| IdError::NotAnId { text: text.to_owned(), prefix: $prefix })
            }
        }

        text_serde!($name);
    };
}

random_id!(
    /// A signing or administrative request.
    RequestId,
    "req_"
);
random_id!(
    /// Somebody or something that acts.
    PrincipalId,
    "prn_"
);
random_id!(
    /// A person, who may hold several principals and still counts once.
    PersonId,
    "per_"
);

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Digest);

        impl $name {
            /// The id that a digest gives.
            pub const fn new(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest behind the id.
            pub const fn digest(&self) -> &Digest {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, HEXLOWER.encode(self.0.as_bytes()))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.parse().ok())
                    .map(Self)
                    .ok_or_else(|| IdError::NotAnId { text: text.to_owned(), prefix: $prefix })
            }
        }

        text_serde!($name);
    };
}

digest_id!(
    /// A platform: the digest of its genesis.
    PlatformId,
    "plt_"
);
digest_id!(
    /// One generation of a key: the digest of its SubjectPublicKeyInfo.
    KeyId,
    "key_"
);

/// A name or a space: a path such as `payments/api`. Grants are on prefixes of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Space(String);

impl Space {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this path `prefix`, or below it?
    pub fn is_within(&self, prefix: &Self) -> bool {
        self.0.strip_prefix(&prefix.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Space {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let good_part = |part: &str| {
            part.len() <= 63
                && part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
        };
        if text.split('/').count() <= 8 && text.split('/').all(good_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::NotAName { text: text.chars().take(120).collect() })
        }
    }
}

text_serde!(Space);
