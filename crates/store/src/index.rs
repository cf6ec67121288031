//! The index of the transparency log: a file beside the store, filled from the log, and made anew where it is lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::{IndexedEntry, LogIndex, StoreError};
use model::Digest;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use crate::Store;
use crate::error::Fault;
use crate::row::{nanoseconds, number, signed};
use crate::sqlite::connect;

/// The index's name in the server's folder.
pub(crate) const INDEX: &str = "index.sqlite";

/// The version of its tables. Another is not brought up to date, but made anew from the log.
pub(crate) const VERSION: i64 = 1;

/// By what an entry is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Leaf,
    Digest,
    Key,
    Identity,
    Issuer,
}

impl Kind {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Leaf => 0,
            Self::Digest => 1,
            Self::Key => 2,
            Self::Identity => 3,
            Self::Issuer => 4,
        }
    }
}

/// The file, with a connection for the log's own writer, and one for those who search: the log waits for no search.
pub(crate) struct Index {
    path: PathBuf,
    access: Access,
    writer: Mutex<Option<Connection>>,
    searcher: Mutex<Option<Connection>>,
}

/// May the file be made and written?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Writes,
    Reads,
}

impl Index {
    /// The index in this folder. Nothing is opened before it is needed.
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with(folder, Access::Writes)
    }

    /// The same, where nothing is written.
    pub(crate) fn read_only(folder: &Path) -> Self {
        Self::with(folder, Access::Reads)
    }

    fn with(folder: &Path, access: Access) -> Self {
        Self { path: folder.join(INDEX), access, writer: Mutex::default(), searcher: Mutex::default() }
    }

    /// Reads for those who search. Where there is no index, it is as one that holds nothing.
    pub(crate) fn search<T: Default>(
        &self,
        action: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut kept = self.searcher.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match kept.take() {
            Some(connection) => connection,
            None if !self.path.exists() => return Ok(T::default()),
            None => self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY, action)?,
        };
        let done = read(&connection);
        // One that failed is opened again.
        if done.is_ok() {
            *kept = Some(connection);
        }
        done.map_err(|fault| fault.into_store(action))
    }

    /// Reads for the log's own writer, who waits for nobody else.
    fn read<T: Default>(
        &self,
        action: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match self.access {
            Access::Reads => self.search(action, read),
            Access::Writes => self.write(action, |transaction| read(transaction)),
        }
    }

    /// Writes in one transaction. An index that cannot be read is thrown away; whoever writes fills it again.
    fn write<T>(
        &self,
        action: &'static str,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        if self.access == Access::Reads {
            return Err(StoreError::ReadOnly { action });
        }
        let mut kept = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.open(action)?,
        };
        let done = transact(&mut connection, write);
        match &done {
            Ok(_) => *kept = Some(connection),
            Err(fault) => {
                drop(connection);
                if is_broken(fault) {
                    self.throw_away(action)?;
                }
            }
        }
        done.map_err(|fault| fault.into_store(action))
    }

    /// Closes it, so that all is in its one file; `Err` where somebody still reads it, or it cannot be written.
    pub(crate) fn close(&mut self) -> Result<(), rusqlite::Error> {
        let kept = [&mut self.searcher, &mut self.writer]
            .map(|kept| kept.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        // Whoever closes last brings the write-ahead log into the file: so whoever writes goes after who reads.
        kept.into_iter().flatten().try_for_each(|connection| connection.close().map_err(|(_, error)| error))
    }

    /// The file with the tables of this version.
    fn open(&self, action: &'static str) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let failed = |source| Fault::from(source).into_store(action);
        let version = |connection: &Connection| {
            connection.query_row(include_str!("../sql/index_version.sql"), [], |row| row.get::<_, i64>(0))
        };
        if self.path.exists() {
            let connection = self.connect(flags, action)?;
            match version(&connection) {
                Ok(VERSION) => {
                    connection.execute_batch(include_str!("../sql/index_pragmas.sql")).map_err(failed)?;
                    return Ok(connection);
                }
                Ok(_) => {}
                Err(source) => {
                    let fault = Fault::Sqlite(source);
                    if !is_broken(&fault) {
                        return Err(fault.into_store(action));
                    }
                }
            }
            drop(connection);
            self.throw_away(action)?;
        }
        let connection = self.connect(flags, action)?;
        connection.execute_batch(include_str!("../sql/index_pragmas.sql")).map_err(failed)?;
        connection.execute_batch(include_str!("../sql/index_beginning.sql")).map_err(failed)?;
        Ok(connection)
    }

    fn connect(&self, flags: OpenFlags, action: &'static str) -> Result<Connection, StoreError> {
        connect(&self.path, flags)
            .map_err(|source| StoreError::Unavailable { action, source: Box::new(source) })
    }

    fn throw_away(&self, action: &'static str) -> Result<(), StoreError> {
        *self.searcher.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for behind in ["", "-wal", "-shm"] {
            let mut name = self.path.clone().into_os_string();
            name.push(behind);
            match fs::remove_file(PathBuf::from(name)) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Unavailable { action, source: Box::new(source) });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl LogIndex for Store {
    fn reach(&self, origin: &str) -> Result<u64, StoreError> {
        self.index.read("read the log's index", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/index_log.sql"))?;
            let reach: Option<i64> = statement.query_row([origin], |row| row.get(1)).optional()?;
            reach.map_or(Ok(0), number)
        })
    }

    fn extend(&self, origin: &str, from: u64, entries: &[IndexedEntry]) -> Result<(), StoreError> {
        self.index.write("extend the log's index", |transaction| {
            transaction.prepare_cached(include_str!("../sql/index_log_insert.sql"))?.execute([origin])?;
            let log = number_of(transaction, origin)?;
            let to = from + u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let mut statement = transaction.prepare_cached(include_str!("../sql/index_log_extend.sql"))?;
            if statement.execute(params![log, signed(from)?, signed(to)?])? != 1 {
                return Err(Fault::Corrupt { what: "reach of the log's index", source: None });
            }
            (from..).zip(entries).try_for_each(|(position, entry)| add(transaction, log, position, entry))
        })
    }

    fn find(&self, origin: &str, leaves: &[Digest]) -> Result<Vec<Option<u64>>, StoreError> {
        let found = self.index.read("read the log's index", |connection| {
            let mut statement = connection.prepare_cached(include_str!("../sql/index_log.sql"))?;
            let log: Option<i64> = statement.query_row([origin], |row| row.get(0)).optional()?;
            let Some(log) = log else { return Ok(Vec::new()) };
            let mut first = connection.prepare_cached(include_str!("../sql/index_first.sql"))?;
            let mut found = Vec::with_capacity(leaves.len());
            for leaf in leaves {
                let term = params![log, Kind::Leaf.number(), leaf.as_bytes()];
                let position: Option<i64> = first.query_row(term, |row| row.get(0))?;
                found.push(position.map(number).transpose()?);
            }
            Ok(found)
        })?;
        Ok(if found.is_empty() { vec![None; leaves.len()] } else { found })
    }

    fn forget(&self, origin: &str) -> Result<(), StoreError> {
        self.index.write("forget the log's index", |transaction| {
            transaction.prepare_cached(include_str!("../sql/index_log_insert.sql"))?.execute([origin])?;
            let log = number_of(transaction, origin)?;
            transaction.execute(include_str!("../sql/index_terms_forget.sql"), [log])?;
            transaction.execute(include_str!("../sql/index_validities_forget.sql"), [log])?;
            transaction.execute(include_str!("../sql/index_log_forget.sql"), [log])?;
            Ok(())
        })
    }
}

fn number_of(transaction: &Transaction<'_>, origin: &str) -> Result<i64, Fault> {
    let mut statement = transaction.prepare_cached(include_str!("../sql/index_log.sql"))?;
    Ok(statement.query_row([origin], |row| row.get(0))?)
}

fn add(transaction: &Transaction<'_>, log: i64, position: u64, entry: &IndexedEntry) -> Result<(), Fault> {
    let position = signed(position)?;
    let mut statement = transaction.prepare_cached(include_str!("../sql/index_term_insert.sql"))?;
    for (kind, value) in terms(entry) {
        statement.execute(params![log, kind.number(), value, position])?;
    }
    if let Some((not_before, not_after)) = validity(entry) {
        let mut statement = transaction.prepare_cached(include_str!("../sql/index_validity_insert.sql"))?;
        statement.execute(params![log, position, not_before, not_after])?;
    }
    Ok(())
}

/// All that an entry is found by.
pub(crate) fn terms(entry: &IndexedEntry) -> Vec<(Kind, &[u8])> {
    let mut found = vec![(Kind::Leaf, entry.leaf.as_bytes().as_slice())];
    if let Some(terms) = &entry.terms {
        found.push((Kind::Digest, &terms.digest));
        found.push((Kind::Key, terms.key.digest().as_bytes()));
        found.extend(terms.identity.as_ref().map(|identity| (Kind::Identity, identity.as_bytes())));
        found.extend(terms.issuer.as_ref().map(|issuer| (Kind::Issuer, issuer.as_bytes())));
    }
    found
}

/// When the certificate of an entry is valid, as it is kept.
pub(crate) fn validity(entry: &IndexedEntry) -> Option<(i64, i64)> {
    let (not_before, not_after) = entry.terms.as_ref()?.validity?;
    Some((bounded(not_before), bounded(not_after)))
}

/// An end of a certificate's validity: what is beyond all instants that are kept is the last of them.
fn bounded(instant: model::Instant) -> i64 {
    nanoseconds(instant).unwrap_or(i64::MAX)
}

fn transact<T>(
    connection: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction()?;
    let written = write(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

/// Is the file none that can be gone on with?
fn is_broken(fault: &Fault) -> bool {
    match fault {
        Fault::Sqlite(rusqlite::Error::SqliteFailure(cause, _)) => {
            matches!(cause.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        Fault::Corrupt { .. } => true,
        _ => false,
    }
}
