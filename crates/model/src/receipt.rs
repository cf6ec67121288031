//! The receipt: one file that says all, and from which alone a verifier, a gate and an auditor can decide.
//!
//! `NAME.receipt.json` holds one receipt, with an entry for each item (form) of that file. The requests and items
//! in it are strings, because the bytes that were hashed must survive every reader and writer of JSON.

use serde::{Deserialize, Serialize};

use crate::{Base64, CanonicalError, Digest, PublicKey, from_canonical, limits, to_canonical};

/// A receipt of version 1. It verifies for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The version of this layout: 1.
    pub version: u32,
    /// The canonical JSON of the request.
    pub request: String,
    /// The registry's head under which the key process signed.
    pub registry: Digest,
    /// The canonical JSON of the endorsements that were counted; empty where no rule asks for any.
    pub endorsements: Vec<String>,
    /// What was signed of this file, in the order of the request.
    pub items: Vec<SignedItem>,
}

/// One item of a file, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedItem {
    /// The canonical JSON of the item.
    pub item: String,
    /// The item's inclusion path in the request's item tree.
    pub path: Vec<Digest>,
    /// The key that signed.
    #[serde(rename = "publicKey")]
    pub public_key: PublicKey,
    /// The key's certificate and those above it without the root, in DER; empty for forms that have none.
    pub chain: Vec<Base64>,
    /// The signature itself.
    pub signature: Base64,
    /// What the key process chose when it signed, such as the signing time among the attributes.
    pub chosen: Base64,
    /// The RFC 3161 TimeStampResp over the signature; absent where the profile asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Base64>,
    /// The log entry; absent where the profile asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogEntry>,
    /// The key process's intent to make this signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalEntry>,
}

/// An entry of the transparency log, with its inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The entry's index in the log.
    pub index: u64,
    /// The leaf: the canonical Rekor v2 body.
    pub body: Base64,
    /// The inclusion path to the root that the checkpoint names.
    pub path: Vec<Digest>,
    /// The signed checkpoint (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

/// An intent in the key process's journal, with its inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// The leaf's index in the journal.
    pub index: u64,
    /// The leaf.
    pub leaf: Base64,
    /// The inclusion path to the root that the checkpoint names; empty where there is no checkpoint.
    pub path: Vec<Digest>,
    /// The journal's signed checkpoint that covers the leaf. It is there where the key's record asks for endorsements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// What witnesses saw of the journal since, each for itself, before the signature was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnessed: Vec<Sighting>,
}

/// A checkpoint of the journal that a witness was shown and cosigned, and the place of the intent under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The checkpoint, under the origin that this witness alone is shown, with its cosignature.
    pub checkpoint: String,
    /// The inclusion path of the intent's leaf to its root.
    pub path: Vec<Digest>,
}

impl Receipt {
    /// Reads a receipt; it is canonical JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, CanonicalError> {
        from_canonical(bytes, limits::RECEIPT_BYTES_MAX)
    }

    /// The canonical JSON.
    pub fn encode(&self) -> Vec<u8> {
        to_canonical(self)
    }
}
