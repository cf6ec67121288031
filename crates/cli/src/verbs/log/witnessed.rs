//! `avouch log witnessed`: the log, held against what its witnesses saw.

use std::thread;
use std::time::Duration;

use ::witness::Reach as _;
use clap::Args;
use quorum::Book;
use tlog::{Cosignature, SignedCheckpoint, VerifierKey};

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
    for (address, newest) in ask(&args.witnesses, origin)? {
        let newest = newest.unwrap_or_else(|failure| {
            terminal.failure(&failure);
            None
        });
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

/// What one of them answered.
type Answer = Result<Option<String>, Failure>;

/// Asks all witnesses at once: one that is slow, or out of reach, holds up no other.
fn ask<'a>(addresses: &'a [String], origin: &str) -> Result<Vec<(&'a str, Answer)>, Failure> {
    let ways: Vec<Way> = addresses.iter().map(|address| Way::new(address)).collect::<Result<_, _>>()?;
    let answers = thread::scope(|scope| {
        let asked: Vec<_> = ways.iter().map(|way| scope.spawn(|| way.newest(origin))).collect();
        let joined = |one: thread::ScopedJoinHandle<'_, Answer>| one.join().unwrap_or(Ok(None));
        asked.into_iter().map(joined).collect::<Vec<Answer>>()
    });
    Ok(addresses.iter().map(String::as_str).zip(answers).collect())
}

impl Sight {
    fn read(note: &str, log: &VerifierKey, keys: &[VerifierKey]) -> Option<Self> {
        let checkpoint = SignedCheckpoint::open(note, log).ok()?;
        let cosignature = checkpoint.cosignatures(keys).ok()?.pop()?;
        Some(Self { checkpoint, cosignature })
    }
}

fn keys<'a>(witnesses: impl Iterator<Item = &'a quorum::Witness>) -> Vec<VerifierKey> {
    witnesses.filter_map(|one| VerifierKey::of_witness(&one.name, &one.key).ok()).collect()
}
