//! The log and its witnesses: its checkpoints are brought to them, and it is held against what they saw.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use ::witness::{Carried, Reach as _, Reply, carry};
use clap::Args;
use client::Shard;
use model::Digest;
use quorum::{Book, Registry, Witnesses};
use tlog::{Cosignature, SignedCheckpoint, VerifierKey, proof};

use super::reader::{Reader, forked};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::witness::Way;

/// The flags of `avouch log witnessed`.
#[derive(Debug, Args)]
pub(super) struct WitnessedArgs {
    /// Where a witness of the log is; repeat it for each
    #[arg(long = "witness", value_name = "URL", required = true)]
    witnesses: Vec<String>,
    /// How old a cosignature may be, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    fresh: u64,
}

/// What a witness saw of a log.
struct Sight {
    checkpoint: SignedCheckpoint,
    cosignature: Cosignature,
}

/// Holds the log that the server shows against what its witnesses saw.
pub(super) fn run(
    args: &WitnessedArgs,
    context: &Context,
    reader: &mut Reader,
    terminal: Terminal,
) -> Result<Exit, Failure> {
    if reader.root.registry().witnesses(Book::Log).is_none() {
        // They may have been named since; what is fetched must continue what is known.
        reader.root = context.renew_trust_root()?;
    }
    let keys = keys(reader.root.registry().all_witnesses(Book::Log));
    if keys.is_empty() {
        return Err(Failure::Usage {
            what: "the trust root names no witness of the log: it is unanchored".to_owned(),
            advice: "fetch the present trust root with `avouch trust export`",
        });
    }
    let origin = reader.checkpoint.checkpoint().origin();
    let log = reader.root.logs().find(|log| log.origin() == origin).ok_or_else(forked)?;
    let mut exit = Exit::Done;
    for address in &args.witnesses {
        let newest = Way::new(address)?.newest(origin)?;
        let Some(sight) = newest.and_then(|note| Sight::read(&note, log, &keys)) else {
            terminal.line(format_args!("{address} shows nothing of this log that a witness of it cosigned"));
            exit = Exit::CannotCheck;
            continue;
        };
        let (name, time, size) =
            (sight.cosignature.witness.name(), sight.cosignature.time, sight.checkpoint.size());
        if size > reader.checkpoint.size() {
            let shown = reader.checkpoint.size();
            terminal.line(format_args!(
                "{} {name} saw {size} entries at {time}, and the server shows {shown}: it hides what came since",
                terminal.bad("ALERT:")
            ));
            return Ok(Exit::Bad);
        }
        // Another root at this size is a fork, and its two checkpoints are the evidence.
        if reader.edge_at(&sight.checkpoint)?.root() != *sight.checkpoint.root() {
            return Err(forked());
        }
        terminal.line(format_args!("{name} saw {size} entries at {time}, and the log lost none since"));
        if crate::clock::now().since(time) > Duration::from_secs(args.fresh) {
            terminal.line(format_args!("{name} was shown nothing for longer than {} s", args.fresh));
            exit = Exit::CannotCheck;
        }
    }
    Ok(exit)
}

impl Sight {
    fn read(note: &str, log: &VerifierKey, keys: &[VerifierKey]) -> Option<Self> {
        let checkpoint = SignedCheckpoint::open(note, log).ok()?;
        let cosignature = checkpoint.cosignatures(keys).ok()?.pop()?;
        Some(Self { checkpoint, cosignature })
    }
}

/// Brings the log's checkpoints to its witnesses, as anybody may.
pub(crate) struct LogFeed {
    context: Context,
    /// Where each witness stood last.
    stands: RefCell<BTreeMap<String, u64>>,
}

/// The witnesses of a log that have cosigned its newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cosigned {
    pub(crate) size: u64,
    pub(crate) by: Vec<String>,
    pub(crate) needed: usize,
}

impl LogFeed {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, stands: RefCell::default() }
    }

    /// Goes to each of the log's witnesses; `None` where the registry names none.
    pub(crate) fn go(
        &self,
        registry: &Registry,
        ways: &BTreeMap<String, Way>,
        terminal: Terminal,
    ) -> Result<Option<Cosigned>, Failure> {
        let Some(named) = registry.witnesses(Book::Log) else { return Ok(None) };
        let reader = Reader::open(&self.context, Shard::Newest)?;
        let keys = keys(named.witnesses.iter());
        let mut checkpoint = reader.checkpoint.clone();
        for key in &keys {
            let Some(way) = ways.get(key.name()) else { continue };
            // A witness that is out of reach holds up no other.
            match self.bring(&reader, key, way) {
                Ok(note) => {
                    let lines = note.strip_prefix(reader.checkpoint.note()).unwrap_or_default();
                    let cosigned = checkpoint.with_cosignatures(lines, &keys);
                    checkpoint = cosigned.unwrap_or(checkpoint);
                }
                Err(failure) => terminal.failure(&failure),
            }
        }
        cosigned(&checkpoint, named, &keys).map(Some)
    }

    fn bring(&self, reader: &Reader, key: &VerifierKey, way: &Way) -> Result<String, Failure> {
        let size = reader.checkpoint.size();
        let name = key.name();
        let stood = self.stands.borrow().get(name).copied().unwrap_or(size).min(size);
        let proof_from = |old: u64| match old > size {
            true => Ok(None),
            false => proof::consistency(old, size, reader).map(Some::<Vec<Digest>>),
        };
        match carry(reader.checkpoint.note(), stood, proof_from, way)? {
            Carried::Cosigned(note) => {
                self.stands.borrow_mut().insert(name.to_owned(), size);
                Ok(note)
            }
            Carried::Refused { reply, .. } => Err(Failure::Process {
                process: "the witness",
                fault: format!("`{name}` does not cosign the log of {size} entries: {}", said(&reply, size)),
            }),
        }
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

fn cosigned(
    checkpoint: &SignedCheckpoint,
    named: &Witnesses,
    keys: &[VerifierKey],
) -> Result<Cosigned, Failure> {
    let cosignatures = checkpoint.cosignatures(keys).map_err(super::bad_log())?;
    let by = cosignatures.iter().map(|one| one.witness.name().to_owned()).collect();
    Ok(Cosigned { size: checkpoint.size(), by, needed: named.threshold() })
}

fn keys<'a>(witnesses: impl Iterator<Item = &'a quorum::Witness>) -> Vec<VerifierKey> {
    witnesses.filter_map(|one| VerifierKey::of_witness(&one.name, &one.key).ok()).collect()
}
