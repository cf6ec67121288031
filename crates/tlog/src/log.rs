//! One append-only log.
//!
//! The order of effects is what makes it safe. Entries are *staged*: hashed, put into tiles, a new checkpoint
//! composed, all in memory. The checkpoint's text goes out and a signature comes back. Then *commit*:
//!
//! | if we stop | what is true | who finishes |
//! |---|---|---|
//! | before the signature | nothing has happened | the caller stages anew |
//! | before the swap | nothing is durable here, but the key has signed | the caller stages **the same entries in the same order** |
//! | after the swap | checkpoint and staged tiles are durable, in one transaction | opening the log writes the tiles |
//! | after the tiles | all is durable, nobody was told | the caller finds its entries in the log |
//!
//! A key that signs checkpoints signs none that does not extend the last one that it signed. So once a checkpoint is
//! signed, it is the only way on: staging is a function of the log and the entries alone, which makes the same
//! checkpoint, to the byte, out of the same batch. Until it is swapped in, nobody may see it.

use std::sync::Arc;

use model::Digest;
use model::merkle::leaf_hash;

use crate::tile::{self, FULL_WIDTH};
use crate::{
    Checkpoint, CheckpointLock, Durability, LockError, RightEdge, SIZE_MAX, SignedCheckpoint, StagedTile,
    TilePath, TileStore, VerifierKey, proof,
};

mod error;
mod right;
mod stored;

pub use error::LogError;
use right::{Growth, RightError, RightTiles};
use stored::StoredNodes;

/// The most entries that are staged at once.
pub const ENTRIES_MAX: usize = 4_096;

/// A log that was asked for and does not exist yet: its first checkpoint, of no entries, waits for its signature.
#[derive(Debug)]
pub struct Founding {
    key: VerifierKey,
    checkpoint: Checkpoint,
}

/// An append-only log: the one writer of its tree.
pub struct Log {
    key: VerifierKey,
    tiles: Arc<dyn TileStore>,
    lock: Arc<dyn CheckpointLock>,
    checkpoint: SignedCheckpoint,
    // INVARIANT: the right-hand side of the tree whose size and root are in `checkpoint`.
    right: RightTiles,
    standing: Standing,
}

/// Does memory still say what the disk says?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Sound,
    Stopped,
}

/// Entries that are to be appended, and the checkpoint that would then hold. Dropping it undoes nothing, because
/// nothing has happened yet.
#[derive(Debug)]
pub struct Staged {
    onto: SignedCheckpoint,
    checkpoint: Checkpoint,
    consistency: Vec<Digest>,
    growth: Growth,
}

/// Entries that are durable in the log, under a checkpoint that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The checkpoint that covers them all.
    pub checkpoint: SignedCheckpoint,
    /// The entries, in the order in which they were staged.
    pub entries: Vec<Logged>,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its index.
    pub index: u64,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// Its inclusion path in the tree of the checkpoint.
    pub path: Vec<Digest>,
}

impl Founding {
    /// The first checkpoint: no entries, the root of the empty tree.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What the log's key signs.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.checkpoint.text().into_bytes()
    }

    /// Creates the log, where there is none.
    pub fn commit(
        self,
        signature: &[u8],
        tiles: Arc<dyn TileStore>,
        lock: Arc<dyn CheckpointLock>,
    ) -> Result<Log, LogError> {
        let Self { key, checkpoint } = self;
        let checkpoint = SignedCheckpoint::seal(checkpoint, &key, signature).map_err(LogError::Signature)?;
        lock.create(checkpoint.note()).map_err(|source| lock_error("create", &key, source))?;
        // CRASH: the log exists, without an entry; opening it goes on from there.
        Ok(Log { key, tiles, lock, checkpoint, right: RightTiles::default(), standing: Standing::Sound })
    }
}

impl Staged {
    /// The checkpoint onto which they were staged: the newest.
    pub const fn onto(&self) -> &SignedCheckpoint {
        &self.onto
    }

    /// The size of the tree without them.
    pub const fn old_size(&self) -> u64 {
        self.growth.old().size()
    }

    /// The right edge of the tree without them.
    pub const fn old_edge(&self) -> &RightEdge {
        self.growth.old()
    }

    /// The checkpoint with them, to be signed.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What the log's key signs.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.checkpoint.text().into_bytes()
    }

    /// The consistency proof from the old tree to the new one: whoever signs holds it against the last checkpoint
    /// that they signed.
    pub fn consistency(&self) -> &[Digest] {
        &self.consistency
    }

    /// The leaf hashes of the entries, in their order.
    pub fn leaf_hashes(&self) -> &[Digest] {
        self.growth.leaf_hashes()
    }
}

