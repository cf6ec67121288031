//! The right-hand tiles of a log, kept in memory: what the next entries are appended to.

use model::Digest;
use model::merkle::root;

use crate::entries::Entries;
use crate::proof::{Node, Nodes, ProofError};
use crate::tile::{self, FULL_WIDTH, LEVEL_MAX, TileFormatError};
use crate::{EdgeError, RightEdge, StagedTile, TilePath};

/// The levels of tiles that any tree has: one more than [`LEVEL_MAX`].
const LEVELS: usize = 8;

/// The partial tile of every level, the partial entry bundle, and the edge that they make.
#[derive(Debug, Clone, Default)]
pub(super) struct RightTiles {
    entries: Entries,
    edge: RightEdge,
    // INVARIANT: `levels[l]` holds the hashes of the partial tile of level l, `bundle` the entries of that of level 0.
    levels: [Vec<Digest>; LEVELS],
    bundle: Vec<u8>,
}

/// What appending entries makes: the tiles to be written, and every node that the tree did not have before.
#[derive(Debug)]
pub(super) struct Grown {
    old: RightEdge,
    right: RightTiles,
    leaf_hashes: Vec<Digest>,
    // INVARIANT: `fresh[l]` holds the new nodes of level l, without gaps, from the first that the old tree lacked.
    fresh: Vec<Fresh>,
    tiles: Vec<StagedTile>,
}

/// New nodes of one level, from the `first`-th on.
#[derive(Debug)]
struct Fresh {
    first: u64,
    hashes: Vec<Digest>,
}

/// The widths of the partial tiles of a tree, level by level.
fn widths(size: u64) -> impl Iterator<Item = (u8, u64, u16)> {
    (0..=LEVEL_MAX).filter_map(move |level| {
        let hashes = size >> (8 * u32::from(level));
        let width = u16::try_from(hashes & 0xff).expect("eight bits fit into sixteen");
        (width != 0).then_some((level, hashes >> 8, width))
    })
}

impl RightTiles {
    /// The partial tiles of a tree of `size` entries; the entry bundle, where there is one, is the first.
    pub(super) fn paths(entries: Entries, size: u64) -> Result<Vec<TilePath>, TileFormatError> {
        let bundle = widths(size)
            .find(|(level, ..)| *level == 0)
            .map(|(_, index, width)| entries.bundle(index, width));
        let hashes = widths(size).map(|(level, index, width)| TilePath::hashes(level, index, width));
        bundle.into_iter().chain(hashes).collect()
    }

    /// Puts the tiles together that [`RightTiles::paths`] names.
    pub(super) fn from_tiles(
        entries: Entries,
        size: u64,
        tiles: Vec<StagedTile>,
    ) -> Result<Self, RightError> {
        let mut right = Self { entries, ..Self::default() };
        for (path, bytes) in tiles {
            match path.kind() {
                tile::TileKind::Hashes { level } => {
                    right.levels[usize::from(level)] = tile::decode_hashes(path, &bytes)?;
                }
                tile::TileKind::Entries | tile::TileKind::Certificates => right.bundle = bytes,
            }
        }
        right.check_bundle(size)?;
        let mut nodes = Vec::new();
        for hashes in right.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while let Some(bits) = rest.len().checked_ilog2() {
                let (subtree, after) = rest.split_at(1 << bits);
                nodes.push(root(subtree));
                rest = after;
            }
        }
        right.edge = RightEdge::from_parts(size, nodes)?;
        Ok(right)
    }

    /// Holds the partial entry bundle against the leaf hashes beside it.
    fn check_bundle(&self, size: u64) -> Result<(), RightError> {
        let Some((0, index, width)) = widths(size).next() else { return Ok(()) };
        let entries = tile::decode_entries(self.entries.bundle(index, width)?, &self.bundle)?;
        let first = index * u64::from(FULL_WIDTH);
        for (index, (entry, hash)) in (first..).zip(entries.into_iter().zip(&self.levels[0])) {
            if !self.entries.is_leaf(index, entry, hash) {
                return Err(RightError::OtherEntry { index });
            }
        }
        Ok(())
    }

    /// The edge of the tree.
    pub(super) const fn edge(&self) -> &RightEdge {
        &self.edge
    }

    /// Appends entries; what there is stays as it is.
    pub(super) fn grow(&self, entries: &[Vec<u8>]) -> Result<Grown, (usize, TileFormatError)> {
        let mut growth = Grown {
            old: self.edge.clone(),
            right: self.clone(),
            leaf_hashes: Vec::with_capacity(entries.len()),
            fresh: Vec::new(),
            tiles: Vec::new(),
        };
        for (position, entry) in entries.iter().enumerate() {
            growth.append(entry).map_err(|source| (position, source))?;
        }
        growth.stage_partial_tiles();
        Ok(growth)
    }
}

