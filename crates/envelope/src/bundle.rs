//! Sigstore bundles
//! ([v0.3](https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto), in protojson).
//!
//! What is written is v0.3: a key named by its hint or one certificate, one log entry, RFC 3161 timestamps. What is
//! read is v0.1 to v0.3. A bundle that was read is well formed and within bounds; nothing in it is believed yet.

mod published;
mod wire;

use data_encoding::BASE64;
use model::receipt::LogEntry;
use model::{Base64, Digest, Hash, Hashed, PublicKey};
use serde::{Deserialize, Serialize};

use crate::dsse::Envelope;
use crate::{protojson, rekor};

pub use published::SUFFIX as PUBLISHED_SUFFIX;

/// A bundle as JSON: an attestation with a large predicate fits.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Log entries, timestamps or certificates in one bundle, as the clients of Sigstore bound them.
pub const LIST_LENGTH_MAX: usize = 32;

/// Hashes in one inclusion proof: a tree of 2^63 leaves has no more.
pub const PATH_LENGTH_MAX: usize = 63;

/// A signature with all that is needed to verify it offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::Bundle", into = "wire::Bundle")]
pub struct Bundle {
    /// Which version of the format this is.
    pub version: Version,
    /// Who signed.
    pub signer: Signer,
    /// Where the signature was logged.
    pub entries: Vec<Entry>,
    /// When it was signed: RFC 3161 responses over the signature's bytes.
    pub timestamps: Vec<Vec<u8>>,
    /// What was signed, and the signature.
    pub content: Content,
}

/// A version of the bundle format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// v0.1: log entries have an inclusion promise.
    V01,
    /// v0.2: log entries have an inclusion proof.
    V02,
    /// v0.3: one certificate instead of a chain.
    V03,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signer {
    /// A key that the verifier knows, named by a hint that nothing covers.
    Key {
        /// By convention base64 of the SHA-256 of the key's SubjectPublicKeyInfo.
        hint: String,
    },
    /// The holder of a certificate (DER).
    Certificate(Vec<u8>),
    /// The same before v0.3: the certificate, then those above it (DER, at least one).
    Chain(Vec<Vec<u8>>),
}

/// What was signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Bytes that are not in the bundle.
    Message {
        /// Their digest, which is a hint until it is compared with the bytes.
        digest: Option<MessageDigest>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// A DSSE envelope.
    Dsse(Envelope),
}

/// The digest of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageDigest {
    /// How protobuf calls the algorithm: `SHA2_256`.
    pub algorithm: String,
    /// The digest.
    pub digest: Base64,
}

impl MessageDigest {
    /// The hash that it names; `None` for those that nothing is verified with here.
    pub fn hash(&self) -> Option<Hash> {
        Hash::ALL.into_iter().find(|hash| protojson::hash_name(*hash) == self.algorithm)
    }
}

/// An entry of a transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The index that nothing covers; [`InclusionProof::index`] is what the proof is for. Both are written equal.
    pub index: u64,
    /// The log id.
    pub log_id: Vec<u8>,
    /// The kind of the body.
    pub kind: String,
    /// The version of that kind.
    pub kind_version: String,
    /// Seconds since 1970, as Rekor v1 says; covered by the inclusion promise alone. Zero means none.
    pub integrated_time: u64,
    /// Rekor v1's signed entry timestamp.
    pub inclusion_promise: Option<Vec<u8>>,
    /// How the entry leads to a checkpoint.
    pub inclusion_proof: Option<InclusionProof>,
    /// The leaf.
    pub body: Vec<u8>,
}

/// How a log entry leads to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The index of the leaf.
    pub index: u64,
    /// A root that must be the checkpoint's own.
    pub root: Vec<u8>,
    /// A size that must be the checkpoint's own.
    pub tree_size: u64,
    /// The path from the leaf upwards.
    pub path: Vec<Digest>,
    /// The signed checkpoint; absent in some bundles of Rekor v1.
    pub checkpoint: Option<String>,
}

/// Why bytes are not a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// More bytes than are read.
    #[error("a bundle of {length} bytes, where at most {BUNDLE_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not the JSON of a bundle.
    #[error("not a Sigstore bundle")]
    Json(#[source] serde_json::Error),
    /// Not the JSON of a log entry.
    #[error("not the entry of a transparency log")]
    Answer(#[source] serde_json::Error),
    /// Another media type.
    #[error(
        "a bundle of media type `{media_type}`, which is not read; known are Sigstore bundles v0.1, v0.2 and v0.3"
    )]
    UnknownMediaType {
        /// What it says it is.
        media_type: String,
    },
    /// A published attestation of another version.
    #[error("a published attestation of version {version}, where version 1 of PEP 740 is read")]
    PublishedVersion {
        /// Which.
        version: u32,
    },
    /// None or several of what there must be one of.
    #[error("a bundle with {count} of `{of}`, where there must be exactly one")]
    NotOne {
        /// The fields between which it chooses.
        of: &'static str,
        /// How many it has.
        count: usize,
    },
    /// A field that this version of the format does not have, or must have.
    #[error("a bundle whose version does not go with its `{field}`")]
    Version {
        /// Which.
        field: &'static str,
    },
    /// A checkpoint without its lines.
    #[error("the checkpoint of the log entry does not say of which size and root its tree is")]
    Checkpoint,
    /// An entry of another kind of log, or one that lacks its proof.
    #[error("the log entry is not one of a Rekor v2 log with its inclusion proof")]
    NotRekorV2,
    /// Fields that say the same thing, and say it differently: indexes, or root and size beside the checkpoint.
    #[error("the log entry disagrees with itself about its index, its tree or when it was made")]
    Disagrees,
}

