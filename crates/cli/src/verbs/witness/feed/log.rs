//! The log's checkpoints: the newest that the server shows is brought to the witnesses, and once enough have cosigned it,
//! it is left for the server, which completes receipts with it.
//!
//! The log is read in the server's folder, as the server shows it to everybody. Any size is proven from it, so that it does
//! not matter where a witness stands, or who led it there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ::witness::{Carried, Reply, carry};
use model::{Digest, Form};
use quorum::{Book, Registry};
use store::{LogName, ShownLog};
use tlog::{PublishedLog, SignedCheckpoint, VerifierKey};

use super::Way;
use crate::config::Folder;
use crate::failure::Failure;
use crate::files;

/// How often a newer checkpoint is taken up, where there is one.
const PACE: Duration = Duration::from_secs(1);

/// How long witnesses are waited for before a newer checkpoint is taken up without them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A checkpoint of the log on its way to a witness.
#[derive(Debug, Clone)]
pub(super) struct LogErrand {
    log: ShownLog,
    checkpoint: SignedCheckpoint,
}

/// The log, its witnesses, and the checkpoint that is being cosigned.
pub(super) struct Log {
    shown: ShownLog,
    folder: PathBuf,
    keys: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    needed: usize,
    round: Option<Round>,
}

/// A checkpoint that witnesses are asked to cosign.
struct Round {
    shown: SignedCheckpoint,
    /// With the lines of those who did.
    cosigned: SignedCheckpoint,
    /// Those whom it was brought to.
    asked: BTreeSet<String>,
    since: Instant,
}

/// How far the log is cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) size: u64,
    pub(super) by: Vec<String>,
    pub(super) needed: usize,
}

impl Log {
    pub(super) fn new(folder: &Folder) -> Self {
        let server = folder.at(&folder.config.server.folder);
        let (keys, witnesses) = (Vec::new(), Vec::new());
        let shown = ShownLog::newest(&server, LogName::Transparency);
        Self { shown, folder: server.join(server::COSIGNED), keys, witnesses, needed: 0, round: None }
    }

    /// Goes on by what the registry says now.
    pub(super) fn heed(&mut self, registry: &Registry) {
        let named = registry.witnesses(Book::Log);
        let witnesses = named.map(|named| named.witnesses.iter()).into_iter().flatten();
        let witness = |one: &quorum::Witness| VerifierKey::of_witness(&one.name, &one.key).ok();
        let of_logs = registry.keys().filter(|key| key.record.form == Form::Checkpoint);
        let log = |key: &quorum::Key| {
            VerifierKey::of_log(key.record.origin.as_deref()?, &key.record.public_key).ok()
        };
        self.witnesses = witnesses.filter_map(witness).collect();
        self.keys = of_logs.filter_map(log).collect();
        self.needed = named.map_or(0, quorum::Witnesses::threshold);
    }

    /// Witnesses are asked once more, also for what they cosigned: it says until when the log stood so.
    pub(super) fn renew(&mut self) {
        self.round = None;
    }

    /// What is to be brought to whom.
    pub(super) fn errands(&mut self) -> Result<Vec<(String, LogErrand)>, Failure> {
        if self.witnesses.is_empty() {
            self.round = None;
            return Ok(Vec::new());
        }
        if self.is_due() {
            self.begin()?;
        }
        let Some(Round { shown, asked, .. }) = &self.round else { return Ok(Vec::new()) };
        let errand = LogErrand { log: self.shown.clone(), checkpoint: shown.clone() };
        let names = self.witnesses.iter().map(VerifierKey::name).filter(|name| !asked.contains(*name));
        Ok(names.map(|name| (name.to_owned(), errand.clone())).collect())
    }

    fn is_due(&self) -> bool {
        let Some(round) = &self.round else { return true };
        let patience = if self.is_enough(&round.cosigned) { PACE } else { PATIENCE };
        round.since.elapsed() >= patience
    }

    fn begin(&mut self) -> Result<(), Failure> {
        let Some(note) = self.shown.checkpoint().map_err(Failure::inside("read the log"))? else {
            return Ok(());
        };
        let origin = note.lines().next().unwrap_or_default();
        // A log that began since the registry was read is met at the next turn.
        let Some(key) = self.keys.iter().find(|key| key.origin() == origin) else { return Ok(()) };
        let checkpoint = SignedCheckpoint::open(&note, key).map_err(bad_log)?;
        if self.round.as_ref().is_none_or(|round| round.shown.checkpoint() != checkpoint.checkpoint()) {
            let (shown, cosigned) = (checkpoint.clone(), checkpoint);
            self.round = Some(Round { shown, cosigned, asked: BTreeSet::new(), since: Instant::now() });
        }
        Ok(())
    }

