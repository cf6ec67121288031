//! Tiles as files. Those that are staged in the database reach the disk whenever it is convenient; the database holds
//! them until then.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Digest;
use rusqlite::Connection;
use tlog::note::Note;
use tlog::{NoteStoreError, StagedTile, TileError, TilePath, TileStore};

use crate::logs::LogName;
use crate::{OpenError, checkpoint, shards};

/// The signed checkpoint beside them, for whoever reads.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// When so many staged tiles, or so many bytes of them, are written, they are brought to the disk in one go.
const SETTLE_TILES: usize = 256;
const SETTLE_BYTES: u64 = 8 * 1024 * 1024;

/// The folder of tiles, and which of them only the database is known to hold.
pub(crate) struct Tiles {
    folder: PathBuf,
    access: Access,
    staged: Mutex<Staged>,
}

struct Staged {
    tiles: HashMap<TilePath, Tile>,
    settling: Settling,
}

/// May files be written?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Writes,
    Reads,
}

/// Are staged tiles brought to the disk?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settling {
    Goes,
    /// A sync failed, after which nothing is known of any file: the database keeps them until the store is opened
    /// again and they are written once more.
    Stopped,
}

/// A tile that the database holds.
enum Tile {
    /// It may not be in its file.
    Unwritten(Vec<u8>),
    /// It was written to its file by this process, and may not be on the disk.
    Written { digest: Digest, length: u64 },
}

impl Tiles {
    /// The folder, with all that the database holds to be written once more: files may have been torn since.
    pub(crate) fn open(log: LogName, folder: &Path, connection: &Connection) -> Result<Self, OpenError> {
        let tiles = folder.join(log.folder());
        let made = fs::create_dir_all(&tiles);
        made.map_err(|source| OpenError::File { action: "make", path: tiles.clone(), source })?;
        shards::finish(log, folder, connection)?;
        Self::with(log, tiles, Access::Writes, connection)
    }

    /// The same, where nothing is written: what only the database holds is read from there.
    pub(crate) fn read_only(log: LogName, folder: &Path, connection: &Connection) -> Result<Self, OpenError> {
        Self::with(log, folder.join(log.folder()), Access::Reads, connection)
    }

    fn with(
        log: LogName,
        folder: PathBuf,
        access: Access,
        connection: &Connection,
    ) -> Result<Self, OpenError> {
        let staged =
            checkpoint::staged(connection, log).map_err(|fault| fault.into_store("read the staged tiles"))?;
        let tiles = staged.into_iter().map(|(path, bytes)| (path, Tile::Unwritten(bytes))).collect();
        Ok(Self { folder, access, staged: Mutex::new(Staged { tiles, settling: Settling::Goes }) })
    }

    /// Brings what is staged and written to the disk, if it is much, and says which tiles the database may let go of.
    pub(crate) fn settle(&self) -> Vec<TilePath> {
        let mut staged = self.staged();
        let written: Vec<(TilePath, u64)> = staged.tiles.iter().filter_map(written).collect();
        let bytes: u64 = written.iter().map(|(_, length)| length).sum();
        let is_much = written.len() >= SETTLE_TILES || bytes >= SETTLE_BYTES;
        if !is_much || staged.settling == Settling::Stopped {
            return Vec::new();
        }
        let paths: Vec<TilePath> = written.into_iter().map(|(path, _)| path).collect();
        match self.sync(&paths) {
            Ok(()) => paths,
            Err(_) => {
                staged.settling = Settling::Stopped;
                Vec::new()
            }
        }
    }

    /// The database let go of these, and holds those now.
    pub(crate) fn swapped(&self, settled: &[TilePath], tiles: &[StagedTile]) {
        let mut staged = self.staged();
        for path in settled {
            staged.tiles.remove(path);
        }
        for (path, bytes) in tiles {
            staged.tiles.entry(*path).or_insert_with(|| Tile::Unwritten(bytes.clone()));
        }
    }

