//! One append-only log.
//!
//! The order of effects is what makes it safe. Entries are *staged*: hashed, put into tiles, a new checkpoint
//! composed, all in memory. Staged entries are *swapped* in: text and tiles of the new checkpoint become durable in one
//! transaction. Only then is a signature asked for, over what is now the only next state that the log can have; with it
//! the pending checkpoint is *sealed* and shown.
//!
//! | if we stop | what is true | who finishes |
//! |---|---|---|
//! | before the swap | nothing has happened | the caller stages anew, whatever it likes |
//! | after the swap | checkpoint and staged tiles are durable, unsigned; nobody has seen them | opening the log: it is pending |
//! | after the signature | the key knows this head as its last | the same order gives the same signature |
//! | after the tiles, or the note | all is durable, nobody was told | the caller finds its entries in the log |
//!
//! A key that signs checkpoints signs none that does not extend the last one that it signed. Were the order the other
//! way round, a signed checkpoint whose batch was lost would be a head that nothing but the very same batch extends.

use std::sync::Arc;

use model::Digest;

use crate::entries::Entries;
use crate::tile::{self, FULL_WIDTH};
use crate::{
    Checkpoint, CheckpointLock, Durability, LockError, Locked, RightEdge, SIZE_MAX, SignedCheckpoint,
    StagedTile, TilePath, TileStore, VerifierKey, proof,
};

mod error;
mod published;
mod right;
mod stored;

pub use error::LogError;
pub use published::PublishedLog;
use right::{Grown, RightError, RightTiles};
use stored::StoredNodes;

/// The most entries that are staged at once.
pub const ENTRIES_MAX: usize = 4_096;

/// An append-only log: the one writer of its tree.
pub struct Log {
    key: VerifierKey,
    tiles: Arc<dyn TileStore>,
    lock: Arc<dyn CheckpointLock>,
    signed: Option<SignedCheckpoint>,
    pending: Option<Pending>,
    // INVARIANT: the right-hand side of the tree of the newest checkpoint, signed or pending.
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
    onto: Checkpoint,
    checkpoint: Checkpoint,
    consistency: Vec<Digest>,
    growth: Grown,
}

/// A checkpoint that is durable and waits for its signature: the only next state that the log can have.
#[derive(Debug)]
pub struct Pending {
    onto: Checkpoint,
    checkpoint: Checkpoint,
    consistency: Vec<Digest>,
    tiles: Vec<StagedTile>,
    entries: Vec<Logged>,
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

impl Staged {
    /// The checkpoint onto which they were staged.
    pub const fn onto(&self) -> &Checkpoint {
        &self.onto
    }

    /// The right edge of the tree without them.
    pub const fn old_edge(&self) -> &RightEdge {
        self.growth.old()
    }

    /// The checkpoint with them.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The leaf hashes of the entries, in their order.
    pub fn leaf_hashes(&self) -> &[Digest] {
        self.growth.leaf_hashes()
    }
}

impl Pending {
    /// The checkpoint that it extends: the last one that was signed. Of the first checkpoint, itself.
    pub const fn onto(&self) -> &Checkpoint {
        &self.onto
    }

    /// The checkpoint to be signed.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// What the log's key signs. A log of certificates signs a [tree head](crate::tree_head) instead, whose time its key
    /// chooses.
    pub fn to_be_signed(&self) -> Vec<u8> {
        self.checkpoint.text().into_bytes()
    }

    /// The consistency proof between the two: whoever signs holds it against the last checkpoint that they signed.
    pub fn consistency(&self) -> &[Digest] {
        &self.consistency
    }
}

impl Log {
    /// Creates a log, where there is none; its origin is that of its key. Nothing else ever creates one. Its first
    /// checkpoint, of no entries, waits for its signature.
    pub fn create(
        key: VerifierKey,
        tiles: Arc<dyn TileStore>,
        lock: Arc<dyn CheckpointLock>,
    ) -> Result<Self, LogError> {
        let first = first_checkpoint(&key)?;
        lock.create(&first.text()).map_err(|source| lock_error("create", &key, source))?;
        // CRASH: the log exists, without an entry; opening it goes on from there.
        Self::open(key, tiles, lock)
    }

