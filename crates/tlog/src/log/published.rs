//! A log as it was published: whoever has a checkpoint and the tiles reads entries and proves that they are in it.

use model::Digest;

use super::LogError;
use super::stored::StoredNodes;
use crate::entries::Entries;
use crate::tile::{self, FULL_WIDTH};
use crate::{Checkpoint, TileError, TilePath, TileStore, proof};

/// The entries under one checkpoint of a log of plain entries, read from its tiles. It needs no key and writes nothing.
pub struct PublishedLog<'a> {
    tiles: &'a dyn TileStore,
    checkpoint: Checkpoint,
}

impl<'a> PublishedLog<'a> {
    /// The log of this checkpoint.
    pub const fn new(tiles: &'a dyn TileStore, checkpoint: Checkpoint) -> Self {
        Self { tiles, checkpoint }
    }

    fn nodes(&self) -> StoredNodes<'_> {
        StoredNodes { tiles: self.tiles, origin: self.checkpoint.origin(), size: self.checkpoint.size() }
    }

    /// The consistency proof from the tree of an earlier size to this one; `None` from a size that it does not have yet.
    pub fn grown_from(&self, old: u64) -> Result<Option<Vec<Digest>>, LogError> {
        let size = self.checkpoint.size();
        (old <= size).then(|| proof::consistency(old, size, &self.nodes())).transpose()
    }

    /// An entry, with the path that leads from it to the checkpoint's root.
    pub fn entry(&self, index: u64) -> Result<(Vec<u8>, Vec<Digest>), LogError> {
        let (origin, size) = (self.checkpoint.origin(), self.checkpoint.size());
        let nodes = self.nodes();
        let (path, hash) = (proof::inclusion(index, size, &nodes)?, proof::leaf(index, &nodes)?);
        proof::verify_inclusion(&hash, index, size, self.checkpoint.root(), &path)?;
        let full = u64::from(FULL_WIDTH);
        let width = (size - index / full * full).min(full);
        let bundle = TilePath::entries(index / full, u16::try_from(width).expect("at most 256"))?;
        let read = self.tiles.read(&[bundle]).into_iter().next();
        let bytes = read.unwrap_or(Err(TileError::Missing { path: bundle }));
        let bytes = bytes.map_err(|source| LogError::Read { origin: origin.to_owned(), source })?;
        let entries = tile::decode_entries(bundle, &bytes)?;
        let entry = entries.get(usize::try_from(index % full).expect("less than 256")).copied();
        match entry.filter(|entry| Entries::Plain.is_leaf(index, entry, &hash)) {
            Some(entry) => Ok((entry.to_vec(), path)),
            None => Err(LogError::OtherEntry { origin: origin.to_owned(), index }),
        }
    }
}