impl Log {
    /// Asks for a new log, whose origin is the name of its key. Nothing else ever creates one.
    pub fn create(key: VerifierKey) -> Result<Founding, LogError> {
        let refuse = || LogError::Origin { origin: key.name().chars().take(64).collect() };
        if !is_host(key.name()) {
            return Err(refuse());
        }
        let checkpoint = Checkpoint::new(key.name(), 0, RightEdge::new().root()).map_err(|_| refuse())?;
        Ok(Founding { key, checkpoint })
    }

    /// Opens the log whose key this is: verifies the checkpoint, puts the right-hand side of the tree together and
    /// holds it against the root, and writes the tiles that came with the last checkpoint once more.
    pub fn open(
        key: VerifierKey,
        tiles: Arc<dyn TileStore>,
        lock: Arc<dyn CheckpointLock>,
    ) -> Result<Self, LogError> {
        let locked = lock.load().map_err(|source| lock_error("read", &key, source))?;
        let locked = locked.ok_or_else(|| LogError::NotCreated { origin: key.name().to_owned() })?;
        let checkpoint = SignedCheckpoint::open(&locked.checkpoint, &key)
            .map_err(|source| LogError::StoredCheckpoint { origin: key.name().to_owned(), source })?;
        let right = right_side(&key, checkpoint.checkpoint(), &locked.staged, &*tiles)?;
        let mut log = Self { key, tiles, lock, checkpoint, right, standing: Standing::Sound };
        log.publish(&locked.staged)?;
        Ok(log)
    }

    /// The newest checkpoint. Its tiles are all written, so it may be shown to anyone.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The key that signs its checkpoints.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Composes the checkpoint that appends these entries. Nothing happens to the log, and the same entries in the
    /// same order give the same checkpoint until another one is committed.
    pub fn stage(&self, entries: &[Vec<u8>]) -> Result<Staged, LogError> {
        self.sound()?;
        let count = entries.len();
        let room = SIZE_MAX - self.checkpoint.size();
        if !(1..=ENTRIES_MAX).contains(&count) || u64::try_from(count).map_or(true, |count| count > room) {
            return Err(LogError::Entries { count });
        }
        let growth =
            self.right.grow(entries).map_err(|(position, source)| LogError::Entry { position, source })?;
        let consistency = proof::consistency(growth.old().size(), growth.size(), &growth)?;
        let checkpoint = self.checkpoint.checkpoint().extended(growth.size(), growth.root());
        Ok(Staged { onto: self.checkpoint.clone(), checkpoint, consistency, growth })
    }

    /// Makes staged entries durable under a checkpoint with this signature, and only then says where they are.
    ///
    /// After an error of [`Durability::Unknown`], and where another writer was met, the log refuses all work until it
    /// is opened again; after any other error nothing has happened, and the entries may be staged once more.
    pub fn commit(&mut self, staged: Staged, signature: &[u8]) -> Result<Committed, LogError> {
        self.sound()?;
        let Staged { onto, checkpoint, growth, .. } = staged;
        if onto != self.checkpoint {
            let (staged, size) = (onto.size(), self.checkpoint.size());
            return Err(LogError::Outdated { origin: self.origin(), staged, size });
        }
        let checkpoint =
            SignedCheckpoint::seal(checkpoint, &self.key, signature).map_err(LogError::Signature)?;
        let entries = logged(&growth)?;
        // CRASH: nothing is durable, and nobody has seen the signed checkpoint.
        self.swap(&checkpoint, growth.tiles())?;
        // CRASH: the checkpoint and its tiles are durable; the tile store lacks them until the log is opened.
        self.publish(growth.tiles())?;
        // CRASH: everything is durable, and nobody was told: the entries are found in the log.
        self.checkpoint = checkpoint.clone();
        self.right = growth.into_right();
        Ok(Committed { checkpoint, entries })
    }

    /// The inclusion path of an entry in the tree of the newest checkpoint.
    pub fn inclusion(&self, index: u64) -> Result<Logged, LogError> {
        let (size, nodes) = (self.checkpoint.size(), self.nodes()?);
        let path = proof::inclusion(index, size, &nodes)?;
        let leaf_hash = proof::leaf(index, &nodes)?;
        proof::verify_inclusion(&leaf_hash, index, size, self.checkpoint.root(), &path)?;
        Ok(Logged { index, leaf_hash, path })
    }

