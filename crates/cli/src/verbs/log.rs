//! `avouch log`: the transparency log, read as anybody reads it and checked with the trust root.

use std::fs;
use std::path::PathBuf;

use ::verify::TrustRoot;
use clap::{Args, Subcommand};
use client::{Client, Shard};
use envelope::rekor::Body;
use model::Digest;
use model::merkle::leaf_hash;
use tlog::proof::{self, Node, Nodes, ProofError, verify_consistency, verify_inclusion};
use tlog::{SignedCheckpoint, TilePath, tile};

use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    verb: LogVerb,
    /// The origin of the log to read, where it is not the newest: an adoption freezes one, and begins another
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
    /// Prove that the log only grew since the last time, and remember where it is
    #[command(after_help = "Example:\n  avouch log follow --once")]
    Follow {
        /// Look once and end; a timer calls again
        #[arg(long, required = true)]
        once: bool,
        /// Where the last checkpoint is remembered; otherwise beside the context
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
    },
}

/// A log, read over the network.
struct Reader {
    client: Client,
    shard: Shard,
    root: TrustRoot,
    checkpoint: SignedCheckpoint,
}

pub(super) fn run(args: &LogArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let context = args.context.load()?;
    let shard = args.shard.clone().map_or(Shard::Newest, Shard::Of);
    let reader = Reader::open(&context, shard)?;
    match &args.verb {
        LogVerb::Checkpoint => terminal.bytes(reader.checkpoint.note().as_bytes()),
        LogVerb::Entry { index } => {
            terminal.bytes(&reader.entry(*index)?);
            terminal.line("");
        }
        LogVerb::Prove { index } => reader.prove(*index, terminal)?,
        LogVerb::Follow { state, .. } => {
            let state = state.clone().map_or_else(
                || Ok(args.context.path()?.with_file_name(remembered(args.shard.as_deref()))),
                Ok::<_, Failure>,
            )?;
            reader.follow(&state, terminal)?;
        }
    }
    Ok(Exit::Done)
}

impl Reader {
    fn open(context: &Context, shard: Shard) -> Result<Self, Failure> {
        let (client, root) = (context.public()?, context.trust_root()?);
        if let Shard::Of(origin) = &shard {
            check_origin(&root, origin)?;
        }
        let note = crate::online::call(client.checkpoint(&shard))?;
        let checkpoint = open_checkpoint(&root, &String::from_utf8_lossy(&note))?;
        // INVARIANT: what is shown as this log was signed as this log.
        if matches!(&shard, Shard::Of(origin) if origin != checkpoint.checkpoint().origin()) {
            return Err(Failure::Process {
                process: "the server",
                fault: format!("showed the log `{}` for another", checkpoint.checkpoint().origin()),
            });
        }
        Ok(Self { client, shard, root, checkpoint })
    }

