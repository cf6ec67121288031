//! Frozen logs: a log that another has succeeded is put aside with all that it showed, and is read there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use tlog::{LockError, NoteStoreError, StagedTile, TileError, TilePath, TileStore};

use crate::checkpoint::{self, lock_error};
use crate::logs::LogName;
use crate::tiles::CHECKPOINT;
use crate::{OpenError, Store};

/// The longest name of a frozen log.
const NAME_LENGTH_MAX: usize = 253;

/// The frozen logs of a server, for whoever reads them.
#[derive(Debug, Clone)]
pub struct FrozenLogs {
    folder: PathBuf,
}

/// A log as it is shown to everybody: its newest signed checkpoint and its tiles. One that is frozen does not change.
#[derive(Debug, Clone)]
pub struct ShownLog {
    folder: PathBuf,
}

impl FrozenLogs {
    /// What is frozen in the server's folder of the logs that came before this one, now or later.
    pub fn of(folder: &Path, log: LogName) -> Self {
        Self { folder: folder.join(log.shards()) }
    }

    /// The frozen log of this name: of a transparency log its origin, of a log of certificates the last part of it.
    pub fn find(&self, name: &str) -> Option<ShownLog> {
        // INVARIANT: a stranger's name leads nowhere but to a folder beside the others.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if name.len() > NAME_LENGTH_MAX || name.starts_with('.') || !name.chars().all(is_plain) {
            return None;
        }
        let folder = self.folder.join(name);
        (!name.is_empty() && folder.is_dir()).then_some(ShownLog { folder })
    }
}

impl ShownLog {
    /// The log of a server that grows, for another process that reads its folder and writes nothing.
    pub fn newest(folder: &Path, log: LogName) -> Self {
        Self { folder: folder.join(log.folder()) }
    }
}

impl ShownLog {
    /// The last signed checkpoint; `None` where there is none.
    pub fn checkpoint(&self) -> Result<Option<String>, NoteStoreError> {
        match fs::read_to_string(self.folder.join(CHECKPOINT)) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NoteStoreError(Box::new(error))),
        }
    }

    /// The bytes of a tile.
    pub fn tile(&self, path: TilePath) -> Result<Vec<u8>, TileError> {
        fs::read(self.folder.join(path.to_string())).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TileError::Missing { path },
            _ => TileError::Failed { path, source: Box::new(error) },
        })
    }
}

impl TileStore for ShownLog {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        paths.iter().map(|path| self.tile(*path)).collect()
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        let failed = |(path, _): &StagedTile| TileError::Failed { path: *path, source: read_only() };
        tiles.iter().map(|tile| Err(failed(tile))).collect()
    }

    fn publish(&self, _note: &str) -> Result<(), NoteStoreError> {
        Err(NoteStoreError(read_only()))
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        self.checkpoint()
    }
}

fn read_only() -> Box<io::Error> {
    Box::new(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Store {
    /// Puts a log aside, as it was shown, and begins the next in its place.
    pub(crate) fn succeed_log(&self, log: LogName, last: &str, first: &str) -> Result<(), LockError> {
        let untouched = |source: io::Error| LockError::Untouched { source: Box::new(source) };
        let tiles = self.tiles(log);
        // What only the database holds of the old log is in its files before the database lets go of it.
        tiles.settle_all().map_err(untouched)?;
        let begun = self.transact(|transaction| {
            let row = params![log.word(), last, first];
            if transaction.execute(include_str!("../sql/checkpoint_succeed.sql"), row)? == 1 {
                transaction.execute(include_str!("../sql/staged_clear.sql"), [log.word()])?;
                return Ok(true);
            }
            Ok(checkpoint::checkpoint(transaction, log)?.is_some_and(|(_, newest)| newest == first))
        });
        if !begun.map_err(lock_error)? {
            return Err(LockError::Conflict);
        }
        // CRASH: the database knows the new log, and the files are those of the old: opening the store puts them aside.
        let unknown = |source: io::Error| LockError::Unknown { source: Box::new(source) };
        let aside = aside(log, self.folder(), origin(last).unwrap_or_default());
        if aside.exists() { Ok(()) } else { tiles.put_aside(&aside).map_err(unknown) }
    }
}

/// Puts aside what a crash left of a log that the database has let go of.
pub(crate) fn finish(log: LogName, folder: &Path, connection: &Connection) -> Result<(), OpenError> {
    let newest =
        checkpoint::checkpoint(connection, log).map_err(|fault| fault.into_store("read the checkpoint"))?;
    let tiles = folder.join(log.folder());
    let (Some((_, newest)), Some(shown)) = (newest, shown(&tiles)) else { return Ok(()) };
    if origin(&newest) == Some(&shown) {
        return Ok(());
    }
    let moved = put_aside(&tiles, &aside(log, folder, &shown));
    moved.map_err(|source| OpenError::File { action: "put aside", path: tiles, source })
}

/// Where the files of a frozen log are.
fn aside(log: LogName, folder: &Path, origin: &str) -> PathBuf {
    folder.join(log.shards()).join(origin.rsplit('/').next().unwrap_or(origin))
}

/// The origin of the checkpoint that is shown in a folder.
fn shown(tiles: &Path) -> Option<String> {
    let note = fs::read_to_string(tiles.join(CHECKPOINT)).ok()?;
    origin(&note).map(str::to_owned)
}

fn origin(checkpoint: &str) -> Option<&str> {
    checkpoint.lines().next().filter(|origin| !origin.is_empty())
}

/// Moves a folder to where it stays, and makes an empty one in its place.
pub(crate) fn put_aside(tiles: &Path, aside: &Path) -> io::Result<()> {
    let parent = aside.parent().unwrap_or(aside);
    fs::create_dir_all(parent)?;
    fs::rename(tiles, aside)?;
    fs::create_dir_all(tiles)?;
    let sync = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
    sync(parent)?;
    tiles.parent().map_or(Ok(()), sync)
}
