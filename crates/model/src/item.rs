//! Items: the things to be signed in one request, and the tree that binds them to it.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::request::ItemTree;
use crate::{
    Base64, CanonicalError, Carried, Digest, Digest384, Digest512, DigestBlake2b, Form, Hash, HashState,
    Hashed, Hex16, SignatureOf, Space, Tag, from_canonical, limits, merkle, to_canonical,
};

/// One thing to be signed. Its canonical JSON is a leaf of the request's item tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its place in the request, from 0.
    pub index: u32,
    /// Sixteen random bytes, so that a leaf's hash does not give an unreleased name away.
    pub salt: Hex16,
    /// The file's name, as whoever prepared it calls it.
    pub name: String,
    /// Where the signature will live: the name of a format.
    pub format: Space,
    /// Which bytes will be signed.
    pub form: Form,
    /// What the form needs besides the content.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The key that is to sign.
    pub key: ItemKey,
    /// What will be signed.
    pub content: Content,
    /// What whoever prepared the item says of the whole file.
    pub file: FileClaim,
}

/// What a form needs besides the content. Whoever endorses an item sees them, and endorses them with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The namespace of an SSHSIG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The payload type of a DSSE envelope.
    #[serde(default, rename = "payloadType", skip_serializing_if = "Option::is_none")]
    pub payload_type: Option<String>,
    /// What a minisign signature says in words, in its second signature.
    #[serde(default, rename = "trustedComment", skip_serializing_if = "Option::is_none")]
    pub trusted_comment: Option<String>,
    /// What an OpenPGP signature says that it is of.
    #[serde(default, rename = "signatureOf", skip_serializing_if = "Option::is_none")]
    pub signature_of: Option<SignatureOf>,
}

impl Parameters {
    /// Is there none?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A key, down to the record that says what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemKey {
    /// Its name, with the space it lives in.
    pub name: Space,
    /// Which of the keys under that name.
    pub generation: u32,
    /// The digest of its record in the registry. A record that changed voids the request.
    pub record: Digest,
}

/// What is signed: the bytes themselves, or their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Content {
    /// The SHA-256 and the length of the bytes.
    Sha256 {
        /// Their digest.
        digest: Digest,
        /// How many there are.
        length: u64,
    },
    /// The SHA-384 and the length of the bytes, for keys that hash with it.
    Sha384 {
        /// Their digest.
        digest: Digest384,
        /// How many there are.
        length: u64,
    },
    /// The SHA-512 and the length of the bytes, for forms that hash them with it before they sign.
    Sha512 {
        /// Their digest.
        digest: Digest512,
        /// How many there are.
        length: u64,
    },
    /// The BLAKE2b and the length of the bytes, for minisign.
    Blake2b512 {
        /// Their digest.
        digest: DigestBlake2b,
        /// How many there are.
        length: u64,
    },
    /// A hash of the bytes that can go on: for forms that put words of their own behind them, and sign the hash of all.
    State(HashState),
    /// The bytes.
    Inline {
        /// In base64.
        bytes: Base64,
    },
}

impl From<(Hashed, u64)> for Content {
    /// Bytes that are elsewhere, by their digest and their length.
    fn from((hashed, length): (Hashed, u64)) -> Self {
        match hashed {
            Hashed::Sha256(digest) => Self::Sha256 { digest, length },
            Hashed::Sha384(digest) => Self::Sha384 { digest, length },
            Hashed::Sha512(digest) => Self::Sha512 { digest, length },
            Hashed::Blake2b512(digest) => Self::Blake2b512 { digest, length },
        }
    }
}

impl Content {
    /// What of the content this is.
    pub const fn carried(&self) -> Carried {
        match (self, self.hashed()) {
            (Self::State(state), _) => Carried::State(state.hash()),
            (_, Some(hashed)) => Carried::Digest(hashed.hash()),
            (_, None) => Carried::Inline,
        }
    }

    /// The digest of bytes that are elsewhere, which keys sign in their place; `None` where they are here, or can go on.
    pub const fn hashed(&self) -> Option<Hashed> {
        match self {
            Self::Sha256 { digest, .. } => Some(Hashed::Sha256(*digest)),
            Self::Sha384 { digest, .. } => Some(Hashed::Sha384(*digest)),
            Self::Sha512 { digest, .. } => Some(Hashed::Sha512(*digest)),
            Self::Blake2b512 { digest, .. } => Some(Hashed::Blake2b512(*digest)),
            Self::State(_) | Self::Inline { .. } => None,
        }
    }

    /// The digest of the content under this hash; `None` where the item holds only that of another one.
    pub fn digest(&self, hash: Hash) -> Option<Vec<u8>> {
        match self {
            Self::Inline { bytes } => Some(hash.digest(&bytes.0)),
            _ => {
                self.hashed().filter(|hashed| hashed.hash() == hash).map(|hashed| hashed.as_bytes().to_vec())
            }
        }
    }

    /// A digest by which the content is compared with a file.
    pub fn known_by(&self) -> Hashed {
        match self {
            Self::State(state) => state.finish(&[]),
            Self::Inline { bytes } => Hashed::Sha256(Digest::of(&bytes.0)),
            _ => self.hashed().expect("what is neither of these is a digest"),
        }
    }

    /// How long the content is, in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Sha256 { length, .. }
            | Self::Sha384 { length, .. }
            | Self::Sha512 { length, .. }
            | Self::Blake2b512 { length, .. } => *length,
            Self::State(state) => state.length(),
            Self::Inline { bytes } => u64::try_from(bytes.0.len()).expect("a length fits into 64 bits"),
        }
    }
}

