//! The store as the log of Rekor v1 has it: a log like the others, and the promises of its entries.

use std::sync::Arc;

use authority::PromiseStore;
use engine::StoreError;
use envelope::rekor_v1::Promise;
use model::Instant;
use rusqlite::{Connection, OptionalExtension, params};
use tlog::{CheckpointLock, LockError, Locked, NoteStoreError, StagedTile, TileError, TilePath, TileStore};

use crate::Store;
use crate::error::Fault;
use crate::logs::LogName;
use crate::row::{number, signed};

const LOG: LogName = LogName::Promised;

/// The store as the log of Rekor v1 has it.
pub struct PromisedRows(Arc<Store>);

impl PromisedRows {
    /// The log of Rekor v1 in a store.
    pub const fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

impl PromiseStore for PromisedRows {
    fn keep(&self, origin: &str, index: u64, promise: &Promise) -> Result<Promise, StoreError> {
        let kept = self.0.transact(|transaction| {
            let place = (signed(index)?, signed(promise.time.seconds())?);
            let mut insert = transaction.prepare_cached(include_str!("../sql/promise_insert.sql"))?;
            insert.execute(params![origin, place.0, place.1, promise.signature])?;
            read(transaction, origin, index)
        });
        let kept = kept.map_err(|failed| failed.into_store("keep a promise"))?;
        kept.ok_or(StoreError::Corrupt { what: "promise of the log of Rekor v1", source: None })
    }

    fn kept(&self, origin: &str, index: u64) -> Result<Option<Promise>, StoreError> {
        self.0.query("read a promise", |connection| read(connection, origin, index))
    }
}

fn read(connection: &Connection, origin: &str, index: u64) -> Result<Option<Promise>, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/promise_read.sql"))?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let found = statement.query_row(params![origin, signed(index)?], row).optional()?;
    let promise =
        |(seconds, signature)| Ok(Promise { time: Instant::from_seconds(number(seconds)?), signature });
    found.map(promise).transpose()
}

impl CheckpointLock for PromisedRows {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        self.0.load_log(LOG)
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        self.0.create_log(LOG, first)
    }

    fn swap(&self, expected: &str, new: &str, tiles: &[StagedTile]) -> Result<(), LockError> {
        self.0.swap_log(LOG, expected, new, tiles)
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        self.0.succeed_log(LOG, last, first)
    }
}

impl TileStore for PromisedRows {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        self.0.tiles(LOG).read(paths)
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        self.0.tiles(LOG).write(tiles)
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        self.0.tiles(LOG).publish(note)
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        self.0.tiles(LOG).published()
    }
}
