//! The lock on a log: its newest checkpoint, with the tiles that may not have reached the disk.

use rusqlite::{Connection, OptionalExtension, params};
use tlog::{LockError, Locked, StagedTile};

use crate::Store;
use crate::error::{Failed, Fault};
use crate::logs::LogName;

impl Store {
    pub(crate) fn load_log(&self, log: LogName) -> Result<Option<Locked>, LockError> {
        let read = self.query("read the checkpoint", |connection| locked(connection, log));
        read.map_err(|source| LockError::Untouched { source: Box::new(source) })
    }

    pub(crate) fn create_log(&self, log: LogName, first: &str) -> Result<(), LockError> {
        let created = self.transact(|transaction| {
            let row = params![log.word(), first];
            Ok(transaction.execute(include_str!("../sql/checkpoint_create.sql"), row)?)
        });
        match created.map_err(lock_error)? {
            1 => Ok(()),
            _ => Err(LockError::Exists),
        }
    }

    pub(crate) fn swap_log(
        &self,
        log: LogName,
        expected: &str,
        new: &str,
        tiles: &[StagedTile],
    ) -> Result<(), LockError> {
        // What is on the disk by now need not be staged any more; mostly there is nothing to be done.
        let settled = self.tiles(log).settle();
        let swapped = self.transact(|transaction| {
            let mut statement = transaction.prepare_cached(include_str!("../sql/checkpoint_swap.sql"))?;
            if statement.execute(params![log.word(), expected, new])? != 1 {
                return Ok(false);
            }
            let mut delete = transaction.prepare_cached(include_str!("../sql/staged_delete.sql"))?;
            for path in &settled {
                delete.execute(params![log.word(), path.to_string()])?;
            }
            let mut insert = transaction.prepare_cached(include_str!("../sql/staged_insert.sql"))?;
            for (path, bytes) in tiles {
                insert.execute(params![log.word(), path.to_string(), bytes])?;
            }
            Ok(true)
        });
        if swapped.map_err(lock_error)? {
            self.tiles(log).swapped(&settled, tiles);
            Ok(())
        } else {
            Err(LockError::Conflict)
        }
    }
}

/// What the lock holds.
pub(crate) fn locked(connection: &Connection, log: LogName) -> Result<Option<Locked>, Fault> {
    let Some((onto, checkpoint)) = checkpoint(connection, log)? else { return Ok(None) };
    Ok(Some(Locked { onto, checkpoint, staged: staged(connection, log)? }))
}

pub(crate) fn checkpoint(connection: &Connection, log: LogName) -> Result<Option<(String, String)>, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/checkpoint_read.sql"))?;
    Ok(statement.query_row([log.word()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The staged tiles, by path.
pub(crate) fn staged(connection: &Connection, log: LogName) -> Result<Vec<StagedTile>, Fault> {
    let mut statement = connection.prepare_cached(include_str!("../sql/staged_list.sql"))?;
    let mut found = statement.query([log.word()])?;
    let mut tiles = Vec::new();
    while let Some(row) = found.next()? {
        let path: String = row.get("path")?;
        let path = path.parse().map_err(|source| Fault::corrupt("name of a tile", source))?;
        tiles.push((path, row.get("bytes")?));
    }
    Ok(tiles)
}

pub(crate) fn lock_error(failed: Failed) -> LockError {
    match failed {
        Failed::Untouched(fault) => {
            LockError::Untouched { source: Box::new(fault.into_store("swap the checkpoint")) }
        }
        Failed::Unknown(fault) => {
            LockError::Unknown { source: Box::new(fault.into_store("swap the checkpoint")) }
        }
    }
}
