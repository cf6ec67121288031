//! Frozen logs: a log that is not continued is put aside with all that it showed, and a new one may begin.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tlog::{Checkpoint, Locked, TileStore};

use crate::tiles::TILES;
use crate::{OpenError, Store, checkpoint};

/// The folder of frozen logs, in the server's; each lies in a folder of its origin's name, as it was served.
pub const SHARDS: &str = "shards";

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

impl Store {
    /// Puts the log aside, as it was shown: it gets no further entry, and another may be created. Where there is none
    /// any more, nothing is done. The store is to be opened again afterwards.
    pub fn freeze_log(self) -> Result<(), FreezeError> {
        let Some(Locked { checkpoint, staged, .. }) =
            self.query("read the checkpoint", checkpoint::locked)?
        else {
            return Ok(());
        };
        let origin = Checkpoint::parse(&checkpoint)?.origin().to_owned();
        let (tiles, aside) = (self.folder().join(TILES), self.folder().join(SHARDS).join(origin));
        if tiles.exists() && !aside.exists() {
            self.write(&staged).into_iter().collect::<Result<(), _>>()?;
            put_aside(&tiles, &aside)?;
        }
        // CRASH: the files are aside and the rows still there: opening the log fails, freezing it again goes on here.
        let cleared = self.transact(|transaction| {
            transaction.execute(include_str!("../sql/checkpoint_delete.sql"), [])?;
            transaction.execute(include_str!("../sql/staged_clear.sql"), [])?;
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