    /// Creates a log in the place of another, whose newest checkpoint has this text: that one gets no further entry.
    pub fn succeed(
        last: &str,
        key: VerifierKey,
        tiles: Arc<dyn TileStore>,
        lock: Arc<dyn CheckpointLock>,
    ) -> Result<Self, LogError> {
        let first = first_checkpoint(&key)?;
        lock.succeed(last, &first.text()).map_err(|source| lock_error("create", &key, source))?;
        // CRASH: the other is kept and this one exists, without an entry; opening it goes on from there.
        Self::open(key, tiles, lock)
    }

    /// Opens the log whose key this is: puts the right-hand side of the tree together, holds it against the root of
    /// the newest checkpoint, and writes the tiles that came with it once more. Where that checkpoint is not shown
    /// signed, it is pending.
    pub fn open(
        key: VerifierKey,
        tiles: Arc<dyn TileStore>,
        lock: Arc<dyn CheckpointLock>,
    ) -> Result<Self, LogError> {
        let locked = lock.load().map_err(|source| lock_error("read", &key, source))?;
        let Locked { onto, checkpoint, staged } =
            locked.ok_or_else(|| LogError::NotCreated { origin: key.origin().to_owned() })?;
        let (onto, checkpoint) = (stored_checkpoint(&key, &onto)?, stored_checkpoint(&key, &checkpoint)?);
        let right = right_side(&key, &checkpoint, &staged, &*tiles)?;
        let mut log =
            Self { key, tiles, lock, signed: None, pending: None, right, standing: Standing::Sound };
        log.write(&staged)?;
        log.signed = log.shown(&onto, &checkpoint)?;
        if log.signed.as_ref().is_none_or(|signed| *signed.checkpoint() != checkpoint) {
            log.pending = Some(log.found_pending(onto, checkpoint, staged)?);
        }
        Ok(log)
    }

    /// The newest signed checkpoint. Its tiles are all written, so it may be shown to anyone. None, before the first
    /// was signed.
    pub const fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.signed.as_ref()
    }

    /// The checkpoint that waits for its signature, if there is one.
    pub const fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// The key that signs its checkpoints.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Composes the checkpoint that appends these entries. Nothing happens to the log.
    pub fn stage(&self, entries: &[Vec<u8>]) -> Result<Staged, LogError> {
        let onto = self.settled()?.checkpoint().clone();
        let count = entries.len();
        let room = SIZE_MAX - onto.size();
        if !(1..=ENTRIES_MAX).contains(&count) || u64::try_from(count).map_or(true, |count| count > room) {
            return Err(LogError::Entries { count });
        }
        let growth =
            self.right.grow(entries).map_err(|(position, source)| LogError::Entry { position, source })?;
        let consistency = proof::consistency(growth.old().size(), growth.size(), &growth)?;
        let checkpoint = onto.extended(growth.size(), growth.root());
        Ok(Staged { onto, checkpoint, consistency, growth })
    }

    /// Makes staged entries durable, as the only next state that the log can have. It then waits for its signature.
    ///
    /// After an error of [`Durability::Unknown`], and where another writer was met, the log refuses all work until it
    /// is opened again; after any other error nothing has happened, and the entries may be staged once more.
    pub fn swap(&mut self, staged: Staged) -> Result<(), LogError> {
        let Staged { onto, checkpoint, consistency, growth } = staged;
        let newest = self.settled()?.checkpoint();
        if onto != *newest {
            return Err(LogError::Outdated {
                origin: self.origin(),
                staged: onto.size(),
                size: newest.size(),
            });
        }
        let entries = logged(&growth)?;
        // CRASH: nothing has happened.
        let swapped = self.lock.swap(&onto.text(), &checkpoint.text(), growth.tiles());
        swapped.map_err(|source| {
            // Where another writer is, what memory holds is no longer the log.
            if source.durability() == Durability::Unknown || matches!(source, LockError::Conflict) {
                self.standing = Standing::Stopped;
            }
            lock_error("swap", &self.key, source)
        })?;
        // CRASH: the checkpoint and its tiles are durable, unsigned; opening the log finds it pending.
        let tiles = growth.tiles().to_vec();
        self.right = growth.into_right();
        self.pending = Some(Pending { onto, checkpoint, consistency, tiles, entries });
        Ok(())
    }

