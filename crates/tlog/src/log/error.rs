//! Why a log did not do what it was asked, and what is then known about the disk.

use model::Digest;

use crate::note::NoteError;
use crate::tile::TileFormatError;
use crate::{CheckpointError, Durability, EdgeError, LockError, NoteStoreError, ProofError, TileError};

use super::ENTRIES_MAX;

/// Why a log did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// An origin that is not a bare host name; of a log of certificates, one with a path that is none.
    #[error(
        "`{origin}` is not the origin of a log, which is a host name in lower case, without port and path"
    )]
    Origin {
        /// The origin.
        origin: String,
    },
    /// No checkpoint where one must be.
    #[error(
        "there is no log `{origin}` in this store; nothing is made in its place: look for the right store, or create \
         the log if it never was"
    )]
    NotCreated {
        /// The log.
        origin: String,
    },
    /// The lock failed.
    #[error("cannot {action} the checkpoint of the log `{origin}`")]
    Lock {
        /// What was tried.
        action: &'static str,
        /// The log.
        origin: String,
        /// Why it failed.
        #[source]
        source: LockError,
    },
    /// The stored checkpoint is not one of this log.
    #[error("the stored checkpoint of the log `{origin}` cannot be believed")]
    StoredCheckpoint {
        /// The log.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// The stored tiles have another root than the checkpoint.
    #[error(
        "the tiles of the log `{origin}` lead to the root `{found}`, its checkpoint of {size} entries says `{expected}`"
    )]
    OtherRoot {
        /// The log.
        origin: String,
        /// The checkpoint's size.
        size: u64,
        /// The checkpoint's root.
        expected: Digest,
        /// The root of the tiles.
        found: Digest,
    },
    /// A stored entry that is not the one whose hash is in the tree.
    #[error("entry {index} of the log `{origin}` is not the one whose hash is in its tree")]
    OtherEntry {
        /// The log.
        origin: String,
        /// The entry.
        index: u64,
    },
    /// A tile could not be read.
    #[error("cannot read the tiles of the log `{origin}`")]
    Read {
        /// The log.
        origin: String,
        /// Why.
        #[source]
        source: TileError,
    },
    /// A tile could not be written, although the checkpoint that needs it is durable.
    #[error(
        "the checkpoint of the log `{origin}` is durable and its tiles are not; open the log again to write them"
    )]
    Publish {
        /// The log.
        origin: String,
        /// Why.
        #[source]
        source: TileError,
    },
    /// The signed checkpoint could not be shown, or what is shown could not be read.
    #[error("the signed checkpoint of the log `{origin}` cannot be published; open the log again")]
    Note {
        /// The log.
        origin: String,
        /// Why.
        #[source]
        source: NoteStoreError,
    },
    /// Nothing can be appended before the pending checkpoint is signed.
    #[error("the checkpoint of {size} entries of the log `{origin}` waits for its signature")]
    Pending {
        /// The log.
        origin: String,
        /// The size of the pending checkpoint.
        size: u64,
    },
    /// A signature for a log that waits for none.
    #[error("no checkpoint of the log `{origin}` waits for a signature")]
    NothingPending {
        /// The log.
        origin: String,
    },
    /// A log of which no checkpoint was ever signed.
    #[error("the log `{origin}` has no signed checkpoint yet")]
    Unsigned {
        /// The log.
        origin: String,
    },
    /// A tile whose bytes are no tile, or an entry too long for one.
    #[error("what is in the tile is not what its name promises")]
    Tile(#[from] TileFormatError),
    /// Tiles that are not the right-hand side of a tree of the checkpoint's size.
    #[error("the tiles at the log's right edge do not fit its checkpoint")]
    Edge(#[from] EdgeError),
    /// There is no such proof, or the stored tiles do not yield one that verifies.
    #[error("no proof can be made")]
    Proof(#[from] ProofError),
    /// No entries, too many, or more than any tree holds.
    #[error(
        "{count} entries cannot be staged at once: 1 to {ENTRIES_MAX} can, while the log has room for them"
    )]
    Entries {
        /// How many were given.
        count: usize,
    },
    /// An entry that no bundle can hold.
    #[error("the entry at position {position} cannot be logged")]
    Entry {
        /// Where it stands in what was given.
        position: usize,
        /// Why.
        #[source]
        source: TileFormatError,
    },
    /// A staging onto a checkpoint that is not the newest any more.
    #[error(
        "the entries were staged onto a tree of {staged} entries and the log `{origin}` has {size}; stage them again"
    )]
    Outdated {
        /// The log.
        origin: String,
        /// The size they were staged onto.
        staged: u64,
        /// The log's size.
        size: u64,
    },
    /// A signature that is not the log's over this checkpoint.
    #[error("the checkpoint cannot be sealed with this signature")]
    Signature(#[source] NoteError),
    /// The log stopped at an earlier error.
    #[error(
        "the log `{origin}` stopped, because it is not known what an earlier write made durable; open it again"
    )]
    Stopped {
        /// The log.
        origin: String,
    },
}

impl LogError {
    /// What is known about the disk after this. Where it is [`Durability::Unknown`], the entries may be in the log,
    /// or may be found in it once it is opened again.
    pub const fn durability(&self) -> Durability {
        match self {
            Self::Lock { source, .. } => source.durability(),
            Self::Publish { .. } | Self::Note { .. } => Durability::Unknown,
            _ => Durability::Nothing,
        }
    }
}
