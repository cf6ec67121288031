//! What a log answers with once it has an entry: protobuf's `TransparencyLogEntry`, with every field written out.

use model::receipt::LogEntry;
use model::{Base64, Digest};
use serde::Serialize;

use crate::bundle::{BundleError, Entry};
use crate::protojson::int64;

/// The JSON that Rekor v2 answers with: 64-bit integers as strings, and what does not exist there (a promise, a time)
/// as protobuf writes nothing.
pub fn answer(log_id: &Digest, entry: &LogEntry) -> Result<Vec<u8>, BundleError> {
    let Entry { index, log_id, kind, kind_version, integrated_time, inclusion_proof, body, .. } =
        Entry::of_receipt(log_id, entry)?;
    let inclusion_proof = inclusion_proof.map(|proof| WireProof {
        log_index: proof.index,
        root_hash: Base64(proof.root),
        tree_size: proof.tree_size,
        hashes: proof.path.iter().map(|hash| Base64(hash.as_bytes().to_vec())).collect(),
        checkpoint: WireCheckpoint { envelope: proof.checkpoint.unwrap_or_default() },
    });
    let wire = WireEntry {
        log_index: index,
        log_id: WireLogId { key_id: Base64(log_id) },
        kind_version: WireKindVersion { kind, version: kind_version },
        integrated_time,
        inclusion_promise: None,
        inclusion_proof,
        canonicalized_body: Base64(body),
    };
    Ok(serde_json::to_vec(&wire).expect("strings, numbers and lists always encode as JSON"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireEntry {
    #[serde(with = "int64")]
    log_index: u64,
    log_id: WireLogId,
    kind_version: WireKindVersion,
    #[serde(with = "int64")]
    integrated_time: u64,
    inclusion_promise: Option<()>,
    inclusion_proof: Option<WireProof>,
    canonicalized_body: Base64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireLogId {
    key_id: Base64,
}

#[derive(Serialize)]
struct WireKindVersion {
    kind: String,
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireProof {
    #[serde(with = "int64")]
    log_index: u64,
    root_hash: Base64,
    #[serde(with = "int64")]
    tree_size: u64,
    hashes: Vec<Base64>,
    checkpoint: WireCheckpoint,
}

#[derive(Serialize)]
struct WireCheckpoint {
    envelope: String,
}
