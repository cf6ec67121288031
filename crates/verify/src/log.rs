//! Log entries: the leaf is this signature's, and the leaf stands in a checkpoint that the log signed.

use envelope::rekor::Body;
use model::Instant;
use model::merkle::leaf_hash;
use model::receipt::LogEntry;
use tlog::proof::verify_inclusion;
use tlog::{CheckpointError, SignedCheckpoint};

use crate::anchors::{Anchors, window_text};
use crate::refused::{Fault, Gap};
use crate::{Part, Proven, Refused};

/// Verifies an entry against the body that the signature gives, at the time when it was made. The checkpoint that it
/// stands in comes back as well.
pub(crate) fn verify(
    entry: &LogEntry,
    body: &Body,
    anchors: &Anchors,
    at: Instant,
) -> Result<(Proven, SignedCheckpoint), Refused> {
    // INVARIANT: the body is built from what was verified and compared byte for byte, so an entry of something else,
    // however well it is logged, is none of this signature.
    if entry.body.0 != body.encode() {
        return Err(bad(Part::LogEntry, difference(&entry.body.0, body)));
    }
    let checkpoint = open_checkpoint(&entry.checkpoint, anchors, at)?;
    let leaf = leaf_hash(&entry.body.0);
    verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path)
        .map_err(|cause| bad(Part::LogEntry, Fault::Inclusion(cause)))?;
    let origin = checkpoint.checkpoint().origin().to_owned();
    Ok((Proven::Logged { origin, index: entry.index, size: checkpoint.size() }, checkpoint))
}

fn open_checkpoint(note: &str, anchors: &Anchors, at: Instant) -> Result<SignedCheckpoint, Refused> {
    let origin = note.lines().next().unwrap_or_default();
    let mut last = None;
    for log in anchors.logs_named(origin) {
        match SignedCheckpoint::open(note, &log.key) {
            Ok(_) if !log.window.contains(at) => {
                let window = window_text(&log.window);
                return Err(bad(Part::Checkpoint, Fault::OutsideWindow { window, at }));
            }
            Ok(checkpoint) => return Ok(checkpoint),
            Err(cause) => last = Some(cause),
        }
    }
    Err(match last {
        Some(cause) => bad(Part::Checkpoint, Fault::Checkpoint(cause)),
        None if is_plain(origin) => {
            Refused::cannot_check(Part::Checkpoint, Gap::UnknownLog { origin: origin.to_owned() })
        }
        None => bad(Part::Checkpoint, Fault::Checkpoint(CheckpointError::Shape)),
    })
}

/// May this foreign text stand in a message?
fn is_plain(origin: &str) -> bool {
    (1..=255).contains(&origin.len()) && origin.chars().all(|c| c.is_ascii_graphic())
}

/// In what a logged body differs from the one that belongs there.
fn difference(logged: &[u8], expected: &Body) -> Fault {
    let field = match Body::parse(logged) {
        Err(cause) => return Fault::Unreadable(Box::new(cause)),
        Ok(logged) if logged.digest() != expected.digest() => "digest",
        Ok(logged) if logged.signature() != expected.signature() => "signature",
        Ok(_) => "signer",
    };
    Fault::OtherEntry { field }
}

fn bad(part: Part, fault: Fault) -> Refused {
    Refused::bad(part, fault)
}