    /// Brings all that only the database is known to hold into the files, and to the disk, with the checkpoint that is
    /// shown.
    pub(crate) fn settle_all(&self) -> io::Result<()> {
        self.check_access()?;
        let mut staged = self.staged();
        for (path, tile) in &mut staged.tiles {
            if let Tile::Unwritten(bytes) = tile {
                let (digest, length) = (Digest::of(bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                replace(&self.file(path), bytes)?;
                *tile = Tile::Written { digest, length };
            }
        }
        let paths: Vec<TilePath> = staged.tiles.keys().copied().collect();
        self.sync(&paths)?;
        match File::open(self.folder.join(CHECKPOINT)) {
            Ok(note) => note.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        File::open(&self.folder)?.sync_all()
    }

    /// Moves the files of a log that is continued no more to this folder, and begins with none.
    pub(crate) fn put_aside(&self, aside: &Path) -> io::Result<()> {
        let mut staged = self.staged();
        shards::put_aside(&self.folder, aside)?;
        *staged = Staged { tiles: HashMap::new(), settling: Settling::Goes };
        Ok(())
    }

    fn sync(&self, paths: &[TilePath]) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for path in paths {
            let file = self.file(path);
            File::open(&file)?.sync_all()?;
            folders.extend(
                file.ancestors()
                    .skip(1)
                    .take_while(|above| above.starts_with(&self.folder))
                    .map(Path::to_owned),
            );
        }
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }

    fn write_tile(&self, path: TilePath, bytes: &[u8]) -> Result<(), TileError> {
        let failed = |source: io::Error| TileError::Failed { path, source: Box::new(source) };
        self.check_access().map_err(failed)?;
        let mut staged = self.staged();
        if let Some(tile) = staged.tiles.get_mut(&path) {
            let digest = Digest::of(bytes);
            let same = match tile {
                Tile::Unwritten(kept) => *kept == bytes,
                Tile::Written { digest: kept, .. } => *kept == digest,
            };
            if !same {
                return Err(TileError::Differs { path });
            }
            // CRASH: the database holds the tile until the file is on the disk.
            replace(&self.file(&path), bytes).map_err(failed)?;
            *tile = Tile::Written { digest, length: u64::try_from(bytes.len()).unwrap_or(u64::MAX) };
            return Ok(());
        }
        drop(staged);
        match fs::read(self.file(&path)) {
            Ok(kept) if kept != bytes => return Err(TileError::Differs { path }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                replace(&self.file(&path), bytes).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        self.sync(&[path]).map_err(failed)
    }

    fn read_tile(&self, path: TilePath) -> Result<Vec<u8>, TileError> {
        if let Some(Tile::Unwritten(bytes)) = self.staged().tiles.get(&path) {
            return Ok(bytes.clone());
        }
        fs::read(self.file(&path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TileError::Missing { path },
            _ => TileError::Failed { path, source: Box::new(error) },
        })
    }

    fn check_access(&self) -> io::Result<()> {
        match self.access {
            Access::Writes => Ok(()),
            Access::Reads => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
    }

    fn file(&self, path: &TilePath) -> PathBuf {
        self.folder.join(path.to_string())
    }

    fn staged(&self) -> MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TileStore for Tiles {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        paths.iter().map(|path| self.read_tile(*path)).collect()
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        tiles.iter().map(|(path, bytes)| self.write_tile(*path, bytes)).collect()
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        let path = self.folder.join(CHECKPOINT);
        let published = self.check_access().and_then(|()| replace(&path, note.as_bytes()));
        published.map_err(|source| NoteStoreError(Box::new(source)))
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        match fs::read(self.folder.join(CHECKPOINT)) {
            // A crash may have torn the file, which is then as good as none: the log has its checkpoint signed again.
            Ok(bytes) => Ok(String::from_utf8(bytes).ok().filter(|note| Note::parse(note).is_ok())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(NoteStoreError(Box::new(error))),
        }
    }
}

fn written((path, tile): (&TilePath, &Tile)) -> Option<(TilePath, u64)> {
    match tile {
        Tile::Unwritten(_) => None,
        Tile::Written { length, .. } => Some((*path, *length)),
    }
}

/// Puts a file of these bytes in place under its name: whole or not at all, for whoever reads.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = match (File::create(&beside), path.parent()) {
        // Mostly the folder is there.
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            File::create(&beside)?
        }
        (created, _) => created?,
    };
    file.write_all(bytes)?;
    drop(file);
    fs::rename(&beside, path)
}
