//! Inclusion and consistency proofs (RFC 9162 §2.1.3 and §2.1.4): made from stored nodes, checked from nothing.

use std::ops::Range;

use model::Digest;
use model::merkle::{node_hash, root_from_inclusion};

/// A node of the tree under which all leaves exist: the root of the `index`-th perfect subtree of 2^`level` leaves.
/// Such a node never changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// How many levels above the leaves.
    pub level: u32,
    /// Which of that level, from the left.
    pub index: u64,
}

/// Where nodes are read from. One proof is one call.
pub trait Nodes {
    /// Why nodes cannot be read.
    type Error: From<ProofError>;

    /// The hashes of these nodes, in their order.
    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Self::Error>;
}

/// Why there is no proof, or why it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// An index beyond the tree.
    #[error("a tree of {size} entries has no entry {index}")]
    NoSuchEntry {
        /// The entry.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// A tree that would have lost entries.
    #[error("a tree of {new} entries cannot extend one of {old}")]
    Shrunk {
        /// The size that was known.
        old: u64,
        /// The size that is smaller.
        new: u64,
    },
    /// Too many hashes or too few.
    #[error("the proof has {found} hashes, which is not the number that its sizes ask for")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// A proof that leads to another new root.
    #[error("the proof does not lead to the root `{root}` of the tree of {size} entries")]
    OtherRoot {
        /// The root it should lead to.
        root: Digest,
        /// That tree's size.
        size: u64,
    },
    /// Nodes that the reader does not have.
    #[error("node {} of level {} is not at hand", node.index, node.level)]
    NoNode {
        /// The one that is missing.
        node: Node,
    },
}

/// What a consistency proof proved: the new tree holds all of the old one, in its order. Only
/// [`verify_consistency`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistent {
    old_size: u64,
    old_root: Digest,
    new_size: u64,
    new_root: Digest,
}

impl Consistent {
    /// The size of the tree that was extended.
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// Its root.
    pub const fn old_root(&self) -> &Digest {
        &self.old_root
    }

    /// The size of the tree that extends it.
    pub const fn new_size(&self) -> u64 {
        self.new_size
    }

    /// Its root.
    pub const fn new_root(&self) -> &Digest {
        &self.new_root
    }
}

/// What an inclusion proof proved: this leaf stands at this index of that tree. Only [`verify_inclusion`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    leaf_hash: Digest,
    index: u64,
    size: u64,
    root: Digest,
}

impl Included {
    /// The hash of the leaf.
    pub const fn leaf_hash(&self) -> &Digest {
        &self.leaf_hash
    }

    /// Where it stands.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The size of the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub const fn root(&self) -> &Digest {
        &self.root
    }
}

/// Checks that a leaf stands at `index` of the tree of this size and root (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(
    leaf_hash: &Digest,
    index: u64,
    size: u64,
    root: &Digest,
    path: &[Digest],
) -> Result<Included, ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchEntry { index, size });
    }
    let found = root_from_inclusion(leaf_hash, index, size, path);
    if found.ok_or(ProofError::Length { found: path.len() })? != *root {
        return Err(ProofError::OtherRoot { root: *root, size });
    }
    Ok(Included { leaf_hash: *leaf_hash, index, size, root: *root })
}

/// Checks that the new tree extends the old one (RFC 9162 §2.1.4.2). Of two trees of one size the roots must be
/// equal; every tree extends the empty one; in both cases the proof is empty.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Digest,
    new_size: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<Consistent, ProofError> {
    if old_size > new_size {
        return Err(ProofError::Shrunk { old: old_size, new: new_size });
    }
    let empty = Digest::of(&[]);
    let without_proof = |old_found, new_found| proof.is_empty().then_some((old_found, new_found));
    let found = match (old_size, new_size) {
        (0, 0) => without_proof(empty, empty),
        (0, _) => without_proof(empty, *new_root),
        (old, new) if old == new => without_proof(*new_root, *new_root),
        (old, new) => roots_from_consistency(old, old_root, new, proof),
    };
    let (old_found, new_found) = found.ok_or(ProofError::Length { found: proof.len() })?;
    if old_found != *old_root {
        return Err(ProofError::OtherRoot { root: *old_root, size: old_size });
    }
    if new_found != *new_root {
        return Err(ProofError::OtherRoot { root: *new_root, size: new_size });
    }
    Ok(Consistent { old_size, old_root: *old_root, new_size, new_root: *new_root })
}

