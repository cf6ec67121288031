//! What the log holds already: looked up in its index, which is filled from the log itself.

use std::sync::Arc;

use model::Digest;
use tlog::{TilePath, tile};

use super::LogStageError;
use crate::IndexedEntry;
use crate::stages::World;

/// The index of one log, and how far it is known to reach.
pub(super) struct Known {
    world: Arc<World>,
    origin: String,
    /// `None` once that is not known, until it is asked.
    reach: Option<u64>,
}

impl Known {
    pub(super) fn of(world: Arc<World>, origin: &str) -> Self {
        Self { world, origin: origin.to_owned(), reach: None }
    }

    /// Adds entries that were just appended, where the index reaches so far; where it does not, they are read from the
    /// log with the others, once it catches up.
    pub(super) fn extend(&mut self, first: u64, entries: Vec<IndexedEntry>) -> Result<(), LogStageError> {
        match self.reach {
            Some(reach) if reach == first => self.append(first, entries),
            _ => Ok(()),
        }
    }

    /// The index of each of these leaves, where the log of this size has it. An index that says other things than the
    /// log is forgotten, and the caller told to come back.
    pub(super) fn find(
        &mut self,
        log: &tlog::Log,
        leaves: &[Digest],
    ) -> Result<Vec<Option<u64>>, LogStageError> {
        self.catch_up(log)?;
        let found = self.world.index.find(&self.origin, leaves)?;
        for (leaf, index) in leaves.iter().zip(&found) {
            if let Some(index) = *index
                && log.inclusion(index)?.leaf_hash != *leaf
            {
                self.forget()?;
                return Err(LogStageError::Index { index });
            }
        }
        Ok(found)
    }

    /// Reads what the log has and the index does not.
    pub(super) fn catch_up(&mut self, log: &tlog::Log) -> Result<(), LogStageError> {
        let size = log.checkpoint().map_or(0, tlog::SignedCheckpoint::size);
        let mut reach = match self.reach {
            Some(reach) => reach,
            None => self.world.index.reach(&self.origin)?,
        };
        if reach > size {
            // The log was put back to where it was before, and may have grown otherwise.
            self.forget()?;
            reach = 0;
        }
        while reach < size {
            let entries = self.read(log, reach, size)?;
            let count = u64::try_from(entries.len()).expect("at most a tile of them");
            self.append(reach, entries)?;
            reach += count;
        }
        self.reach = Some(reach);
        Ok(())
    }

    /// The entries from `from` on, to the end of their tile.
    fn read(&self, log: &tlog::Log, from: u64, size: u64) -> Result<Vec<IndexedEntry>, LogStageError> {
        let full = u64::from(tile::FULL_WIDTH);
        let bundle = from / full;
        let width = u16::try_from((size - bundle * full).min(full)).expect("at most a tile");
        let path = TilePath::entries(bundle, width).map_err(tlog::LogError::from)?;
        let read = self.world.tiles.read(&[path]).into_iter().next();
        let unreadable = |source| tlog::LogError::Read { origin: self.origin.clone(), source };
        let bytes = read.unwrap_or(Err(tlog::TileError::Missing { path })).map_err(unreadable)?;
        let bodies = tile::decode_entries(path, &bytes).map_err(tlog::LogError::from)?;
        let skipped = usize::try_from(from % full).expect("less than a tile");
        let entries: Vec<_> = bodies.into_iter().skip(skipped).map(IndexedEntry::read).collect();
        let last = entries.last().map(|entry| entry.leaf);
        if last != Some(log.inclusion(from + u64::try_from(entries.len()).expect("a tile") - 1)?.leaf_hash) {
            return Err(LogStageError::Index { index: from });
        }
        Ok(entries)
    }

    fn append(&mut self, from: u64, entries: Vec<IndexedEntry>) -> Result<(), LogStageError> {
        let count = u64::try_from(entries.len()).expect("at most a batch");
        // Not known again until it is known that all of them are in.
        self.reach = None;
        self.world.index.extend(&self.origin, from, &entries)?;
        self.reach = Some(from + count);
        Ok(())
    }

    fn forget(&mut self) -> Result<(), LogStageError> {
        self.reach = None;
        Ok(self.world.index.forget(&self.origin)?)
    }
}
