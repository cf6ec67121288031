//! A log, read as anybody reads it: nothing is believed that its checkpoint does not cover.

use ::verify::TrustRoot;
use client::{Client, Shard};
use model::Digest;
use model::merkle::leaf_hash;
use tlog::proof::{Node, Nodes, ProofError};
use tlog::{RightEdge, SignedCheckpoint, TilePath, VerifierKey, tile};

use crate::context::Context;
use crate::failure::Failure;

/// A log, read over the network.
pub(super) struct Reader {
    context: Context,
    pub(super) client: Client,
    shard: Shard,
    pub(super) root: TrustRoot,
    pub(super) checkpoint: SignedCheckpoint,
}

impl Reader {
    pub(super) fn open(context: &Context, shard: Shard) -> Result<Self, Failure> {
        let (client, root) = (context.public()?, context.trust_root()?);
        if let Shard::Of(origin) = &shard {
            check_origin(&root, origin)?;
        }
        let note = fetch(&client, &shard)?;
        // Another log may have begun since the trust root was fetched.
        let root = if log_of(&root, &note).is_some() { root } else { context.renew_trust_root()? };
        let checkpoint = shown(&root, &shard, &note)?;
        Ok(Self { context: context.clone(), client, shard, root, checkpoint })
    }

    /// Goes on with the log as it is now, by what is trusted now.
    pub(super) fn refresh(&mut self) -> Result<(), Failure> {
        self.root = self.context.renew_trust_root()?;
        self.checkpoint = shown(&self.root, &self.shard, &fetch(&self.client, &self.shard)?)?;
        Ok(())
    }

    /// The log of another origin, at the same server.
    pub(super) fn other(&self, origin: &str) -> Result<Self, Failure> {
        Self::open(&self.context, Shard::Of(origin.to_owned()))
    }

    /// Does this log follow the one of that origin? Its key is a later generation of the same.
    pub(super) fn follows(&self, origin: &str) -> bool {
        let registry = self.root.registry();
        let key = |origin: &str| {
            registry.keys().find(|key| key.record.origin.as_deref() == Some(origin)).map(|key| &key.record)
        };
        match (key(origin), key(self.checkpoint.checkpoint().origin())) {
            (Some(old), Some(new)) => old.name == new.name && old.generation < new.generation,
            _ => false,
        }
    }

    pub(super) fn entry(&self, index: u64) -> Result<Vec<u8>, Failure> {
        let size = self.checkpoint.size();
        let no_entry = || Failure::Usage {
            what: format!("the log has {size} entries, and none with index {index}"),
            advice: "indices begin at 0",
        };
        if index >= size {
            return Err(no_entry());
        }
        let mut bundle = self.bundle(index / 256)?;
        let place = usize::try_from(index % 256).expect("less than 256");
        if place < bundle.len() { Ok(bundle.swap_remove(place)) } else { Err(no_entry()) }
    }

    /// The entries of a bundle, as they are in a tree of the checkpoint's size. Only the root says whether they are the
    /// log's.
    pub(super) fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, Failure> {
        let path = TilePath::entries(index, width(index, self.checkpoint.size())).map_err(bad_log())?;
        let bytes = self.tile(path)?;
        let entries = tile::decode_entries(path, &bytes).map_err(bad_log())?;
        Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// The right edge of the tree as it was under an earlier checkpoint, from the tiles of now.
    pub(super) fn edge_at(&self, old: &SignedCheckpoint) -> Result<RightEdge, Failure> {
        let size = old.size();
        let mut nodes = Vec::new();
        let mut before = 0_u64;
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            nodes.push(Node { level, index: before >> level });
            before += 1 << level;
        }
        let edge = RightEdge::from_parts(size, self.read(&nodes)?).map_err(bad_log())?;
        match edge.root() == *old.root() {
            true => Ok(edge),
            false => Err(forked()),
        }
    }

    fn tile(&self, path: TilePath) -> Result<Vec<u8>, Failure> {
        crate::online::call(self.client.tile(&self.shard, &path.to_string()))
    }

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

impl Nodes for Reader {
    type Error = Failure;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Failure> {
        nodes.iter().map(|node| self.node(*node)).collect()
    }
}

/// What is wrong with a log that is not what it said before.
pub(super) fn forked() -> Failure {
    Failure::BadLog {
        fault: "does not continue what it said before; keep both checkpoints, they are evidence",
        source: "its tiles give another root than the one that it signed".into(),
    }
}

/// Adds entries to the edge of a tree.
pub(super) fn grow(edge: &mut RightEdge, entries: &[Vec<u8>]) {
    entries.iter().for_each(|entry| edge.append(leaf_hash(entry)));
}

fn fetch(client: &Client, shard: &Shard) -> Result<String, Failure> {
    let note = crate::online::call(client.checkpoint(shard))?;
    Ok(String::from_utf8_lossy(&note).into_owned())
}

fn shown(root: &TrustRoot, shard: &Shard, note: &str) -> Result<SignedCheckpoint, Failure> {
    let checkpoint = open_checkpoint(root, note)?;
    // INVARIANT: what is shown as this log was signed as this log.
    if matches!(shard, Shard::Of(origin) if origin != checkpoint.checkpoint().origin()) {
        return Err(Failure::Process {
            process: "the server",
            fault: format!("showed the log `{}` for another", checkpoint.checkpoint().origin()),
        });
    }
    Ok(checkpoint)
}

/// The key of the log that a checkpoint is of, if the trust root names it.
fn log_of<'a>(root: &'a TrustRoot, note: &str) -> Option<&'a VerifierKey> {
    let origin = note.lines().next().unwrap_or_default();
    root.logs().find(|log| log.name() == origin)
}

pub(super) fn open_checkpoint(root: &TrustRoot, note: &str) -> Result<SignedCheckpoint, Failure> {
    let key = log_of(root, note).ok_or_else(|| Failure::Usage {
        what: "the checkpoint is of a log that the trust root does not name".to_owned(),
        advice: "fetch the present trust root with `avouch trust export`",
    })?;
    SignedCheckpoint::open(note, key).map_err(bad_log())
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

pub(super) fn bad_log<E: std::error::Error + Send + Sync + 'static>() -> impl FnOnce(E) -> Failure {
    |source| Failure::BadLog { fault: "is not in order", source: Box::new(source) }
}

impl From<ProofError> for Failure {
    fn from(source: ProofError) -> Self {
        bad_log()(source)
    }
}