    /// The consistency proof between two sizes that the log has had.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, LogError> {
        let proof = proof::consistency(old, new, &self.nodes()?)?;
        proof::verify_consistency(old, &self.root_of(old)?, new, &self.root_of(new)?, &proof)?;
        Ok(proof)
    }

    /// The root that the log had at a size, shown to be consistent with the newest checkpoint.
    pub fn root_of(&self, size: u64) -> Result<Digest, LogError> {
        let (newest, nodes) = (&self.checkpoint, self.nodes()?);
        let proof = proof::consistency(size, newest.size(), &nodes)?;
        let root = proof::root(size, &nodes)?;
        proof::verify_consistency(size, &root, newest.size(), newest.root(), &proof)?;
        Ok(root)
    }

    /// An entry, held against its hash in the tree.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        let expected = self.inclusion(index)?.leaf_hash;
        let full = u64::from(FULL_WIDTH);
        let (bundle, within) = (index / full, index % full);
        let width = (self.checkpoint.size() - bundle * full).min(full);
        let path = TilePath::entries(bundle, u16::try_from(width).expect("at most 256"))?;
        let [bytes] = read(&self.key, &*self.tiles, &[path])?.try_into().expect("one path, one result");
        let entries = tile::decode_entries(path, &bytes)?;
        let entry = entries.get(usize::try_from(within).expect("less than 256")).copied();
        match entry.filter(|entry| leaf_hash(entry) == expected) {
            Some(entry) => Ok(entry.to_vec()),
            None => Err(LogError::OtherEntry { origin: self.origin(), index }),
        }
    }

    fn swap(&mut self, new: &SignedCheckpoint, staged: &[StagedTile]) -> Result<(), LogError> {
        self.lock.swap(self.checkpoint.note(), new.note(), staged).map_err(|source| {
            // Where another writer is, what memory holds is no longer the log.
            if source.durability() == Durability::Unknown || matches!(source, LockError::Conflict) {
                self.standing = Standing::Stopped;
            }
            lock_error("swap", &self.key, source)
        })
    }

    /// Writes tiles whose checkpoint is durable: the one way, for a commit and for opening after a crash.
    fn publish(&mut self, staged: &[StagedTile]) -> Result<(), LogError> {
        let written: Result<Vec<()>, _> = self.tiles.write(staged).into_iter().collect();
        written.map(|_| ()).map_err(|source| {
            self.standing = Standing::Stopped;
            LogError::Publish { origin: self.origin(), source }
        })
    }

    fn sound(&self) -> Result<(), LogError> {
        match self.standing {
            Standing::Sound => Ok(()),
            Standing::Stopped => Err(LogError::Stopped { origin: self.origin() }),
        }
    }

    fn nodes(&self) -> Result<StoredNodes<'_>, LogError> {
        self.sound()?;
        Ok(StoredNodes { tiles: &*self.tiles, origin: self.key.name(), size: self.checkpoint.size() })
    }

    fn origin(&self) -> String {
        self.key.name().to_owned()
    }
}

/// Where new entries are, and their paths in the new tree.
fn logged(growth: &Growth) -> Result<Vec<Logged>, LogError> {
    let (old, size) = (growth.old().size(), growth.size());
    let indices = (old..size).zip(growth.leaf_hashes());
    indices
        .map(|(index, leaf_hash)| {
            Ok(Logged { index, leaf_hash: *leaf_hash, path: proof::inclusion(index, size, growth)? })
        })
        .collect()
}

/// Puts the right-hand side of a log together, from the tiles that came with its checkpoint and from those that are
/// stored, and holds it against the checkpoint.
fn right_side(
    key: &VerifierKey,
    checkpoint: &Checkpoint,
    staged: &[StagedTile],
    tiles: &dyn TileStore,
) -> Result<RightTiles, LogError> {
    let origin = || key.name().to_owned();
    let (mut found, mut stored) = (Vec::new(), Vec::new());
    for path in RightTiles::paths(checkpoint.size())? {
        match staged.iter().find(|(name, _)| *name == path) {
            Some(tile) => found.push(tile.clone()),
            None => stored.push(path),
        }
    }
    let bytes = read(key, tiles, &stored)?;
    found.extend(stored.into_iter().zip(bytes));
    let right = RightTiles::from_tiles(checkpoint.size(), found).map_err(|error| match error {
        RightError::Format(source) => LogError::Tile(source),
        RightError::Edge(source) => LogError::Edge(source),
        RightError::OtherEntry { index } => LogError::OtherEntry { origin: origin(), index },
    })?;
    let (expected, root) = (*checkpoint.root(), right.edge().root());
    if root != expected {
        return Err(LogError::OtherRoot { origin: origin(), size: checkpoint.size(), expected, found: root });
    }
    Ok(right)
}

fn read(key: &VerifierKey, tiles: &dyn TileStore, paths: &[TilePath]) -> Result<Vec<Vec<u8>>, LogError> {
    let read: Result<Vec<_>, _> = tiles.read(paths).into_iter().collect();
    read.map_err(|source| LogError::Read { origin: key.name().to_owned(), source })
}

fn lock_error(action: &'static str, key: &VerifierKey, source: LockError) -> LogError {
    LogError::Lock { action, origin: key.name().to_owned(), source }
}

/// Is this a bare host name in lower case? Foreign clients derive the name of a log's key from its address.
fn is_host(origin: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    origin.len() <= 253 && origin.split('.').all(label)
}
