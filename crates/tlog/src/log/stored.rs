//! Nodes of the tree, read from stored tiles.

use std::collections::BTreeMap;

use model::Digest;
use model::merkle::root;

use crate::proof::{Node, Nodes};
use crate::tile::{self, FULL_WIDTH, TileFormatError};
use crate::{LogError, TilePath, TileStore};

/// The tiles of a log of which a checkpoint of `size` entries is durable.
pub(super) struct StoredNodes<'a> {
    pub(super) tiles: &'a dyn TileStore,
    pub(super) origin: &'a str,
    pub(super) size: u64,
}

impl Nodes for StoredNodes<'_> {
    type Error = LogError;

    /// Reads every tile that is needed, once and all at once.
    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, LogError> {
        let mut wanted = BTreeMap::new();
        for node in nodes {
            wanted.insert(self.tile_of(*node)?, Vec::new());
        }
        let paths: Vec<TilePath> = wanted.keys().copied().collect();
        for ((path, hashes), bytes) in wanted.iter_mut().zip(self.tiles.read(&paths)) {
            let bytes = bytes.map_err(|source| LogError::Read { origin: self.origin.to_owned(), source })?;
            *hashes = tile::decode_hashes(*path, &bytes)?;
        }
        nodes.iter().map(|node| self.hash(*node, &wanted)).collect()
    }
}

impl StoredNodes<'_> {
    /// The tile with the hashes under a node: as wide as it is in the newest tree, where it surely exists.
    fn tile_of(&self, node: Node) -> Result<TilePath, LogError> {
        let refuse = || TileFormatError::NoSuchTile { level: u8::MAX, index: node.index, width: 0 };
        let level = u8::try_from(node.level / 8).map_err(|_| refuse())?;
        let index = (node.index << (node.level % 8)) / u64::from(FULL_WIDTH);
        let hashes = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let width = hashes.saturating_sub(index * u64::from(FULL_WIDTH)).min(u64::from(FULL_WIDTH));
        Ok(TilePath::hashes(level, index, u16::try_from(width).map_err(|_| refuse())?)?)
    }

    fn hash(&self, node: Node, tiles: &BTreeMap<TilePath, Vec<Digest>>) -> Result<Digest, LogError> {
        let missing = crate::ProofError::NoNode { node };
        let below = node.level % 8;
        let start = usize::try_from((node.index << below) % u64::from(FULL_WIDTH)).expect("less than 256");
        let tile = tiles.get(&self.tile_of(node)?).and_then(|hashes| hashes.get(start..start + (1 << below)));
        Ok(root(tile.ok_or(missing)?))
    }
}