/// Why tiles are not the right-hand side of a tree.
#[derive(Debug)]
pub(super) enum RightError {
    Format(TileFormatError),
    Edge(EdgeError),
    OtherEntry { index: u64 },
}

impl From<TileFormatError> for RightError {
    fn from(error: TileFormatError) -> Self {
        Self::Format(error)
    }
}

impl From<EdgeError> for RightError {
    fn from(error: EdgeError) -> Self {
        Self::Edge(error)
    }
}

impl Grown {
    fn append(&mut self, entry: &[u8]) -> Result<(), TileFormatError> {
        let Self { right: RightTiles { entries, edge, levels, bundle }, leaf_hashes, fresh, tiles, .. } =
            self;
        let leaf = entries.put(edge.size(), entry, bundle)?;
        leaf_hashes.push(leaf);
        edge.append_seen(leaf, |node, hash| {
            keep(fresh, node, hash);
            if node.level % 8 == 0 {
                let level = u8::try_from(node.level / 8).expect("a tree has at most 63 levels of nodes");
                let hashes = &mut levels[usize::from(level)];
                hashes.push(*hash);
                if hashes.len() == usize::from(FULL_WIDTH) {
                    tiles.push((
                        existing(TilePath::hashes(level, node.index >> 8, FULL_WIDTH)),
                        tile::encode_hashes(hashes),
                    ));
                    hashes.clear();
                }
            }
        });
        if edge.size() % u64::from(FULL_WIDTH) == 0 {
            let index = (edge.size() - 1) / u64::from(FULL_WIDTH);
            tiles.push((existing(entries.bundle(index, FULL_WIDTH)), std::mem::take(bundle)));
        }
        Ok(())
    }

    /// Adds the tiles that are not full, where they have grown.
    fn stage_partial_tiles(&mut self) {
        for (level, index, width) in widths(self.right.edge.size()) {
            if usize::from(level) * 8 >= self.fresh.len() {
                continue;
            }
            if level == 0 {
                let path = existing(self.right.entries.bundle(index, width));
                self.tiles.push((path, self.right.bundle.clone()));
            }
            let hashes = &self.right.levels[usize::from(level)];
            self.tiles.push((existing(TilePath::hashes(level, index, width)), tile::encode_hashes(hashes)));
        }
    }

    /// The root of the tree with the new entries.
    pub(super) fn root(&self) -> Digest {
        self.right.edge.root()
    }

    /// Its size.
    pub(super) const fn size(&self) -> u64 {
        self.right.edge.size()
    }

    /// The edge of the tree without them.
    pub(super) const fn old(&self) -> &RightEdge {
        &self.old
    }

    /// The leaf hashes of the new entries.
    pub(super) fn leaf_hashes(&self) -> &[Digest] {
        &self.leaf_hashes
    }

    /// The tiles that the new entries make: full ones, and partial ones that have grown.
    pub(super) fn tiles(&self) -> &[StagedTile] {
        &self.tiles
    }

    /// What is in memory once the new entries are durable.
    pub(super) fn into_right(self) -> RightTiles {
        self.right
    }
}

fn keep(fresh: &mut Vec<Fresh>, node: Node, hash: &Digest) {
    let level = usize::try_from(node.level).expect("a tree has at most 63 levels of nodes");
    match fresh.get_mut(level) {
        Some(known) => known.hashes.push(*hash),
        // A node is completed after those below it: the first of a level comes when all lower levels are there.
        None => fresh.push(Fresh { first: node.index, hashes: vec![*hash] }),
    }
}

/// A tile of a tree whose size was held to its limit before it grew.
fn existing(path: Result<TilePath, TileFormatError>) -> TilePath {
    path.expect("every tile of a tree within the size limit has a path")
}

/// The nodes that proofs from the old tree to the new one need, and inclusion proofs of the new entries: a node that
/// is not new and stands beside a new one is one of those that the old edge is made of.
impl Nodes for Grown {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        nodes.iter().map(|node| self.node(*node).ok_or(ProofError::NoNode { node: *node })).collect()
    }
}

impl Grown {
    fn node(&self, node: Node) -> Option<Digest> {
        let fresh = self.fresh.get(usize::try_from(node.level).ok()?);
        let new = fresh.and_then(|fresh| {
            let at = usize::try_from(node.index.checked_sub(fresh.first)?).ok()?;
            fresh.hashes.get(at).copied()
        });
        new.or_else(|| self.old.node(node))
    }
}
