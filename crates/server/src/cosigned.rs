//! What witnesses cosigned of the log, in receipts: whoever fetches one after they did is given a later checkpoint, with
//! their cosignatures, and the path of the entry to that.
//!
//! `avouch witness feed` brings the log's checkpoints to the witnesses, and leaves what came back in the server's folder. It is
//! not believed: log and witnesses signed what counts, and the witnesses are those that the registry named when the
//! receipt's signatures were made.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use engine::{Engine, View};
use model::Digest;
use model::receipt::{LogEntry, Receipt};
use quorum::Witnesses;
use tlog::{PublishedLog, SignedCheckpoint, TileStore, VerifierKey};

/// The folder, in the server's own, in which cosigned checkpoints are left: for each log one file, named by the SHA-256 of
/// its origin.
pub const COSIGNED: &str = "cosigned";

/// A checkpoint with the cosignatures of as many witnesses as a platform may name.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// The log, and where the newest checkpoint lies that its witnesses cosigned.
#[derive(Clone)]
pub(crate) struct Cosigned {
    pub(crate) folder: Arc<Path>,
    pub(crate) tiles: Arc<dyn TileStore>,
    pub(crate) engine: Engine,
}

impl Cosigned {
    /// The same request, its receipts with what witnesses saw of the log since. Where that is not there or does not hold,
    /// a receipt stays as it was made: it says as much, and a verifier who asks for witnesses does not take it.
    pub(crate) fn complete(&self, mut view: View) -> View {
        for (_, receipt) in &mut view.receipts {
            self.complete_receipt(receipt);
        }
        view
    }

    fn complete_receipt(&self, receipt: &mut Receipt) {
        let mut entries = receipt.items.iter_mut().filter_map(|item| item.log.as_mut()).peekable();
        if entries.peek().is_none() {
            return;
        }
        let Some(named) = self.engine.witnesses_of_log(&receipt.registry) else { return };
        let key = |one: &quorum::Witness| VerifierKey::of_witness(&one.name, &one.key).ok();
        let witnesses: Vec<VerifierKey> = named.witnesses.iter().filter_map(key).collect();
        for entry in entries {
            if let Some(checkpoint) = self.newest(entry, &named, &witnesses) {
                self.lead_to(entry, &checkpoint);
            }
        }
    }

    /// The newest checkpoint of an entry's log that enough witnesses cosigned, if it covers the entry.
    fn newest(
        &self,
        entry: &LogEntry,
        named: &Witnesses,
        witnesses: &[VerifierKey],
    ) -> Option<SignedCheckpoint> {
        let origin = entry.checkpoint.lines().next()?;
        let mut note = String::new();
        let path = self.folder.join(Digest::of(origin.as_bytes()).to_string());
        File::open(path).ok()?.take(NOTE_BYTES_MAX).read_to_string(&mut note).ok()?;
        let log = self.engine.log_key_of(&entry.checkpoint)?;
        let checkpoint = SignedCheckpoint::open(&note, &log).ok()?;
        let enough = checkpoint.cosignatures(witnesses).ok()?.len() >= named.threshold();
        (enough && checkpoint.size() > entry.index).then_some(checkpoint)
    }

    /// INVARIANT: an entry is led to a checkpoint by a path that was verified up to its root.
    fn lead_to(&self, entry: &mut LogEntry, checkpoint: &SignedCheckpoint) {
        let log = PublishedLog::new(&*self.tiles, checkpoint.checkpoint().clone());
        if let Ok((body, path)) = log.entry(entry.index)
            && body == entry.body.0
        {
            entry.path = path;
            checkpoint.note().clone_into(&mut entry.checkpoint);
        }
    }
}
