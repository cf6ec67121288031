//! Request rows: the state of every request now.

use std::error::Error;

use identity::Caller;
use model::receipt::Receipt;
use model::{Digest, Instant, PrincipalId, RequestId, Space};

use crate::{Leaf, State};

/// Keeps request rows, receipts and the ledger.
///
/// *Durability*: what `write` says `Ok` of survives a crash: the row, its receipts and its leaves together, in one
/// transaction for the whole batch. *Consistency*: reads see every write that returned. *Concurrency*: two threads
/// write (Submit and Settle), now and then whoever counts strangers, and any number read. *Fencing*: every write
/// carries the lease's epoch, and fails with [`StoreError::LeaseLost`] once another server took over. After an error
/// of `write` nothing of the batch is known to be durable, and the same batch may be written again.
pub trait RequestStore: Send + Sync {
    /// Writes a batch in one transaction. A single write that does not fit its row fails alone, with its leaves, and
    /// the others stand.
    fn write(&self, batch: &[Write]) -> Result<Vec<Result<(), Conflict>>, StoreError>;

    /// The rows of these requests, in their order.
    fn load(&self, ids: &[RequestId]) -> Result<Vec<Option<Row>>, StoreError>;

    /// What is known of what a client may be repeating, in the order of the look-ups.
    fn find(&self, lookups: &[Lookup]) -> Result<Vec<Known>, StoreError>;

    /// The receipts of a request, one a file with its name, in the order of the files' first items.
    fn receipts(&self, id: &RequestId) -> Result<Vec<(String, Receipt)>, StoreError>;

    /// The requests in [`State::Intended`], and those in [`State::Waiting`] whose deadline is not after `now`; the
    /// oldest first.
    fn unfinished(&self, now: Instant) -> Result<Vec<RequestId>, StoreError>;
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: RequestId,
    /// The space in which it acts.
    pub space: Space,
    /// The signing profile.
    pub profile: Space,
    /// Who submitted it, with what their credential reached then.
    pub caller: Caller,
    /// The canonical JSON of the request.
    pub request: Vec<u8>,
    /// The canonical JSON of each item.
    pub items: Vec<Vec<u8>>,
    /// The canonical JSON of the endorsements so far; once intended, of those in the order.
    pub endorsements: Vec<Vec<u8>>,
    /// The client's idempotency key.
    pub idempotency_key: Option<String>,
    /// What makes two requests of one principal the same ([`model::Tag::Repeat`]).
    pub repeat: Digest,
    /// When it was submitted.
    pub submitted: Instant,
    /// Until when it may be signed.
    pub deadline: Instant,
    /// How it stands.
    pub standing: Standing,
    /// Where the transparency log stood when the intent was written, in a number of the engine's own: an entry of this request
    /// is not before it.
    pub log_size: u64,
    /// How often a server stopped while it was in flight.
    pub crashes: u32,
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// Why, or what is missing.
    pub reasons: Vec<String>,
}

/// One change, with the leaves that record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A new row. Fails alone if the id, or the principal's idempotency key, is taken.
    Insert {
        /// The row.
        row: Box<Row>,
        /// What records it.
        leaves: Vec<Leaf>,
    },
    /// A row goes on. Fails alone if the row does not stand where it is expected.
    Move {
        /// Which row.
        id: RequestId,
        /// Where it must stand.
        from: State,
        /// How it stands then.
        to: Standing,
        /// The endorsements that it has then.
        endorsements: Vec<Vec<u8>>,
        /// The size of the transparency log that it has then.
        log_size: u64,
        /// The receipts that come with it, one a file with its name: their canonical JSON, as the outcome's leaf has
        /// their digests.
        receipts: Vec<(String, Vec<u8>)>,
        /// What records it.
        leaves: Vec<Leaf>,
    },
    /// A server stopped while the row was in flight.
    Crashed {
        /// Which row.
        id: RequestId,
    },
    /// Something that is about no row.
    Note {
        /// What records it.
        leaf: Leaf,
    },
}

/// A write that does not fit its row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// The id, or the idempotency key, is taken.
    #[error("request {id}, or its idempotency key, is there already")]
    Taken {
        /// The request.
        id: RequestId,
    },
    /// The row is not there, or stands elsewhere.
    #[error("request {id} does not stand where it was expected")]
    Moved {
        /// The request.
        id: RequestId,
    },
}

/// What a client may be repeating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Whose requests are looked at for `idempotency_key` and `repeat`.
    pub principal: PrincipalId,
    /// The id of the request.
    pub id: RequestId,
    /// The client's idempotency key.
    pub idempotency_key: Option<String>,
    /// What makes two requests the same.
    pub repeat: Digest,
    /// Repeats that were submitted before this are not looked at.
    pub repeat_since: Instant,
}

/// What is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The row of that id, whoever submitted it.
    pub by_id: Option<RequestId>,
    /// The principal's row under that idempotency key.
    pub by_key: Option<RequestId>,
    /// The principal's newest row with that repeat digest which is waiting, in flight or done.
    pub by_repeat: Option<RequestId>,
}

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The storage failed: a full or read-only disk, a lock that was not given. A retry may help.
    #[error("cannot {action}")]
    Unavailable {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the storage said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another server took over: this one must stop writing.
    #[error("another server holds the lease since epoch {epoch}; this one must not write any more")]
    LeaseLost {
        /// The epoch of the other.
        epoch: u64,
    },
    /// The store was opened for reading alone.
    #[error("cannot {action}: the store was opened for reading alone")]
    ReadOnly {
        /// What was tried, as a verb.
        action: &'static str,
    },
    /// What is stored cannot be what was written.
    #[error("the stored {what} cannot be read: run `avouch fsck`")]
    Corrupt {
        /// What.
        what: &'static str,
        /// What is wrong with it, where something said so.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}