/// The hint by which bundles name a key: base64 of the SHA-256 of its SubjectPublicKeyInfo.
pub fn key_hint(key: &PublicKey) -> String {
    BASE64.encode(Digest::of(key.spki()).as_bytes())
}

impl Bundle {
    /// Reads the JSON of a bundle.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLong { length: bytes.len() });
        }
        let wire: wire::Bundle = serde_json::from_slice(bytes).map_err(BundleError::Json)?;
        wire.try_into()
    }

    /// The JSON of the bundle, on one line.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, integers and lists always encode as JSON")
    }

    /// Puts a v0.3 bundle together.
    pub fn seal(signer: Signer, content: Content, entry: Option<Entry>, timestamp: Option<&[u8]>) -> Self {
        Self {
            version: Version::V03,
            signer,
            entries: entry.into_iter().collect(),
            timestamps: timestamp.map(<[u8]>::to_vec).into_iter().collect(),
            content,
        }
    }

    /// The bytes over which the timestamps are.
    pub fn signature(&self) -> &[u8] {
        match &self.content {
            Content::Message { signature, .. } => signature,
            Content::Dsse(envelope) => &envelope.signature,
        }
    }
}

impl Content {
    /// A signature over bytes with this digest.
    pub fn message(hashed: &Hashed, signature: &[u8]) -> Self {
        let algorithm = protojson::hash_name(hashed.hash()).to_owned();
        let digest = MessageDigest { algorithm, digest: Base64(hashed.as_bytes().to_vec()) };
        Self::Message { digest: Some(digest), signature: signature.to_vec() }
    }
}

impl Entry {
    /// The entry as a log answers with it (`TransparencyLogEntry`). Nothing is verified.
    pub fn from_json(bytes: &[u8]) -> Result<Self, BundleError> {
        let wire: wire::Entry = serde_json::from_slice(bytes).map_err(BundleError::Answer)?;
        Ok(wire.into())
    }

    /// The entry of a Rekor v2 log, from its place in a receipt.
    ///
    /// Nothing is verified: size and root are copied from the checkpoint's own lines.
    pub fn of_receipt(log_id: &Digest, entry: &LogEntry) -> Result<Self, BundleError> {
        let mut lines = entry.checkpoint.lines();
        let (_origin, size, root) = (lines.next(), lines.next(), lines.next());
        let tree_size = size.and_then(|size| size.parse().ok()).ok_or(BundleError::Checkpoint)?;
        let root =
            root.and_then(|root| BASE64.decode(root.as_bytes()).ok()).ok_or(BundleError::Checkpoint)?;
        Ok(Self {
            index: entry.index,
            log_id: log_id.as_bytes().to_vec(),
            kind: rekor::KIND.to_owned(),
            kind_version: rekor::VERSION.to_owned(),
            integrated_time: 0,
            inclusion_promise: None,
            inclusion_proof: Some(InclusionProof {
                index: entry.index,
                root,
                tree_size,
                path: entry.path.clone(),
                checkpoint: Some(entry.checkpoint.clone()),
            }),
            body: entry.body.0.clone(),
        })
    }

    /// The entry of a Rekor v2 log, as a receipt holds it; refused, if it disagrees with itself.
    ///
    /// Clients differ in which of the doubled fields they look at, so all must agree: both indexes, root and size in
    /// the proof and in the checkpoint. What a v2 log does not have (a promise, a time of its own) must not be there.
    pub fn to_receipt(&self) -> Result<LogEntry, BundleError> {
        let log_id = Digest::from_slice(&self.log_id).ok_or(BundleError::NotRekorV2)?;
        let proof = self.inclusion_proof.as_ref().ok_or(BundleError::NotRekorV2)?;
        let checkpoint = proof.checkpoint.clone().ok_or(BundleError::NotRekorV2)?;
        let body = Base64(self.body.clone());
        let entry = LogEntry { index: self.index, body, path: proof.path.clone(), checkpoint };
        if self.kind != rekor::KIND || self.kind_version != rekor::VERSION {
            return Err(BundleError::NotRekorV2);
        }
        if Self::of_receipt(&log_id, &entry)? == *self { Ok(entry) } else { Err(BundleError::Disagrees) }
    }
}
