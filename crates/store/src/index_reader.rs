//! The index of the transparency log for looking only: is it what the log says?

use std::fmt;
use std::path::{Path, PathBuf};

use engine::{IndexedEntry, StoreError};
use model::Digest;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::error::Fault;
use crate::index::{INDEX, VERSION, terms, validity};
use crate::row::{number, signed};
use crate::sqlite::connect;
use crate::{OpenError, closed};

const ACTION: &str = "read the log's index";

/// The index of a folder in which nobody writes.
pub struct IndexReader {
    path: PathBuf,
    connection: Connection,
}

/// What the index holds of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedLog {
    number: i64,
    /// How many of its entries it says to hold.
    pub reach: u64,
    /// How many rows it has of them.
    pub rows: u64,
}

impl IndexReader {
    /// `None` where there is none, or one of another version.
    pub(crate) fn open(folder: &Path) -> Result<Option<Self>, OpenError> {
        let path = folder.join(INDEX);
        if !path.exists() {
            return Ok(None);
        }
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let version = include_str!("../sql/index_version.sql");
        let version: i64 = connection
            .query_row(version, [], |row| row.get(0))
            .map_err(|source| OpenError::Database { action: "read the version of", source })?;
        Ok((version == VERSION).then_some(Self { path, connection }))
    }

    /// Its digest as the last server left it, where that ended in order; and what it is now.
    pub fn closed(&self) -> Result<Option<(Digest, Digest)>, OpenError> {
        closed::compare(&self.path)
    }

    /// What SQLite itself finds wrong with it.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(include_str!("../sql/integrity_check.sql"))?;
            let lines = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// The origins of the logs of which it holds something.
    pub fn origins(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(include_str!("../sql/index_origins.sql"))?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// What it holds of the log of this origin.
    pub fn log(&self, origin: &str) -> Result<Option<IndexedLog>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/index_log.sql"))?;
            let found: Option<(i64, i64)> =
                statement.query_row([origin], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((log, reach)) = found else { return Ok(None) };
            let rows =
                connection.query_row(include_str!("../sql/index_rows.sql"), [log], |row| row.get(0))?;
            Ok(Some(IndexedLog { number: log, reach: number(reach)?, rows: number(rows)? }))
        })
    }

    /// How many rows it has of this entry at this place, if they are all there and say what the entry says.
    pub fn rows_of(
        &self,
        log: IndexedLog,
        position: u64,
        entry: &IndexedEntry,
    ) -> Result<Option<u64>, StoreError> {
        self.read(|connection| {
            let position = signed(position)?;
            let mut rows = 0;
            let mut statement = connection.prepare_cached(include_str!("../sql/index_has_term.sql"))?;
            for (kind, value) in terms(entry) {
                if !statement.exists(params![log.number, kind.number(), value, position])? {
                    return Ok(None);
                }
                rows += 1;
            }
            if let Some((not_before, not_after)) = validity(entry) {
                let mut statement = connection.prepare_cached(include_str!("../sql/index_validity.sql"))?;
                if !statement.exists(params![log.number, position, not_before, not_after])? {
                    return Ok(None);
                }
                rows += 1;
            }
            Ok(Some(rows))
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        read(&self.connection).map_err(|fault| fault.into_store(ACTION))
    }
}

impl fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexReader").field("path", &self.path).finish_non_exhaustive()
    }
}
