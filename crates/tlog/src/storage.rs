//! The two things that a log stands on: tiles that may be lost and written again, and one checkpoint that may not.
//!
//! They are apart because they promise different things. The lock is small, is asked seldom, and everything hangs on
//! it: whoever holds the newest checkpoint decides what the log is. Tiles are large, many, immutable, and may lie
//! where a read comes late or from a cache.

use std::error::Error;

use crate::TilePath;

/// A tile or entry bundle, and its bytes.
pub type StagedTile = (TilePath, Vec<u8>);

/// Where tiles and entry bundles are.
///
/// *Durability*: what `write` says `Ok` of is seen at once by whoever reads, and survives a crash, its name included,
/// from the moment when [`CheckpointLock::load`] does not return it among the staged tiles any more. (So the two are
/// made by one hand, and no tile has to be waited for.) *Immutability*: a path gets
/// one content, ever. To write the same bytes again succeeds, and makes them durable if they were not; to write other
/// bytes is refused with [`TileError::Differs`] and changes nothing. *Atomicity*: each tile is there whole or not at
/// all, also after a crash; a batch may be there in part. *Consistency*: `read` sees what this process has written;
/// what another wrote may come late. *Concurrency*: any number of readers beside one writer.
///
/// A partial tile may be deleted once the full one is there. Nothing else is ever deleted.
///
/// Beside the tiles lies the newest signed checkpoint, for whoever reads. It is replaced whole, and need not survive a
/// crash: an older one, or none, may be found afterwards, and the log has it signed again.
pub trait TileStore: Send + Sync {
    /// The bytes of each of these, in their order.
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>>;

    /// Writes each of these; the results are in their order. To try again after any error is safe.
    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>>;

    /// Shows a signed checkpoint in the place of the one before.
    fn publish(&self, note: &str) -> Result<(), NoteStoreError>;

    /// The signed checkpoint that is shown; `None` if there is none.
    fn published(&self) -> Result<Option<String>, NoteStoreError>;
}

/// Where the text of the newest checkpoint of one log is, signed or not, and with it the tiles that it added.
///
/// This is what keeps a log from forking: a checkpoint is swapped in here before anybody signs it. An implementation is bound to one log and to a database that must exist: a
/// mistyped path is an error, never an empty lock. It is *serialisable* (of two swaps with the same expectation, in
/// whatever processes, one wins), *durable* (what returned `Ok` survives a crash, checkpoint and staged tiles in one
/// transaction, both or neither), and `load` sees the last swap of anyone. It is used by one writer at a time, and
/// safe against two.
pub trait CheckpointLock: Send + Sync {
    /// What was last swapped in; `None` if this log was never created, which the log takes for fatal.
    fn load(&self) -> Result<Option<Locked>, LockError>;

    /// Puts the first checkpoint of a log in place, where there is none: [`LockError::Exists`] otherwise.
    fn create(&self, first: &str) -> Result<(), LockError>;

    /// Puts `new` in the place of `expected` together with the tiles that it adds, or does nothing at all.
    /// [`LockError::Conflict`] if something else than `expected` is there.
    fn swap(&self, expected: &str, new: &str, staged: &[StagedTile]) -> Result<(), LockError>;

    /// Ends the log whose newest checkpoint is `last`, and begins the one whose first is `first`, in one: what the old one
    /// showed is kept, to be read, and the tile store has nothing of the new one yet. [`LockError::Conflict`] if neither is
    /// there. Where `first` is there already, what an earlier call could not finish is finished.
    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError>;
}

/// What a lock holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The text of the checkpoint onto which the newest was swapped in; of the first, itself.
    pub onto: String,
    /// The text of the newest checkpoint. It may not be signed yet.
    pub checkpoint: String,
    /// The tiles that came with it, and those of earlier ones, as long as they may not have reached the tile store.
    pub staged: Vec<StagedTile>,
}

/// What is known about the disk after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It is certain that nothing was made durable: as if nothing had been tried.
    Nothing,
    /// All of it may be durable, or some, or nothing: whoever needs to know opens the log again.
    Unknown,
}

/// Why a tile could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// There is no such tile.
    #[error("there is no `{path}`")]
    Missing {
        /// The tile.
        path: TilePath,
    },
    /// There is such a tile, with other bytes. Nothing was changed.
    #[error("`{path}` is there already, with other bytes; tiles are never overwritten")]
    Differs {
        /// The tile.
        path: TilePath,
    },
    /// It could not be read; or written, and then it is unknown whether it is there.
    #[error("cannot reach `{path}`")]
    Failed {
        /// The tile.
        path: TilePath,
        /// What the storage said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl TileError {
    /// What is known about the tile after this.
    pub const fn durability(&self) -> Durability {
        match self {
            Self::Missing { .. } | Self::Differs { .. } => Durability::Nothing,
            Self::Failed { .. } => Durability::Unknown,
        }
    }
}

/// Why the signed checkpoint beside the tiles could not be read or replaced.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach the published checkpoint")]
pub struct NoteStoreError(#[source] pub Box<dyn Error + Send + Sync>);

/// Why a lock did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// `create` found a checkpoint. Nothing was changed.
    #[error("there is a checkpoint already")]
    Exists,
    /// `swap` found another checkpoint than it expected: there is a second writer. Nothing was changed.
    #[error("another writer has moved the checkpoint on")]
    Conflict,
    /// It failed, and it is certain that nothing was made durable. To try again is safe.
    #[error("the checkpoint was not touched")]
    Untouched {
        /// What the storage said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It failed, and the new checkpoint may be durable or not.
    #[error("it is not known whether the checkpoint was made durable")]
    Unknown {
        /// What the storage said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl LockError {
    /// What is known about the disk after this.
    pub const fn durability(&self) -> Durability {
        match self {
            Self::Exists | Self::Conflict | Self::Untouched { .. } => Durability::Nothing,
            Self::Unknown { .. } => Durability::Unknown,
        }
    }
}
