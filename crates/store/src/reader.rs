//! The store for looking only: nothing in it is changed, no lease is taken.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::{Leaf, Row, StoreError};
use envelope::rekor_v1::Promise;
use model::{Digest, Instant, RequestId};
use rusqlite::{Connection, OpenFlags, params};
use signer::Head;
use tlog::Locked;

use crate::error::Fault;
use crate::logs::LogName;
use crate::row::{number, request_id};
use crate::schema::{self, Schema};
use crate::sqlite::{DATABASE, connect, lock};
use crate::tiles::CHECKPOINT;
use crate::{IndexReader, OpenError, checkpoint, lease, ledger, requests};

/// A store that is looked at.
pub struct Reader {
    folder: PathBuf,
    connection: Connection,
    /// Held where nobody may write meanwhile.
    _lock: Option<File>,
}

/// A request row with its receipts, as the bytes that are stored.
#[derive(Debug, Clone)]
pub struct StoredRequest {
    /// The row.
    pub row: Row,
    /// Its receipts, one a file with its name.
    pub receipts: Vec<(String, Vec<u8>)>,
}

impl Reader {
    /// Looks at a folder in which no server runs, and keeps servers out of it meanwhile.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = existing(folder)?;
        let lock =
            lock(folder, || lease::read(&connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?).ok())?;
        Self::with(folder, &path, Some(lock))
    }

    /// Looks at a folder in which a server may run. Each reading is consistent by itself.
    pub fn beside(folder: &Path) -> Result<Self, OpenError> {
        let path = existing(folder)?;
        Self::with(folder, &path, None)
    }

    fn with(folder: &Path, path: &Path, lock: Option<File>) -> Result<Self, OpenError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let seconds = Duration::from_secs(30);
        connection.busy_timeout(seconds).map_err(|source| OpenError::Database { action: "open", source })?;
        Ok(Self { folder: folder.to_owned(), connection, _lock: lock })
    }

    /// The schema that the store has, beside the one that is known here.
    pub fn schema(&self) -> Result<Schema, OpenError> {
        schema::read(&self.connection)
    }

    /// What SQLite itself finds wrong with the database: pages, indices, references.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        self.read("check the database", |connection| {
            let mut found = Vec::new();
            let mut statement = connection.prepare(include_str!("../sql/integrity_check.sql"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let line: String = row.get(0)?;
                found.extend(Some(line).filter(|line| line != "ok"));
            }
            let mut statement = connection.prepare(include_str!("../sql/foreign_key_check.sql"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                found.push(format!("a row of `{table}` names a row of `{parent}` that is not there"));
            }
            Ok(found)
        })
    }

    /// Every request row, the oldest first. A row that cannot be read is told for itself.
    pub fn requests(&self, mut see: impl FnMut(Result<StoredRequest, StoreError>)) -> Result<(), StoreError> {
        self.read("read requests", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/request_all.sql"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let stored = requests::load(row).and_then(|row| {
                    let receipts = receipts(connection, &row.id)?;
                    Ok(StoredRequest { row, receipts })
                });
                see(stored.map_err(|fault| fault.into_store("read requests")));
            }
            Ok(())
        })
    }

    /// The requests that have receipts.
    pub fn receipt_owners(&self) -> Result<Vec<RequestId>, StoreError> {
        self.read("read receipts", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/receipt_owners.sql"))?;
            let mut rows = statement.query([])?;
            let mut owners = Vec::new();
            while let Some(row) = rows.next()? {
                owners.push(request_id(row, "request")?);
            }
            Ok(owners)
        })
    }

    /// Every leaf of the ledger with its place, in order. A leaf that cannot be read is told for itself.
    pub fn ledger(&self, mut see: impl FnMut(Result<(u64, Leaf), StoreError>)) -> Result<(), StoreError> {
        self.read("read the ledger", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/ledger_all.sql"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let leaf = number(row.get("place")?).and_then(|place| Ok((place, ledger::leaf(row)?)));
                see(leaf.map_err(|fault| fault.into_store("read the ledger")));
            }
            Ok(())
        })
    }

    /// Heads that the ledger once had, as they are stored beside its leaves.
    pub fn ledger_milestones(&self) -> Result<Vec<Head>, StoreError> {
        self.read("read the ledger", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/ledger_milestones.sql"))?;
            let mut rows = statement.query([])?;
            let mut heads = Vec::new();
            while let Some(row) = rows.next()? {
                let edge = ledger::decode(Some(row.get("edge")?))?;
                heads.push(Head { size: number(row.get("size")?)?, root: edge.root() });
            }
            Ok(heads)
        })
    }

    /// The head of the ledger, as it is stored beside its leaves.
    pub fn ledger_head(&self) -> Result<Head, StoreError> {
        self.read("read the ledger", |connection| {
            let edge = ledger::edge(connection)?;
            Ok(Head { size: edge.size(), root: edge.root() })
        })
    }

    /// The lock of a log: its newest checkpoint and the tiles that only the database is known to hold. `None` where
    /// there is no such log yet.
    pub fn log(&self, log: LogName) -> Result<Option<Locked>, StoreError> {
        self.read("read the checkpoint", |connection| checkpoint::locked(connection, log))
    }

    /// What the log of Rekor v1 promised of the entries of each tree that it ever had: by its origin, and by their places.
    pub fn promises(&self) -> Result<BTreeMap<String, BTreeMap<u64, Promise>>, StoreError> {
        self.read("read promises", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/promise_all.sql"))?;
            let mut rows = statement.query([])?;
            let mut promises: BTreeMap<String, BTreeMap<u64, Promise>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let promise = Promise {
                    time: Instant::from_seconds(number(row.get("time")?)?),
                    signature: row.get("signature")?,
                };
                let place = number(row.get("position")?)?;
                promises.entry(row.get("origin")?).or_default().insert(place, promise);
            }
            Ok(promises)
        })
    }

    /// Are the profiles what their digests say? The names of those that are not.
    pub fn other_profiles(&self) -> Result<Vec<String>, StoreError> {
        self.read("read the profiles", |connection| {
            let mut statement = connection.prepare(include_str!("../sql/profile_all.sql"))?;
            let mut rows = statement.query([])?;
            let mut other = Vec::new();
            while let Some(row) = rows.next()? {
                let (name, body): (String, Vec<u8>) = (row.get("name")?, row.get("body")?);
                let pointer: Option<String> = row.get("pointer")?;
                let digest = crate::row::digest(row, "digest")?;
                let profile = crate::profiles::parse(&body).ok();
                let holds = profile.is_some_and(|profile| {
                    profile.digest() == digest
                        && profile.name.as_str() == name
                        && pointer.is_none_or(|pointer| pointer == name)
                });
                if !holds {
                    other.push(name);
                }
            }
            Ok(other)
        })
    }

    /// Puts a copy of the whole database, as it is at one moment, into a new file.
    pub fn copy_into(&self, path: &Path) -> Result<(), OpenError> {
        let failed = |source| OpenError::Database { action: "copy", source };
        let name = path.to_string_lossy();
        self.connection.execute(include_str!("../sql/copy_into.sql"), params![name]).map_err(failed)?;
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|source| OpenError::File { action: "sync", path: path.to_owned(), source })
    }

    /// The folder of a log's tiles.
    pub fn tiles_folder(&self, log: LogName) -> PathBuf {
        self.folder.join(log.folder())
    }

    /// The signed checkpoint that is shown, as it is in its file; `None` if there is none.
    pub fn published(&self, log: LogName) -> Option<Vec<u8>> {
        fs::read(self.tiles_folder(log).join(CHECKPOINT)).ok()
    }

    /// The index of the transparency log; `None` where there is none, or one of another version: the next start makes
    /// it anew.
    pub fn index(&self) -> Result<Option<IndexReader>, OpenError> {
        IndexReader::open(&self.folder)
    }

    /// The digest of the database as the last server left it, where it ended in order; and what it is now.
    pub fn closed(&self) -> Result<Option<(Digest, Digest)>, OpenError> {
        crate::closed::compare(&self.folder.join(DATABASE))
    }

    fn read<T>(
        &self,
        action: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        read(&self.connection).map_err(|fault| fault.into_store(action))
    }
}

fn existing(folder: &Path) -> Result<PathBuf, OpenError> {
    let path = folder.join(DATABASE);
    if path.exists() { Ok(path) } else { Err(OpenError::Missing { path }) }
}

fn receipts(connection: &Connection, id: &RequestId) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/receipt_list.sql"))?;
    let mut rows = statement.query(params![id.as_bytes()])?;
    let mut receipts = Vec::new();
    while let Some(row) = rows.next()? {
        receipts.push((row.get("name")?, row.get("body")?));
    }
    Ok(receipts)
}
