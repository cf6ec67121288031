//! The log entry of a bundle, of Rekor v2 or v1.

use envelope::ToBeSigned;
use envelope::bundle::{Bundle, Content, Entry, InclusionProof, Version};
use envelope::rekor::{self, Body};
use envelope::rekor_v1;
use model::merkle::leaf_hash;
use model::{Digest, Instant};
use tlog::note::Note;
use tlog::proof::verify_inclusion;
use tlog::{Checkpoint, SignedCheckpoint, VerifierKey};

use super::signer::Named;
use super::times::Dated;
use crate::anchors::{Anchors, TrustedLog, window_text};
use crate::receipt::{file_digest, unreadable};
use crate::refused::{Fault, Gap};
use crate::{Artifact, BelievedTime, Part, Present, Proven, Refused, Whose};

/// A log entry that was verified.
pub(super) struct Verified {
    /// When Rekor v1 promised it.
    pub(super) time: Option<Dated>,
    pub(super) proven: Option<Proven>,
}

/// Verifies the one entry of a bundle.
pub(super) fn verify(
    bundle: &Bundle,
    to_be_signed: &ToBeSigned,
    artifact: &Artifact,
    signer: &Named,
    anchors: &Anchors,
    stamped: &[Dated],
    present: Present,
) -> Result<Verified, Refused> {
    let [entry] = bundle.entries.as_slice() else {
        let fault = Fault::Count { what: "log entries", count: bundle.entries.len(), most: 1 };
        return Err(match bundle.entries.is_empty() {
            true => Refused::cannot_check(Part::LogEntry, Gap::NoLogEntry),
            false => bad(fault),
        });
    };
    let log = log_of(entry, anchors)?;
    if (entry.kind.as_str(), entry.kind_version.as_str()) == (rekor::KIND, rekor::VERSION) {
        let body = Body::new(to_be_signed, bundle.signature(), signer.logged());
        let body = body.map_err(unreadable(Part::LogEntry))?;
        if entry.body != body.encode() {
            return Err(bad(Fault::OtherEntry { field: "canonicalizedBody" }));
        }
        for dated in stamped {
            within(log, dated.time.at)?;
        }
        let proof = entry.inclusion_proof.as_ref();
        let proof = proof.ok_or_else(|| bad(Fault::Incomplete { field: "inclusionProof" }))?;
        return Ok(Verified { time: None, proven: Some(included(entry, proof, log, Kind::V2)?) });
    }
    let body = rekor_v1::Body::parse(&entry.kind, &entry.kind_version, &entry.body);
    let body = body.map_err(unreadable(Part::LogEntry))?;
    let hash = signer.key().algorithm().content_hash();
    let digest = match &bundle.content {
        Content::Message { .. } => Some((hash, file_digest(artifact, hash)?)),
        _ => None,
    };
    body.check(&bundle.content, digest, &signer.logged())
        .map_err(|field| bad(Fault::OtherEntry { field }))?;
    let time = promised(entry, log, present)?;
    let proven = match &entry.inclusion_proof {
        // Before version 0.2 a promise was enough, and a proof without a checkpoint leads nowhere.
        None if bundle.version == Version::V01 && time.is_some() => None,
        Some(proof) if bundle.version == Version::V01 && proof.checkpoint.is_none() && time.is_some() => None,
        None => return Err(bad(Fault::Incomplete { field: "inclusionProof" })),
        Some(proof) => Some(included(entry, proof, log, Kind::V1)?),
    };
    if time.is_none() {
        for dated in stamped {
            within(log, dated.time.at)?;
        }
    }
    Ok(Verified { time, proven })
}

/// The two kinds of logs differ in what their checkpoints are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    V1,
    V2,
}

fn log_of<'a>(entry: &Entry, anchors: &'a Anchors) -> Result<&'a TrustedLog, Refused> {
    let named = |log: &&TrustedLog| log.key.log_id().as_bytes() == entry.log_id.as_slice();
    let found = anchors.logs.iter().find(named);
    found.ok_or_else(|| {
        let origin = data_encoding::HEXLOWER.encode(&entry.log_id).chars().take(64).collect();
        Refused::cannot_check(Part::LogEntry, Gap::UnknownLog { origin })
    })
}

