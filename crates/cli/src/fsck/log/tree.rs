//! A log's files: every entry is read, and every tile held against them.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use model::Digest;
use model::merkle::root;
use tlog::tile::{self, FULL_WIDTH, TileKind};
use tlog::{Checkpoint, RightEdge, TilePath};

use super::super::{Finding, Remark, Report};
use super::{EachEntry, Standing};

/// A log's files.
pub(super) struct Files<'a> {
    pub(super) origin: &'a str,
    pub(super) folder: PathBuf,
    /// What only the database is known to hold.
    pub(super) staged: HashMap<TilePath, Vec<u8>>,
    /// [`TileKind::Entries`], or [`TileKind::Certificates`].
    pub(super) entries: TileKind,
}

/// A tree that was recomputed: its leaf hashes, its root, and those that it had at some sizes.
pub(super) struct Tree {
    pub(super) leaves: Vec<Digest>,
    pub(super) roots: HashMap<u64, Digest>,
    pub(super) root: Digest,
}

impl Files<'_> {
    /// Reads every entry and tile, and recomputes the tree.
    pub(super) fn read(
        &self,
        newest: &Checkpoint,
        sizes: &BTreeSet<u64>,
        standing: Standing,
        see: &mut dyn EachEntry,
        report: &mut Report,
    ) -> Tree {
        let leaves = self.leaves(newest.size(), see, report);
        let (mut edge, mut roots) = (RightEdge::new(), HashMap::new());
        let mut first_of = HashMap::new();
        for (index, leaf) in (0_u64..).zip(&leaves) {
            edge.append(*leaf);
            if sizes.contains(&(index + 1)) {
                roots.insert(index + 1, edge.root());
            }
            if let Some(first) = first_of.insert(*leaf, index) {
                let origin = self.origin.to_owned();
                report.findings.push(Finding::EntryTwice { origin, first, second: index });
            }
        }
        if edge.size() != newest.size() || edge.root() != *newest.root() {
            report.findings.push(Finding::LogRoot { origin: self.origin.to_owned() });
        }
        self.tiles(&leaves, standing, report);
        Tree { leaves, roots, root: edge.root() }
    }

    /// The leaf hashes of all entries, in order.
    fn leaves(&self, size: u64, see: &mut dyn EachEntry, report: &mut Report) -> Vec<Digest> {
        let full = u64::from(FULL_WIDTH);
        let mut leaves = Vec::new();
        for index in 0..size.div_ceil(full) {
            let Some(path) = self.bundle(index, size) else { break };
            let Some(bytes) = self.bytes(&path) else {
                self.find(path, "is missing", report);
                continue;
            };
            match tile::decode_leaves(path, &bytes) {
                Ok(entries) => {
                    for (at, (entry, hash)) in (index * full..).zip(entries) {
                        see.see(at, entry, report);
                        leaves.push(hash);
                    }
                }
                Err(_) => self.find(path, "is not a whole bundle of entries", report),
            }
        }
        leaves
    }

    /// The widest bundle of this index in a log of this size.
    fn bundle(&self, index: u64, size: u64) -> Option<TilePath> {
        let full = u64::from(FULL_WIDTH);
        let width = size.checked_sub(index.checked_mul(full)?)?.min(full);
        let width = u16::try_from(width).expect("at most 256");
        let path = match self.entries {
            TileKind::Certificates => TilePath::certificates(index, width),
            _ => TilePath::entries(index, width),
        };
        path.ok()
    }

    /// The database's copy of a tile, or the file.
    fn bytes(&self, path: &TilePath) -> Option<Vec<u8>> {
        self.staged.get(path).cloned().or_else(|| fs::read(self.folder.join(path.to_string())).ok())
    }

    fn find(&self, path: TilePath, fault: &'static str, report: &mut Report) {
        report.findings.push(Finding::Tile { origin: self.origin.to_owned(), path, fault });
    }

    /// Holds every tile that is needed or there against the leaves.
    fn tiles(&self, leaves: &[Digest], standing: Standing, report: &mut Report) {
        let levels = levels(leaves);
        for (path, hashes) in needed(&levels) {
            match self.bytes(&path) {
                Some(bytes) if bytes == tile::encode_hashes(&hashes) => {}
                Some(_) => self.find(path, "does not hold the hashes of the entries below it", report),
                None => self.find(path, "is missing", report),
            }
        }
        for path in present(&self.folder) {
            if let Some(staged) = self.staged.get(&path) {
                if fs::read(self.folder.join(path.to_string())).ok().as_ref() != Some(staged) {
                    report.remarks.push(Remark::Unwritten { origin: self.origin.to_owned(), path });
                }
                continue;
            }
            match self.expected(path, &levels, leaves) {
                Expected::Same => {}
                Expected::Other => self.find(path, "does not hold what the log has there", report),
                // A frozen log may have tiles of a checkpoint that was never shown.
                Expected::Beyond if standing == Standing::Frozen => {}
                Expected::Beyond => self.find(path, "is beyond the end of the log", report),
            }
        }
    }

    fn expected(&self, path: TilePath, levels: &[Vec<Digest>], leaves: &[Digest]) -> Expected {
        let Ok(bytes) = fs::read(self.folder.join(path.to_string())) else { return Expected::Other };
        let level = match path.kind() {
            TileKind::Hashes { level } => usize::from(level),
            TileKind::Entries | TileKind::Certificates => 0,
        };
        let hashes = if level == 0 { Some(leaves) } else { levels.get(level).map(Vec::as_slice) };
        let first = usize::try_from(path.index()).ok().and_then(|index| index.checked_mul(256));
        let range = first.and_then(|first| Some(first..first.checked_add(usize::from(path.width()))?));
        let Some(hashes) = range.and_then(|range| hashes?.get(range)) else { return Expected::Beyond };
        let size = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let same = match path.kind() {
            TileKind::Hashes { .. } => bytes == tile::encode_hashes(hashes),
            // A bundle that was not full yet is the beginning of what it became.
            kind if kind == self.entries => {
                let widest = self.bundle(path.index(), size).and_then(|path| self.bytes(&path));
                tile::decode_entries(path, &bytes).is_ok()
                    && widest.is_some_and(|widest| widest.starts_with(&bytes))
            }
            // Those of another log have no business here.
            TileKind::Entries | TileKind::Certificates => false,
        };
        if same { Expected::Same } else { Expected::Other }
    }
}