/// The two roots to which a consistency proof leads, for 0 < `old` < `new`; `None` if it is not of their length.
fn roots_from_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    proof: &[Digest],
) -> Option<(Digest, Digest)> {
    // Where the old tree is a perfect subtree of the new one, its root is where the walk begins, and is left out.
    let (first, rest) = if old.is_power_of_two() { (old_root, proof) } else { proof.split_first()? };
    let steps = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> steps, (new - 1) >> steps);
    let (mut old_found, mut new_found) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old_found = node_hash(sibling, &old_found);
            new_found = node_hash(sibling, &new_found);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_found = node_hash(&new_found, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old_found, new_found))
}

/// Computes the root of the tree of `size` entries.
pub fn root<R: Nodes>(size: u64, reader: &R) -> Result<Digest, R::Error> {
    if size == 0 {
        return Ok(Digest::of(&[]));
    }
    let nodes: Vec<Node> = Pieces(0..size).collect();
    join(&reader.read(&nodes)?).ok_or_else(|| ProofError::Length { found: 0 }.into())
}

/// Reads the hash of a leaf.
pub fn leaf<R: Nodes>(index: u64, reader: &R) -> Result<Digest, R::Error> {
    let node = Node { level: 0, index };
    reader.read(&[node])?.first().copied().ok_or_else(|| ProofError::NoNode { node }.into())
}

/// Makes the inclusion path of entry `index` in the tree of `size` entries.
pub fn inclusion<R: Nodes>(index: u64, size: u64, reader: &R) -> Result<Vec<Digest>, R::Error> {
    if index >= size {
        return Err(ProofError::NoSuchEntry { index, size }.into());
    }
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push(middle..end);
            end = middle;
        } else {
            siblings.push(start..middle);
            start = middle;
        }
    }
    hashes_upwards(&siblings, reader)
}

/// Makes the consistency proof from the tree of `old` entries to that of `new`.
pub fn consistency<R: Nodes>(old: u64, new: u64, reader: &R) -> Result<Vec<Digest>, R::Error> {
    if old > new {
        return Err(ProofError::Shrunk { old, new }.into());
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut siblings = Vec::new();
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            siblings.push(middle..end);
            end = middle;
        } else {
            siblings.push(start..middle);
            start = middle;
        }
    }
    // Who asks knows the root of the old tree: where that is this very subtree, it is left out.
    if start != 0 {
        siblings.push(start..end);
    }
    hashes_upwards(&siblings, reader)
}

/// The largest power of two smaller than `length`, which is at least 2.
const fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The hashes of subtrees that were found from the root downwards, in the order of a proof: upwards.
fn hashes_upwards<R: Nodes>(subtrees: &[Range<u64>], reader: &R) -> Result<Vec<Digest>, R::Error> {
    let nodes: Vec<Node> = subtrees.iter().rev().cloned().flat_map(Pieces).collect();
    let found = reader.read(&nodes)?;
    let (mut rest, mut hashes) = (found.as_slice(), Vec::with_capacity(subtrees.len()));
    for subtree in subtrees.iter().rev() {
        let pieces = Pieces(subtree.clone()).count();
        let (first, after) =
            rest.split_at_checked(pieces).ok_or(ProofError::Length { found: found.len() })?;
        hashes.extend(join(first));
        rest = after;
    }
    Ok(hashes)
}

/// The hash of a subtree from those of its perfect pieces, the largest first; of none, none.
pub(crate) fn join(pieces: &[Digest]) -> Option<Digest> {
    pieces.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// The perfect subtrees of which a subtree of an RFC 6962 tree is made, the largest first.
struct Pieces(Range<u64>);

impl Iterator for Pieces {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        // INVARIANT: `start` is a multiple of every power of two that fits into the rest, because the whole begins
        // at a multiple of a power of two no smaller than itself.
        let level = self.0.end.checked_sub(self.0.start)?.checked_ilog2()?;
        let node = Node { level, index: self.0.start >> level };
        self.0.start += 1 << level;
        Some(node)
    }
}