fn within(log: &TrustedLog, at: Instant) -> Result<(), Refused> {
    if log.window.contains(at) {
        return Ok(());
    }
    Err(bad(Fault::OutsideWindow { window: window_text(&log.window), at }))
}

/// The time of Rekor v1's promise, which counts only under the log's signature.
fn promised(entry: &Entry, log: &TrustedLog, present: Present) -> Result<Option<Dated>, Refused> {
    let Some(promise) = &entry.inclusion_promise else { return Ok(None) };
    let id = Digest::from_slice(&entry.log_id).ok_or_else(|| bad(Fault::OtherEntry { field: "logId" }))?;
    let signed = rekor_v1::promise_to_be_signed(&entry.body, entry.integrated_time, &id, entry.index);
    log.key
        .public_key()
        .verify(&signed, promise)
        .map_err(|cause| Refused::bad(Part::LogEntry, Fault::Signature(Box::new(cause))))?;
    let at = Instant::from_seconds(entry.integrated_time);
    if at > present.at {
        return Err(Refused::cannot_check(Part::LogEntry, Gap::FromTheFuture { at, now: present.at }));
    }
    within(log, at)?;
    let origin = log.key.name().to_owned();
    let time = BelievedTime { at, whose: Whose::TransparencyLog { origin: origin.clone() } };
    Ok(Some(Dated { time, proven: Proven::Promised { origin, at } }))
}

/// The proof leads from the entry to a checkpoint that the log signed.
fn included(entry: &Entry, proof: &InclusionProof, log: &TrustedLog, kind: Kind) -> Result<Proven, Refused> {
    let differs = |field| Err(bad(Fault::OtherEntry { field }));
    let note = proof.checkpoint.as_ref().ok_or_else(|| bad(Fault::Incomplete { field: "checkpoint" }))?;
    let checkpoint = match kind {
        Kind::V2 => {
            let opened = SignedCheckpoint::open(note, &log.key);
            let opened = opened.map_err(|cause| Refused::bad(Part::Checkpoint, Fault::Checkpoint(cause)))?;
            opened.checkpoint().clone()
        }
        Kind::V1 => open_v1(note, log)?,
    };
    // Whatever stands beside the checkpoint must say the same, or two readers would come to different trees.
    if checkpoint.size() != proof.tree_size {
        return differs("treeSize");
    }
    if checkpoint.root().as_bytes() != proof.root.as_slice() {
        return differs("rootHash");
    }
    let leaf = leaf_hash(&entry.body);
    verify_inclusion(&leaf, proof.index, checkpoint.size(), checkpoint.root(), &proof.path)
        .map_err(|cause| bad(Fault::Inclusion(cause)))?;
    let origin = checkpoint.origin().to_owned();
    Ok(Proven::Logged { origin, index: proof.index, size: checkpoint.size() })
}

/// A checkpoint of Rekor v1: its origin is the name of the key, then a dash and the number of a tree.
fn open_v1(note: &str, log: &TrustedLog) -> Result<Checkpoint, Refused> {
    let unsigned = |cause| Refused::bad(Part::Checkpoint, Fault::Checkpoint(cause));
    let failed = |source| {
        let origin = log.key.name().to_owned();
        unsigned(tlog::CheckpointError::Note { origin, source })
    };
    let opened = Note::parse(note).map_err(failed)?;
    let checkpoint = Checkpoint::parse(opened.text()).map_err(unsigned)?;
    let name = checkpoint.origin().split_once(" - ").map_or(checkpoint.origin(), |(name, _)| name);
    let key = VerifierKey::of_log(name, log.key.public_key()).map_err(failed)?;
    let signers = opened.signed_by(std::slice::from_ref(&key)).map_err(failed)?;
    if signers.is_empty() {
        return Err(failed(tlog::note::NoteError::NoKnownKey));
    }
    Ok(checkpoint)
}

fn bad(fault: Fault) -> Refused {
    Refused::bad(Part::LogEntry, fault)
}