    fn tile(&self, path: TilePath) -> Result<Vec<u8>, Failure> {
        crate::online::call(self.client.tile(&self.shard, &path.to_string()))
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, Failure> {
        let size = self.checkpoint.size();
        let no_entry = || Failure::Usage {
            what: format!("the log has {size} entries, and none with index {index}"),
            advice: "indices begin at 0",
        };
        if index >= size {
            return Err(no_entry());
        }
        let path = TilePath::entries(index / 256, width(index / 256, size)).map_err(bad_log())?;
        let bytes = self.tile(path)?;
        let entries = tile::decode_entries(path, &bytes).map_err(bad_log())?;
        let place = usize::try_from(index % 256).expect("less than 256");
        entries.get(place).map(|entry| entry.to_vec()).ok_or_else(no_entry)
    }

    fn prove(&self, index: u64, terminal: Terminal) -> Result<(), Failure> {
        let (entry, size) = (self.entry(index)?, self.checkpoint.size());
        let path = proof::inclusion(index, size, self)?;
        let leaf = leaf_hash(&entry);
        verify_inclusion(&leaf, index, size, self.checkpoint.root(), &path).map_err(bad_log())?;
        terminal.line(format_args!("entry {index} stands in the checkpoint of {size} entries"));
        terminal.line(format_args!("  leaf {leaf}"));
        path.iter().for_each(|hash| terminal.line(format_args!("  with {hash}")));
        terminal.line(format_args!("  root {}", self.checkpoint.root()));
        if let Ok(body) = Body::parse(&entry) {
            terminal.line(format_args!(
                "  it is a signature over the digest {}",
                data_encoding::HEXLOWER.encode(body.digest())
            ));
        }
        Ok(())
    }

    fn follow(&self, state: &PathBuf, terminal: Terminal) -> Result<(), Failure> {
        let new = &self.checkpoint;
        if state.exists() {
            let note = fs::read_to_string(state).map_err(Failure::file("read", state))?;
            let old = open_checkpoint(&self.root, &note)?;
            let path = match old.size() <= new.size() {
                true => proof::consistency(old.size(), new.size(), self)?,
                false => Vec::new(),
            };
            verify_consistency(old.size(), old.root(), new.size(), new.root(), &path).map_err(|source| {
                Failure::BadLog {
                    fault: "does not continue what it said before; keep both checkpoints, they are evidence",
                    source: source.into(),
                }
            })?;
            terminal.line(format_args!(
                "the log grew from {} to {} entries and lost none",
                old.size(),
                new.size()
            ));
        } else {
            terminal
                .line(format_args!("the log has {} entries; the next time is held against this", new.size()));
        }
        crate::files::write(state, new.note().as_bytes())
    }
}

/// The file beside the context that remembers how far a log was.
fn remembered(shard: Option<&str>) -> String {
    shard.map_or_else(|| "checkpoint.txt".to_owned(), |origin| format!("checkpoint-{origin}.txt"))
}

/// Only logs of the trust root are asked for; their names are harmless in paths.
fn check_origin(root: &TrustRoot, origin: &str) -> Result<(), Failure> {
    if root.logs().any(|log| log.name() == origin) {
        return Ok(());
    }
    let known: Vec<&str> = root.logs().map(|log| log.name()).collect();
    Err(Failure::Usage {
        what: format!("the trust root names no log `{origin}`, but {}", known.join(", ")),
        advice: "fetch the present trust root with `avouch trust export`",
    })
}

/// How many entries the tile at `index` has in a log of this size.
fn width(index: u64, size: u64) -> u16 {
    let left = size.saturating_sub(index.saturating_mul(256)).min(256);
    u16::try_from(left).expect("at most 256")
}

fn open_checkpoint(root: &TrustRoot, note: &str) -> Result<SignedCheckpoint, Failure> {
    let origin = note.lines().next().unwrap_or_default();
    let key = root.logs().find(|log| log.name() == origin).ok_or_else(|| Failure::Usage {
        what: "the checkpoint is of a log that the trust root does not name".to_owned(),
        advice: "fetch the present trust root with `avouch trust export`",
    })?;
    SignedCheckpoint::open(note, key).map_err(bad_log())
}

fn bad_log<E: std::error::Error + Send + Sync + 'static>() -> impl FnOnce(E) -> Failure {
    |source| Failure::BadLog { fault: "is not in order", source: Box::new(source) }
}

impl From<ProofError> for Failure {
    fn from(source: ProofError) -> Self {
        bad_log()(source)
    }
}

impl Nodes for Reader {
    type Error = Failure;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Failure> {
        nodes.iter().map(|node| self.node(*node)).collect()
    }
}

impl Reader {
    /// A node is computed from the tile of hashes that it stands above.
    fn node(&self, node: Node) -> Result<Digest, Failure> {
        let (level, above) = (node.level / 8, node.level % 8);
        let first = node.index << above;
        let (index, hashes) = (first / 256, self.checkpoint.size() >> (8 * level));
        let level = u8::try_from(level).expect("a tree has at most eight levels of tiles");
        let path = TilePath::hashes(level, index, width(index, hashes)).map_err(bad_log())?;
        let stored = tile::decode_hashes(path, &self.tile(path)?).map_err(bad_log())?;
        let start = usize::try_from(first % 256).expect("less than 256");
        let beneath = stored.get(start..start + (1 << above)).ok_or(ProofError::NoNode { node })?;
        // All of a perfect subtree: its root is that of the small tree over the stored hashes.
        Ok(model::merkle::root(beneath))
    }
}
