//! Descriptors: what something is, how long, and its digest.

use std::collections::BTreeMap;
use std::fmt;

use model::Digest;
use serde::{Deserialize, Deserializer, Serialize};

/// The longest digest that is read: sha512 with its name.
const DIGEST_BYTES_MAX: usize = 256;

/// A digest with the name of its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ContentDigest {
    /// SHA-256, which all that is pushed is named by.
    Sha256(Digest),
    /// Another one, which nothing is verified by here.
    Other(String),
}

/// Something in a repository, as others name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of thing it is.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// Which it is.
    pub digest: ContentDigest,
    /// What it is, where that is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_none")]
    pub annotations: BTreeMap<String, String>,
    /// All else, such as its platform: kept, because a list may be written again with it in it.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// Some writers say `null` where there is nothing.
pub(super) fn or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl ContentDigest {
    /// The SHA-256, where it is one.
    pub const fn sha256(&self) -> Option<&Digest> {
        match self {
            Self::Sha256(digest) => Some(digest),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => write!(f, "sha256:{digest}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<ContentDigest> for String {
    fn from(digest: ContentDigest) -> Self {
        digest.to_string()
    }
}

/// A text that is no digest.
#[derive(Debug, thiserror::Error)]
#[error("a digest is the name of its algorithm, a colon and its encoding")]
pub struct NotADigest;

impl TryFrom<String> for ContentDigest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        let (algorithm, encoded) = text.split_once(':').ok_or(NotADigest)?;
        if algorithm == "sha256" {
            return encoded.parse().map(Self::Sha256).map_err(|_| NotADigest);
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+._-".contains(&byte);
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte);
        let stands = !algorithm.is_empty() && !encoded.is_empty() && text.len() <= DIGEST_BYTES_MAX;
        if stands && algorithm.bytes().all(is_name) && encoded.bytes().all(is_code) {
            return Ok(Self::Other(text));
        }
        Err(NotADigest)
    }
}

impl Descriptor {
    /// Names bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            size: u64::try_from(bytes.len()).expect("a length fits into 64 bits"),
            digest: ContentDigest::Sha256(Digest::of(bytes)),
            artifact_type: None,
            annotations: BTreeMap::new(),
            other: BTreeMap::new(),
        }
    }

    /// The platform that an image of an index is for: `linux/arm64/v8`.
    pub fn platform(&self) -> Option<String> {
        let platform = self.other.get("platform")?;
        let parts = ["os", "architecture", "variant"].map(|field| platform.get(field)?.as_str());
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("/").chars().filter(|c| !c.is_control()).take(64).collect())
    }
}