    /// Seals the pending checkpoint with its signature and shows it, and only then says where its entries are. A
    /// signature that does not verify changes nothing; after any other error the log is to be opened again.
    pub fn seal(&mut self, signature: &[u8]) -> Result<Committed, LogError> {
        self.sound()?;
        let pending =
            self.pending.as_ref().ok_or_else(|| LogError::NothingPending { origin: self.origin() })?;
        let checkpoint = SignedCheckpoint::seal(pending.checkpoint.clone(), &self.key, signature)
            .map_err(LogError::Signature)?;
        let Pending { tiles, entries, .. } = self.pending.take().expect("it was there a line ago");
        self.write(&tiles)?;
        // CRASH: the tiles are there, the signed checkpoint is not shown: it is signed again, with the same bytes.
        self.tiles.publish(checkpoint.note()).map_err(|source| {
            self.standing = Standing::Stopped;
            LogError::Note { origin: self.origin(), source }
        })?;
        // CRASH: everything is public, and nobody was told: the entries are found in the log.
        self.signed = Some(checkpoint.clone());
        Ok(Committed { checkpoint, entries })
    }

    /// The inclusion path of an entry in the tree of the newest checkpoint.
    pub fn inclusion(&self, index: u64) -> Result<Logged, LogError> {
        let (newest, nodes) = (self.newest()?, self.nodes()?);
        let path = proof::inclusion(index, newest.size(), &nodes)?;
        let leaf_hash = proof::leaf(index, &nodes)?;
        proof::verify_inclusion(&leaf_hash, index, newest.size(), newest.root(), &path)?;
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
        let (newest, nodes) = (self.newest()?, self.nodes()?);
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
        let width = (self.newest()?.size() - bundle * full).min(full);
        let kind = Entries::of(&self.key);
        let path = kind.bundle(bundle, u16::try_from(width).expect("at most 256"))?;
        let [bytes] = read(&self.key, &*self.tiles, &[path])?.try_into().expect("one path, one result");
        let entries = tile::decode_entries(path, &bytes)?;
        let entry = entries.get(usize::try_from(within).expect("less than 256")).copied();
        match entry.filter(|entry| kind.is_leaf(index, entry, &expected)) {
            Some(entry) => Ok(entry.to_vec()),
            None => Err(LogError::OtherEntry { origin: self.origin(), index }),
        }
    }

    /// The signed checkpoint that is shown, if it is one of the two that it can be.
    fn shown(&self, onto: &Checkpoint, newest: &Checkpoint) -> Result<Option<SignedCheckpoint>, LogError> {
        let note =
            self.tiles.published().map_err(|source| LogError::Note { origin: self.origin(), source })?;
        let shown = note.map(|note| SignedCheckpoint::open(&note, &self.key)).transpose();
        let shown = shown.map_err(|source| LogError::StoredCheckpoint { origin: self.origin(), source })?;
        Ok(shown.filter(|shown| [onto, newest].contains(&shown.checkpoint())))
    }

    /// What a swap left that nobody has signed, as far as it is known here.
    fn found_pending(
        &self,
        onto: Checkpoint,
        checkpoint: Checkpoint,
        tiles: Vec<StagedTile>,
    ) -> Result<Pending, LogError> {
        let nodes = self.nodes_of(checkpoint.size());
        let consistency = proof::consistency(onto.size(), checkpoint.size(), &nodes)?;
        let entry = |index| {
            let path = proof::inclusion(index, checkpoint.size(), &nodes)?;
            Ok(Logged { index, leaf_hash: proof::leaf(index, &nodes)?, path })
        };
        let entries = (onto.size()..checkpoint.size()).map(entry).collect::<Result<_, LogError>>()?;
        Ok(Pending { onto, checkpoint, consistency, tiles, entries })
    }

