//! `avouch log`: the transparency log, read as anybody reads it and checked with the trust root.

use clap::{Args, Subcommand};
use client::Shard;
use envelope::rekor::Body;
use model::merkle::leaf_hash;
use tlog::proof::{self, verify_inclusion};

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

mod follow;
mod reader;
mod search;
mod witnessed;

use follow::FollowArgs;
use reader::{Reader, bad_log};
use search::{Completeness, Wanted};
use witnessed::WitnessedArgs;

/// The flags of `avouch log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    verb: LogVerb,
    /// The origin of the log to read, where it is not the newest: one that another followed
    #[arg(long, value_name = "ORIGIN", global = true)]
    shard: Option<String>,
    #[command(flatten)]
    context: ContextArgs,
}

#[derive(Debug, Subcommand)]
enum LogVerb {
    /// Print the newest checkpoint, once its signature was verified
    #[command(after_help = "Example:\n  avouch log checkpoint")]
    Checkpoint,
    /// Print an entry
    #[command(after_help = "Example:\n  avouch log entry 7")]
    Entry {
        /// Its index
        index: u64,
    },
    /// Prove that an entry stands in the newest checkpoint
    #[command(after_help = "Example:\n  avouch log prove 7")]
    Prove {
        /// Its index
        index: u64,
    },
    /// Find entries by what they tell, each with its proof
    #[command(
        after_help = "Example:\n  avouch log search --identity release@example.com --issuer https://accounts.example.com"
    )]
    Search {
        #[command(flatten)]
        wanted: Wanted,
        /// Read the whole log, and see for yourself that nothing was left out
        #[arg(long)]
        recount: bool,
        /// Print JSON, one entry a line
        #[arg(long)]
        json: bool,
    },
    /// Read what the log got since the last time, prove that it only grew, and say who signed as whom
    #[command(
        after_help = "Examples:\n  avouch log follow --once\n  avouch log follow --watch-identity 'release@example.com' --expect-issuer https://accounts.example.com"
    )]
    Follow(FollowArgs),
    /// Hold the log that the server shows against what its witnesses saw: a fork, and what is hidden, show
    #[command(
        after_help = "Example:\n  avouch log witnessed --witness https://w1.example.com --witness https://w2.example.org"
    )]
    Witnessed(WitnessedArgs),
}

pub(super) fn run(args: &LogArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let context = args.context.load()?;
    let shard = args.shard.clone().map_or(Shard::Newest, Shard::Of);
    let mut reader = Reader::open(&context, shard)?;
    match &args.verb {
        LogVerb::Checkpoint => terminal.bytes(reader.checkpoint.note().as_bytes()),
        LogVerb::Entry { index } => {
            terminal.bytes(&reader.entry(*index)?);
            terminal.line("");
        }
        LogVerb::Prove { index } => prove(&reader, *index, terminal)?,
        LogVerb::Search { wanted, recount, json } => {
            if args.shard.is_some() {
                return Err(Failure::Usage {
                    what: "a log that was frozen is not searched".to_owned(),
                    advice: "read it with `avouch log --shard ORIGIN follow`",
                });
            }
            let completeness = if *recount { Completeness::Recounted } else { Completeness::Told };
            return search::run(wanted, completeness, *json, &mut reader, terminal);
        }
        LogVerb::Witnessed(witnessed) => return witnessed::run(witnessed, &context, &mut reader, terminal),
        LogVerb::Follow(follow) => {
            let state = follow.state.clone().map_or_else(
                || Ok(args.context.path()?.with_file_name(remembered(args.shard.as_deref()))),
                Ok::<_, Failure>,
            )?;
            return follow::run(follow, &state, &mut reader, terminal);
        }
    }
    Ok(Exit::Done)
}

fn prove(reader: &Reader, index: u64, terminal: Terminal) -> Result<(), Failure> {
    let (entry, size) = (reader.entry(index)?, reader.checkpoint.size());
    let path = proof::inclusion(index, size, reader)?;
    let leaf = leaf_hash(&entry);
    verify_inclusion(&leaf, index, size, reader.checkpoint.root(), &path).map_err(bad_log())?;
    terminal.line(format_args!("entry {index} stands in the checkpoint of {size} entries"));
    terminal.line(format_args!("  leaf {leaf}"));
    path.iter().for_each(|hash| terminal.line(format_args!("  with {hash}")));
    terminal.line(format_args!("  root {}", reader.checkpoint.root()));
    if let Ok(body) = Body::parse(&entry) {
        terminal.line(format_args!(
            "  it is a signature over the digest {}",
            data_encoding::HEXLOWER.encode(body.digest())
        ));
    }
    Ok(())
}

/// The file beside the context that remembers how far a log was.
fn remembered(shard: Option<&str>) -> String {
    shard.map_or_else(|| "checkpoint.txt".to_owned(), |origin| format!("checkpoint-{origin}.txt"))
}