    /// Somebody is on the way to this witness.
    pub(super) fn asked(&mut self, witness: &str) {
        if let Some(round) = &mut self.round {
            round.asked.insert(witness.to_owned());
        }
    }

    /// That was in vain.
    pub(super) fn failed(&mut self, witness: &str) {
        if let Some(round) = &mut self.round {
            round.asked.remove(witness);
        }
    }

    /// A witness cosigned a checkpoint. What is older than what is being cosigned now is late, and no help.
    pub(super) fn hear(&mut self, errand: &LogErrand, lines: &str) -> Result<(), Failure> {
        let Some(round) = &mut self.round else { return Ok(()) };
        if round.shown.checkpoint() != errand.checkpoint.checkpoint() {
            return Ok(());
        }
        round.cosigned = round.cosigned.with_cosignatures(lines, &self.witnesses).map_err(bad_log)?;
        let checkpoint = round.cosigned.clone();
        if self.is_enough(&checkpoint) {
            let origin = checkpoint.checkpoint().origin();
            let file = self.folder.join(Digest::of(origin.as_bytes()).to_string());
            files::write(&file, checkpoint.note().as_bytes())?;
        }
        Ok(())
    }

    /// How far the log is cosigned; `None` where nobody is to do it, or there is no log.
    pub(super) fn reached(&self) -> Option<Reached> {
        let checkpoint = &self.round.as_ref()?.cosigned;
        let cosignatures = checkpoint.cosignatures(&self.witnesses).unwrap_or_default();
        let has = |witness: &&VerifierKey| cosignatures.iter().any(|one| one.witness == **witness);
        let by = self.witnesses.iter().filter(has).map(|one| one.name().to_owned()).collect();
        Some(Reached { size: checkpoint.size(), by, needed: self.needed })
    }

    fn is_enough(&self, checkpoint: &SignedCheckpoint) -> bool {
        let found = checkpoint.cosignatures(&self.witnesses).map_or(0, |found| found.len());
        self.needed > 0 && found >= self.needed
    }
}

/// The lines that a witness writes under a checkpoint of the log.
pub(super) fn bring(
    errand: &LogErrand,
    witness: &str,
    way: &Way,
    stands: &mut BTreeMap<String, u64>,
) -> Result<String, Failure> {
    let LogErrand { log, checkpoint } = errand;
    let (origin, size) = (checkpoint.checkpoint().origin(), checkpoint.size());
    let published = PublishedLog::new(log, checkpoint.checkpoint().clone());
    let stood = stands.get(origin).copied().unwrap_or(size).min(size);
    let proof_from = |old: u64| published.grown_from(old).map_err(bad_log);
    match carry(checkpoint.note(), stood, proof_from, way)? {
        Carried::Cosigned(note) => {
            stands.insert(origin.to_owned(), size);
            Ok(note.strip_prefix(checkpoint.note()).unwrap_or_default().to_owned())
        }
        Carried::Refused { reply, .. } => Err(Failure::Process {
            process: "the witness",
            fault: format!("`{witness}` does not cosign the log of {size} entries: {}", said(&reply, size)),
        }),
    }
}

/// What a witness said to a log of this size.
fn said(reply: &Reply, ours: u64) -> String {
    match reply {
        Reply::Cosigned(_) => "it did".to_owned(),
        // Asked to go on from that very size, it conflicts with the root alone.
        Reply::Conflict { size } if *size == ours => "it saw another log of this size".to_owned(),
        Reply::Conflict { size } => format!("it saw {size}; is this an older log?"),
        Reply::Rejected { status: 404 } => "it does not know it".to_owned(),
        Reply::Rejected { status: 422 } => "it saw another".to_owned(),
        Reply::Rejected { status } => format!("it answered {status}"),
    }
}

fn bad_log<E: std::error::Error + Send + Sync + 'static>(source: E) -> Failure {
    Failure::BadLog { fault: "is not in order", source: Box::new(source) }
}