    /// Writes tiles whose checkpoint is durable: the one way, for sealing and for opening after a crash.
    fn write(&mut self, staged: &[StagedTile]) -> Result<(), LogError> {
        let written = self.tiles.write(staged);
        assert_eq!(written.len(), staged.len(), "a tile store answers for every tile");
        written.into_iter().collect::<Result<(), _>>().map_err(|source| {
            self.standing = Standing::Stopped;
            LogError::Publish { origin: self.origin(), source }
        })
    }

    /// The newest checkpoint, where it is signed and nothing is pending.
    fn settled(&self) -> Result<&SignedCheckpoint, LogError> {
        self.sound()?;
        match &self.pending {
            Some(pending) => {
                Err(LogError::Pending { origin: self.origin(), size: pending.checkpoint.size() })
            }
            None => self.newest(),
        }
    }

    fn newest(&self) -> Result<&SignedCheckpoint, LogError> {
        self.signed.as_ref().ok_or_else(|| LogError::Unsigned { origin: self.origin() })
    }

    fn sound(&self) -> Result<(), LogError> {
        match self.standing {
            Standing::Sound => Ok(()),
            Standing::Stopped => Err(LogError::Stopped { origin: self.origin() }),
        }
    }

    /// The nodes of the newest signed tree. Tiles of a pending one may be there already and be wider: a signed tree is
    /// read with its own widths.
    fn nodes(&self) -> Result<StoredNodes<'_>, LogError> {
        self.sound()?;
        Ok(self.nodes_of(self.newest()?.size()))
    }

    fn nodes_of(&self, size: u64) -> StoredNodes<'_> {
        StoredNodes { tiles: &*self.tiles, origin: self.key.origin(), size }
    }

    fn origin(&self) -> String {
        self.key.origin().to_owned()
    }
}

/// The checkpoint of a log without an entry.
fn first_checkpoint(key: &VerifierKey) -> Result<Checkpoint, LogError> {
    let refuse = || LogError::Origin { origin: key.name().chars().take(64).collect() };
    if !Entries::of(key).is_origin(key.name()) {
        return Err(refuse());
    }
    Checkpoint::new(key.origin(), 0, RightEdge::new().root()).map_err(|_| refuse())
}

/// The text of a checkpoint that the lock holds: it must be one of this log.
fn stored_checkpoint(key: &VerifierKey, text: &str) -> Result<Checkpoint, LogError> {
    let refuse = |source| LogError::StoredCheckpoint { origin: key.origin().to_owned(), source };
    let checkpoint = Checkpoint::parse(text).map_err(refuse)?;
    if checkpoint.origin() != key.origin() {
        let (expected, found) = (key.origin().to_owned(), checkpoint.origin().to_owned());
        return Err(refuse(crate::CheckpointError::Origin { expected, found }));
    }
    Ok(checkpoint)
}

/// Where new entries are, and their paths in the new tree.
fn logged(growth: &Grown) -> Result<Vec<Logged>, LogError> {
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
    let origin = || key.origin().to_owned();
    let (mut found, mut stored) = (Vec::new(), Vec::new());
    let entries = Entries::of(key);
    for path in RightTiles::paths(entries, checkpoint.size())? {
        match staged.iter().find(|(name, _)| *name == path) {
            Some(tile) => found.push(tile.clone()),
            None => stored.push(path),
        }
    }
    let bytes = read(key, tiles, &stored)?;
    found.extend(stored.into_iter().zip(bytes));
    let right = RightTiles::from_tiles(entries, checkpoint.size(), found).map_err(|error| match error {
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
    let read = tiles.read(paths);
    assert_eq!(read.len(), paths.len(), "a tile store answers for every tile");
    let read: Result<Vec<_>, _> = read.into_iter().collect();
    read.map_err(|source| LogError::Read { origin: key.origin().to_owned(), source })
}

fn lock_error(action: &'static str, key: &VerifierKey, source: LockError) -> LogError {
    LogError::Lock { action, origin: key.origin().to_owned(), source }
}