enum Expected {
    Same,
    Other,
    Beyond,
}

/// The hashes of every level of tiles: the leaves, then the roots of whole tiles of the level below.
fn levels(leaves: &[Digest]) -> Vec<Vec<Digest>> {
    let mut levels = vec![leaves.to_vec()];
    while let Some(below) = levels.last().filter(|below| below.len() >= usize::from(FULL_WIDTH)) {
        let (whole, _) = below.as_chunks::<256>();
        let above = whole.iter().map(|hashes| root(hashes)).collect();
        levels.push(above);
    }
    levels
}

/// The widest tiles of a tree, with their hashes.
fn needed(levels: &[Vec<Digest>]) -> Vec<(TilePath, Vec<Digest>)> {
    let mut tiles = Vec::new();
    for (level, hashes) in (0_u8..).zip(levels) {
        for (index, hashes) in (0_u64..).zip(hashes.chunks(usize::from(FULL_WIDTH))) {
            let width = u16::try_from(hashes.len()).expect("at most 256");
            let path =
                TilePath::hashes(level, index, width).expect("a tree in memory is within the size limit");
            tiles.push((path, hashes.to_vec()));
        }
    }
    tiles
}

/// The tiles that are there as files.
fn present(folder: &Path) -> Vec<TilePath> {
    let (mut found, mut open) = (Vec::new(), vec![folder.join("tile")]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                found.extend(name.to_string_lossy().parse::<TilePath>().ok());
            }
        }
    }
    found.sort_unstable();
    found
}
