//! Frozen logs: a log that is not continued is put aside with all that it showed, and a new one may begin.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tlog::{Checkpoint, Locked, NoteStoreError, TileError, TilePath, TileStore};

use crate::logs::LogName;
use crate::tiles::CHECKPOINT;
use crate::{OpenError, Store, checkpoint};

/// The folder of frozen logs, in the server's; each lies in a folder of its origin's name, as it was served.
pub const SHARDS: &str = "shards";

/// The log that is frozen.
const LOG: LogName = LogName::Transparency;

/// Why a log was not frozen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FreezeError {
    /// The store.
    #[error("the store cannot be changed")]
    Store(#[from] engine::StoreError),
    /// A file.
    #[error("the log's files cannot be put aside")]
    File(#[from] OpenError),
    /// A tile.
    #[error("a tile cannot be written")]
    Tile(#[from] tlog::TileError),
    /// A checkpoint that is none.
    #[error("the newest checkpoint cannot be read")]
    Checkpoint(#[from] tlog::CheckpointError),
}

/// The frozen logs of a server, for whoever reads them.
#[derive(Debug, Clone, Default)]
pub struct FrozenLogs {
    folders: BTreeMap<String, PathBuf>,
}

/// A frozen log: its last checkpoint and its tiles, as they were served.
#[derive(Debug, Clone)]
pub struct FrozenLog {
    folder: PathBuf,
}

impl FrozenLogs {
    /// What is frozen in the server's folder. Logs are frozen at a start alone: the list stays what it is.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let shards = folder.join(SHARDS);
        let failed = |source| OpenError::File { action: "look into", path: shards.clone(), source };
        let entries = match fs::read_dir(&shards) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(failed(source)),
        };
        let mut folders = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if let (Ok(origin), true) = (entry.file_name().into_string(), entry.path().is_dir()) {
                folders.insert(origin, entry.path());
            }
        }
        Ok(Self { folders })
    }

    /// The frozen log of this origin.
    pub fn find(&self, origin: &str) -> Option<FrozenLog> {
        self.folders.get(origin).map(|folder| FrozenLog { folder: folder.clone() })
    }
}

impl FrozenLog {
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

impl Store {
    /// Puts the log aside, as it was shown: it gets no further entry, and another may be created. Where there is none
    /// any more, nothing is done. The store is to be opened again afterwards.
    pub fn freeze_log(self) -> Result<(), FreezeError> {
        let Some(Locked { checkpoint, staged, .. }) =
            self.query("read the checkpoint", |connection| checkpoint::locked(connection, LOG))?
        else {
            return Ok(());
        };
        let origin = Checkpoint::parse(&checkpoint)?.origin().to_owned();
        let (tiles, aside) = (self.folder().join(LOG.folder()), self.folder().join(SHARDS).join(origin));
        if tiles.exists() && !aside.exists() {
            self.write(&staged).into_iter().collect::<Result<(), _>>()?;
            put_aside(&tiles, &aside)?;
        }
        // CRASH: the files are aside and the rows still there: opening the log fails, freezing it again goes on here.
        let cleared = self.transact(|transaction| {
            transaction.execute(include_str!("../sql/checkpoint_delete.sql"), [LOG.word()])?;
            transaction.execute(include_str!("../sql/staged_clear.sql"), [LOG.word()])?;
            Ok(())
        });
        Ok(cleared.map_err(|failed| failed.into_store("clear the checkpoint"))?)
    }
}

fn put_aside(tiles: &Path, aside: &Path) -> Result<(), OpenError> {
    let failed = |action, path: &Path| {
        let path: PathBuf = path.to_owned();
        move |source| OpenError::File { action, path, source }
    };
    let parent = aside.parent().unwrap_or(aside);
    fs::create_dir_all(parent).map_err(failed("make", parent))?;
    fs::rename(tiles, aside).map_err(failed("move", tiles))?;
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed("sync", parent))
}
