//! The database: one connection that writes, a few that read, and the lease that goes with the folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::StoreError;
use model::Clock;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Failed, Fault};
use crate::index::{INDEX, Index};
use crate::lease::{self, LEASE_S, Lease};
use crate::logs::LogName;
use crate::tiles::Tiles;
use crate::{OpenError, closed, schema};

/// The database's name in the server's folder.
pub const DATABASE: &str = "store.sqlite";

/// The file that the running server holds locked.
const LOCK: &str = "store.lock";

/// How many connections that read are kept open.
const READERS_MAX: usize = 4;

/// The server's store: the only one on its folder, which holds the lease; or one that only reads.
pub struct Store {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    hold: Option<Hold>,
    readers: Mutex<Vec<Connection>>,
    tiles: Tiles,
    certificate_tiles: Tiles,
    promised_tiles: Tiles,
    pub(crate) index: Index,
}

/// What whoever writes has alone.
struct Hold {
    lease: Lease,
    writer: Mutex<Connection>,
    /// Locked for as long as the store is open.
    _lock: File,
}

impl Store {
    /// Makes the store of a new platform, where there is none, and opens it.
    pub fn create(folder: &Path, holder: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = folder.join(DATABASE);
        if path.exists() {
            return Err(OpenError::Exists { path });
        }
        let lock = lock(folder, || None)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        Self::with(folder, holder, clock, lock, connect(&path, flags)?)
    }

    /// Opens the store of a platform, and takes the lease. A second server on the same folder is refused.
    pub fn open(folder: &Path, holder: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = folder.join(DATABASE);
        if !path.exists() {
            return Err(OpenError::Missing { path });
        }
        let lock = lock(folder, || {
            let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
            lease::read(&connection).ok()
        })?;
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        Self::with(folder, holder, clock, lock, connection)
    }

    /// Opens the store of a platform for reading alone: nothing in its folder is changed, no lease is taken, and
    /// whatever would write is refused with [`StoreError::ReadOnly`].
    pub fn read_only(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = folder.join(DATABASE);
        if !path.exists() {
            return Err(OpenError::Missing { path });
        }
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let schema = schema::read(&connection)?;
        if !schema.missing.is_empty() {
            return Err(OpenError::Older { name: schema.name });
        }
        let tiles = Tiles::read_only(LogName::Transparency, folder, &connection)?;
        let certificate_tiles = Tiles::read_only(LogName::Certificates, folder, &connection)?;
        let promised_tiles = Tiles::read_only(LogName::Promised, folder, &connection)?;
        let readers = Mutex::new(vec![connection]);
        let index = Index::read_only(folder);
        let folder = folder.to_owned();
        Ok(Self { folder, clock, hold: None, readers, tiles, certificate_tiles, promised_tiles, index })
    }

    fn with(
        folder: &Path,
        holder: &str,
        clock: Arc<dyn Clock>,
        lock: File,
        mut connection: Connection,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Database { action: "open", source };
        let forgotten =
            closed::forget(&folder.join(DATABASE)).and_then(|()| closed::forget(&folder.join(INDEX)));
        forgotten.map_err(|source| OpenError::File {
            action: "write to",
            path: folder.to_owned(),
            source,
        })?;
        connection.execute_batch(include_str!("../sql/pragmas.sql")).map_err(failed)?;
        schema::migrate(&mut connection)?;
        // The lock on the folder says that whoever held the lease on this machine is gone, whatever it says of itself.
        let until = clock.now().after(Duration::from_secs(LEASE_S));
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let lease =
            lease::take(&transaction, holder, until).map_err(|fault| fault.into_store("take the lease"))?;
        transaction.commit().map_err(failed)?;
        let tiles = Tiles::open(LogName::Transparency, folder, &connection)?;
        let certificate_tiles = Tiles::open(LogName::Certificates, folder, &connection)?;
        let promised_tiles = Tiles::open(LogName::Promised, folder, &connection)?;
        Ok(Self {
            folder: folder.to_owned(),
            clock,
            hold: Some(Hold { lease, writer: Mutex::new(connection), _lock: lock }),
            readers: Mutex::new(Vec::new()),
            tiles,
            certificate_tiles,
            promised_tiles,
            index: Index::new(folder),
        })
    }

    /// The lease under which this store writes; none, where it only reads.
    pub fn lease(&self) -> Option<&Lease> {
        self.hold.as_ref().map(|hold| &hold.lease)
    }

    /// Reads. What was committed before is seen.
    pub(crate) fn query<T>(
        &self,
        action: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let kept = self.readers().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => connect(&self.folder.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_ONLY)
                .map_err(|source| StoreError::Unavailable { action, source: Box::new(source) })?,
        };
        let result = read(&connection).map_err(|fault| fault.into_store(action));
        let mut readers = self.readers();
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
        result
    }

    /// Writes in one transaction, which is on the disk when this returns `Ok`.
    pub(crate) fn transact<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Failed> {
        let hold = self.hold.as_ref().ok_or(Failed::Untouched(Fault::ReadOnly))?;
        let mut writer = hold.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = writer.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(|source| Failed::Untouched(source.into()))?;
        let written =
            lease::fence(&transaction, hold.lease.epoch, self.clock.now()).and_then(|()| write(&transaction));
        // Dropping the transaction rolls it back.
        let written = written.map_err(Failed::Untouched)?;
        // CRASH: before this nothing of it is durable, after it all of it is.
        transaction.commit().map_err(|source| Failed::Unknown(source.into()))?;
        Ok(written)
    }

    pub(crate) const fn tiles(&self, log: LogName) -> &Tiles {
        match log {
            LogName::Transparency => &self.tiles,
            LogName::Certificates => &self.certificate_tiles,
            LogName::Promised => &self.promised_tiles,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn now(&self) -> model::Instant {
        self.clock.now()
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An end in order: all is in the one file of each database, and its digest is noted. Where that fails, nothing is noted,
/// as after a crash.
impl Drop for Store {
    fn drop(&mut self) {
        self.readers().clear();
        let Some(hold) = &mut self.hold else { return };
        let writer = hold.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        let into_file =
            writer.query_row(include_str!("../sql/wal_checkpoint.sql"), [], |row| row.get::<_, i64>(0));
        if matches!(into_file, Ok(0)) {
            let _noted_or_not = closed::note(&self.folder.join(DATABASE));
        }
        if self.index.close().is_ok() {
            let _noted_or_not = closed::note(&self.folder.join(INDEX));
        }
    }
}

pub(crate) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { action: "open", source };
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    // Plans depend on no bound value. Without this a statement that was kept is prepared anew whenever its values are
    // cleared, which is before each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Locks the folder, or says who has it.
pub(crate) fn lock(folder: &Path, lease: impl FnOnce() -> Option<Lease>) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|source| OpenError::File { action: "open", path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let unknown = Lease { holder: "unknown".to_owned(), epoch: 0, until: model::Instant::EPOCH };
            let Lease { holder, epoch, until } = lease().unwrap_or(unknown);
            Err(OpenError::Held { folder: folder.to_owned(), holder, epoch, until })
        }
        Err(TryLockError::Error(source)) => Err(OpenError::File { action: "lock", path, source }),
    }
}
