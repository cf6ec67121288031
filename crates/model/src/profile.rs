//! Signing profiles: what a user names when signing.

use serde::{Deserialize, Serialize};

use crate::{Class, Digest, Form, Space, Tag, to_canonical};

/// One version of a signing profile. Versions are immutable and addressed by their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, with the space it lives in.
    pub name: Space,
    /// The decision that its signatures support.
    pub class: Class,
    /// One key for each form that it writes.
    pub keys: Vec<ProfileKey>,
    /// Does every signature get a timestamp token?
    pub timestamp: Timestamping,
    /// Does every signature get a log entry?
    pub log: Logging,
}

/// A key of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileKey {
    /// What it signs.
    pub form: Form,
    /// Its name; its active generation signs.
    pub key: Space,
}

/// Does a signature get a timestamp token?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamping {
    /// One, from the platform's own authority.
    Rfc3161,
    /// None.
    None,
}

/// Does a signature get a log entry?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Logging {
    /// One, in the platform's transparency log.
    Transparency,
    /// None; the receipt says so.
    None,
}

impl Profile {
    /// The digest that addresses this version.
    pub fn digest(&self) -> Digest {
        Tag::Profile.digest(&[&to_canonical(self)])
    }
}
