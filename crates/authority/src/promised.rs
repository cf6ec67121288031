//! The log of Rekor v1, for clients that know no later API: entries of one kind, each with a promise of its key.
//!
//! It is a log of its own, beside the transparency log: its key signs its checkpoints and its promises and nothing else.
//! An entry takes two frames to the key process, for its head and for its promise; there is no queue, and whoever comes
//! waits for whoever came before.
//!
//! | if we stop | what is true | who finishes |
//! |---|---|---|
//! | after the swap | the entry stands in the log, under a head that is not signed yet | opening the log |
//! | after the head | it is public, without a promise | whoever asks for it next has it promised |
//! | after the promise | it is promised, and nobody knows | whoever asks next has it promised once more, later |

use std::sync::{Arc, Mutex, PoisonError};

use engine::{Ledger, LogIndex, StoreError};
use envelope::rekor_v1::{EntryId, Promise, ProposedEntry};
use model::merkle::leaf_hash;
use model::receipt::LogEntry;
use model::{Base64, Clock, Digest, PublicKey};
use signer::Signer;
use tlog::note::Note;
use tlog::{Checkpoint, CheckpointLock, PublishedLog, TileStore};

mod desk;
mod error;
mod view;

pub use error::PromisedError;

use crate::sight::Sight;
use desk::Desk;
use view::Kept;

/// Keeps what the log promised: a promise is made once, and its time is part of it.
///
/// *Durability*: what `keep` returned survives a crash. *Consistency*: reads see it. Of two promises of one entry the first
/// stays, and is what `keep` returns. *Concurrency*: any number of threads. A retry may help against every error.
pub trait PromiseStore: Send + Sync {
    /// Keeps the promise of an entry of the log of this origin, and gives back the one that is kept.
    fn keep(&self, origin: &str, index: u64, promise: &Promise) -> Result<Promise, StoreError>;

    /// The promise that is kept; `None` where none is.
    fn kept(&self, origin: &str, index: u64) -> Result<Option<Promise>, StoreError>;
}

/// What the log is put together from.
pub struct PromisedParts {
    /// The key process.
    pub signer: Arc<dyn Signer>,
    /// Its head goes with every order.
    pub ledger: Arc<dyn Ledger>,
    /// Says which key is in use.
    pub clock: Arc<dyn Clock>,
    /// The tiles of the log.
    pub tiles: Arc<dyn TileStore>,
    /// Its newest checkpoint.
    pub lock: Arc<dyn CheckpointLock>,
    /// Finds its entries again.
    pub index: Arc<dyn LogIndex>,
    /// What it promised.
    pub promises: Arc<dyn PromiseStore>,
}

/// The log of Rekor v1. Calls block.
pub struct PromisedLog {
    parts: PromisedParts,
    sight: Sight<Kept>,
    /// `None` before the first call, and whenever it is not known what is durable.
    desk: Mutex<Option<Desk>>,
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub struct Promised {
    /// Its name.
    pub id: EntryId,
    /// The id of the log.
    pub log: Digest,
    /// The entry, with its path to a checkpoint that is public.
    pub entry: LogEntry,
    /// What the log promised of it.
    pub promise: Promise,
}

/// What became of an entry that somebody proposed.
#[derive(Debug, Clone)]
pub enum Appended {
    /// It stands in the log now.
    New(Promised),
    /// It stood there already.
    Before(EntryId),
}

/// The log as it was last shown.
#[derive(Debug, Clone)]
pub struct PromisedHead {
    /// The signed checkpoint.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The number of the log's tree.
    pub tree: u64,
    /// The key that signs here.
    pub key: PublicKey,
}

impl PromisedLog {
    /// A log over these parts. Nothing is asked of any of them yet.
    pub fn new(parts: PromisedParts) -> Self {
        let sight = Sight::new(Arc::clone(&parts.signer), Arc::clone(&parts.clock));
        Self { parts, sight, desk: Mutex::default() }
    }

    /// Makes an entry stand in the log, unless it does.
    pub fn append(&self, entry: ProposedEntry) -> Result<Appended, PromisedError> {
        let leaf = leaf_hash(entry.bytes());
        let appended = self.with_desk(|view, desk| {
            if let Some(index) = desk.find(&self.parts, &leaf)? {
                // Whoever is told that it is there may ask for it, promise and all.
                desk.promised(&self.parts, view, index)?;
                return Ok(None);
            }
            let index = desk.append(&self.parts, view, entry.into_bytes())?;
            desk.promised(&self.parts, view, index).map(Some)
        })?;
        let id = self.id(leaf)?;
        Ok(appended.map_or(Appended::Before(id), |(log, entry, promise)| {
            Appended::New(Promised { id, log, entry, promise })
        }))
    }

    /// The entry of this name, if there is one.
    pub fn find(&self, id: &EntryId) -> Result<Option<Promised>, PromisedError> {
        let view = self.sight.view()?;
        if id.tree.is_some_and(|tree| tree != view.tree) {
            return Ok(None);
        }
        let index = self.with_desk(|_, desk| desk.find(&self.parts, &id.leaf))?;
        index.map_or(Ok(None), |index| self.entry(index))
    }

    /// The entry at this index, if there is one.
    pub fn entry(&self, index: u64) -> Result<Option<Promised>, PromisedError> {
        let head = self.head()?;
        if index >= head.checkpoint.size() {
            return Ok(None);
        }
        let (origin, log) = (head.checkpoint.origin().to_owned(), *head.key.id().digest());
        let promise = match self.parts.promises.kept(&origin, index)? {
            Some(promise) => promise,
            None => self.with_desk(|view, desk| desk.promised(&self.parts, view, index))?.2,
        };
        let (body, path) = PublishedLog::new(&*self.parts.tiles, head.checkpoint).entry(index)?;
        let id = EntryId { tree: Some(head.tree), leaf: leaf_hash(&body) };
        let entry = LogEntry { index, body: Base64(body), path, checkpoint: head.note };
        Ok(Some(Promised { id, log, entry, promise }))
    }

    /// The log as it was last shown. One that never was is begun now.
    pub fn head(&self) -> Result<PromisedHead, PromisedError> {
        let view = self.sight.view()?;
        let is_own = |note: &String| note.lines().next() == Some(view.verifier.origin());
        let note = match self.parts.tiles.published()?.filter(is_own) {
            Some(note) => note,
            None => self.with_desk(|_, desk| desk.note())?,
        };
        let checkpoint = Checkpoint::parse(Note::parse(&note)?.text())?;
        Ok(PromisedHead { note, checkpoint, tree: view.tree, key: view.verifier.public_key().clone() })
    }

    /// The consistency proof between two sizes, and the root at the second.
    pub fn consistency(&self, old: u64, new: u64) -> Result<(Vec<Digest>, Digest), PromisedError> {
        self.with_desk(|_, desk| desk.consistency(old, new))
    }

    fn id(&self, leaf: Digest) -> Result<EntryId, PromisedError> {
        Ok(EntryId { tree: Some(self.sight.view()?.tree), leaf })
    }

    /// Works with the log, which is opened where it is not. After an error it is not known what is durable: the next
    /// one opens it again.
    fn with_desk<T>(
        &self,
        work: impl FnOnce(&Kept, &mut Desk) -> Result<T, PromisedError>,
    ) -> Result<T, PromisedError> {
        let view = self.sight.view()?;
        let mut kept = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut desk = match kept.take().filter(|desk| desk.is_of(&view)) {
            Some(desk) => desk,
            None => Desk::open(&self.parts, &view)?,
        };
        let done = work(&view, &mut desk)?;
        *kept = Some(desk);
        Ok(done)
    }
}
