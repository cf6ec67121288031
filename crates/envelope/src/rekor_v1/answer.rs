//! What a log of Rekor v1 answers with: its entries, by their ids, each with proof and promise.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use model::receipt::LogEntry;
use model::{Base64, Digest, Instant};
use serde::Serialize;

use crate::bundle::{BundleError, Entry};

/// What a log promised of an entry: a signed entry timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// When, in whole seconds.
    pub time: Instant,
    /// The signature over [`promise_to_be_signed`](super::promise_to_be_signed).
    pub signature: Vec<u8>,
}

/// The name of an entry: the number of the log's tree, and the hash of the leaf. Clients may leave the number away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryId {
    /// The tree.
    pub tree: Option<u64>,
    /// The leaf.
    pub leaf: Digest,
}

/// Not the name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an entry is named by 64 hexadecimal digits, or by 80 where the number of the log's tree is among them"
)]
pub struct NotAnEntryId;

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, NotAnEntryId> {
        let (tree, leaf) = match text.len() {
            64 => (None, text),
            80 if text.is_char_boundary(16) => {
                let (tree, leaf) = text.split_at(16);
                let digits = HEXLOWER.decode(tree.as_bytes()).map_err(|_| NotAnEntryId)?;
                let number = <[u8; 8]>::try_from(digits).map_err(|_| NotAnEntryId)?;
                (Some(u64::from_be_bytes(number)), leaf)
            }
            _ => return Err(NotAnEntryId),
        };
        Ok(Self { tree, leaf: leaf.parse().map_err(|_| NotAnEntryId)? })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tree {
            Some(tree) => write!(f, "{tree:016x}{}", self.leaf),
            None => write!(f, "{}", self.leaf),
        }
    }
}

/// An entry under its id, as JSON has it.
pub type Answer = BTreeMap<String, AnsweredEntry>;

/// An entry with its proof and its promise.
#[derive(Debug, Clone, Serialize)]
pub struct AnsweredEntry {
    body: Base64,
    #[serde(rename = "integratedTime")]
    integrated_time: u64,
    #[serde(rename = "logID")]
    log: String,
    #[serde(rename = "logIndex")]
    index: u64,
    verification: Verification,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    inclusion_proof: WireProof,
    signed_entry_timestamp: Base64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireProof {
    checkpoint: String,
    hashes: Vec<String>,
    log_index: u64,
    root_hash: String,
    tree_size: u64,
}

/// The entry of the log with this id, under the name that clients ask for.
pub fn answer(id: EntryId, log: &Digest, entry: &LogEntry, promise: &Promise) -> Result<Answer, BundleError> {
    let proof = Entry::of_receipt(log, entry)?.inclusion_proof.ok_or(BundleError::Checkpoint)?;
    let inclusion_proof = WireProof {
        checkpoint: proof.checkpoint.unwrap_or_default(),
        hashes: proof.path.iter().map(Digest::to_string).collect(),
        log_index: proof.index,
        root_hash: HEXLOWER.encode(&proof.root),
        tree_size: proof.tree_size,
    };
    let answered = AnsweredEntry {
        body: entry.body.clone(),
        integrated_time: promise.time.seconds(),
        log: log.to_string(),
        index: entry.index,
        verification: Verification {
            inclusion_proof,
            signed_entry_timestamp: Base64(promise.signature.clone()),
        },
    };
    Ok(BTreeMap::from([(id.to_string(), answered)]))
}