/// What whoever prepared an item says of the whole file: a claim, until somebody recomputes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileClaim {
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// Integers in canonical JSON stay within 2^53.
const INTEGER_MAX: u64 = 1 << 53;

impl Item {
    /// Reads an item's canonical JSON and holds it to its limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, ItemError> {
        let item: Self = from_canonical(bytes, limits::ITEM_BYTES_MAX)?;
        let bad = |field| Err(ItemError::OutOfBounds { field });
        if item.name.is_empty()
            || item.name.len() > limits::NAME_BYTES_MAX
            || item.name.contains(char::is_control)
        {
            return bad("name");
        }
        if item.file.size > INTEGER_MAX {
            return bad("file.size");
        }
        for (field, text) in [
            ("parameters.namespace", &item.parameters.namespace),
            ("parameters.payloadType", &item.parameters.payload_type),
        ] {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > limits::NAME_BYTES_MAX) {
                return bad(field);
            }
        }
        if item.parameters.trusted_comment.as_ref().is_some_and(|text| !is_comment(text)) {
            return bad("parameters.trustedComment");
        }
        match &item.content {
            Content::Inline { bytes } if bytes.0.len() > item.form.inline_bytes_max() => bad("content.bytes"),
            content if content.length() > INTEGER_MAX => bad("content.length"),
            _ => Ok(item),
        }
    }

    /// The canonical JSON.
    pub fn encode(&self) -> Vec<u8> {
        to_canonical(self)
    }
}

/// One line, of which readers lose nothing: they cut line breaks off, and show tabs.
fn is_comment(text: &str) -> bool {
    (1..=limits::TEXT_BYTES_MAX).contains(&text.len()) && text.chars().all(|c| c == '\t' || !c.is_control())
}

/// Why bytes are not an item, or not an item of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// Not the canonical JSON of an item.
    #[error("not an item")]
    NotCanonical(#[from] CanonicalError),
    /// A field outside its limits.
    #[error("the item's `{field}` is empty, too long or too large")]
    OutOfBounds {
        /// Which.
        field: &'static str,
    },
    /// None, or more than a request may have.
    #[error("{count} items, where a request has 1 to {}", limits::ITEMS_MAX)]
    Count {
        /// How many there are.
        count: usize,
    },
    /// An item that says it stands elsewhere.
    #[error("the item at place {place} says that its index is {index}")]
    Misplaced {
        /// Where it stands.
        place: usize,
        /// Where it says it stands.
        index: u32,
    },
    /// An item that does not stand in the request's tree, at the index that it names.
    #[error("item {index} does not stand in the request's item tree")]
    NotRequested {
        /// The index that it names.
        index: u32,
    },
}

/// All items of a request, with the tree over them.
#[derive(Debug, Clone)]
pub struct Items {
    items: Vec<(Vec<u8>, Item)>,
    leaves: Vec<Digest>,
}

impl Items {
    /// Reads items that come as canonical JSON, in their order.
    pub fn parse(encoded: Vec<Vec<u8>>) -> Result<Self, ItemError> {
        if encoded.is_empty() || encoded.len() > limits::ITEMS_MAX {
            return Err(ItemError::Count { count: encoded.len() });
        }
        let mut items = Vec::with_capacity(encoded.len());
        for (place, bytes) in encoded.into_iter().enumerate() {
            let item = Item::parse(&bytes)?;
            if usize::try_from(item.index) != Ok(place) {
                return Err(ItemError::Misplaced { place, index: item.index });
            }
            items.push((bytes, item));
        }
        let leaves = items.iter().map(|(bytes, _)| Self::leaf(bytes)).collect();
        Ok(Self { items, leaves })
    }

    /// The leaf hash of an item's canonical JSON.
    pub fn leaf(encoded: &[u8]) -> Digest {
        merkle::leaf_hash(&Tag::Item.leaf(encoded))
    }

    /// Root and count, as the request names them.
    pub fn tree(&self) -> ItemTree {
        let count = u32::try_from(self.items.len()).expect("at most ITEMS_MAX items were accepted");
        ItemTree { root: merkle::root(&self.leaves), count }
    }

    /// The items in their order: the bytes received, and what they say.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Item)> {
        self.items.iter().map(|(bytes, item)| (bytes.as_slice(), item))
    }

    /// The inclusion path of the item at `index`; `None` if there is none.
    pub fn path(&self, index: u32) -> Option<Vec<Digest>> {
        merkle::inclusion(&self.leaves, usize::try_from(index).ok()?)
    }
}

/// An item that stands in the tree of a request: only [`ItemTree::open`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedItem {
    item: Item,
}

impl RequestedItem {
    /// The item, to go on its way alone.
    pub fn into_item(self) -> Item {
        self.item
    }
}

impl Deref for RequestedItem {
    type Target = Item;

    fn deref(&self) -> &Item {
        &self.item
    }
}

impl ItemTree {
    /// Reads an item and proves that it stands in the tree, at the index that it names.
    pub fn open(&self, encoded: &[u8], path: &[Digest]) -> Result<RequestedItem, ItemError> {
        let item = Item::parse(encoded)?;
        let (index, size) = (u64::from(item.index), u64::from(self.count));
        match merkle::root_from_inclusion(&Items::leaf(encoded), index, size, path) {
            Some(root) if root == self.root => Ok(RequestedItem { item }),
            _ => Err(ItemError::NotRequested { index: item.index }),
        }
    }
}
