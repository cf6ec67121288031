//! The right edge of a growing tree: all that is needed to append to it and to know its root.

use model::Digest;
use model::merkle::node_hash;

use crate::SIZE_MAX;
use crate::proof::{Node, join};

/// The version of the encoding.
const VERSION: u8 = 1;

/// A tree of RFC 6962, seen through its right edge: the roots of the perfect subtrees that it is made of, the largest
/// (leftmost) first. There is one for each bit that is set in its size, so that a tree of a thousand million
/// entries is at most thirty hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RightEdge {
    size: u64,
    // INVARIANT: as many as there are bits set in `size`.
    nodes: Vec<Digest>,
}

/// Why hashes or bytes are not a right edge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// Another number of hashes than the size asks for.
    #[error("the right edge of a tree of {size} entries is {expected} hashes, not {found}")]
    Hashes {
        /// The size it is for.
        size: u64,
        /// How many hashes belong to that size.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A size beyond [`SIZE_MAX`].
    #[error("a tree of {size} entries is larger than any log can be")]
    Size {
        /// The size it names.
        size: u64,
    },
    /// Bytes that are too short, or not a whole number of hashes.
    #[error("{length} bytes are not a right edge: it is a version, a size and whole hashes")]
    Length {
        /// How many bytes there are.
        length: usize,
    },
    /// A version that this avouch does not know.
    #[error("a right edge of version {version}; this avouch knows version 1")]
    Version {
        /// The version it names.
        version: u8,
    },
}

impl RightEdge {
    /// The edge of the empty tree.
    pub const fn new() -> Self {
        Self { size: 0, nodes: Vec::new() }
    }

    /// The edge of a tree of `size` entries from the roots of its perfect subtrees, the largest first.
    pub fn from_parts(size: u64, nodes: Vec<Digest>) -> Result<Self, EdgeError> {
        if size > SIZE_MAX {
            return Err(EdgeError::Size { size });
        }
        let expected = count(size);
        if nodes.len() != expected {
            return Err(EdgeError::Hashes { size, expected, found: nodes.len() });
        }
        Ok(Self { size, nodes })
    }

    /// How many entries the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the tree's perfect subtrees, the largest first.
    pub fn nodes(&self) -> &[Digest] {
        &self.nodes
    }

    /// The inclusion path of the entry that comes next, in the tree that ends with it: all that is left of it.
    pub fn path_of_next(&self) -> Vec<Digest> {
        self.nodes.iter().rev().copied().collect()
    }

    /// The roots of this edge that an earlier edge of the same tree did not have: what is new in the tree since.
    pub fn beyond(&self, earlier: &Self) -> &[Digest] {
        self.nodes.get(shared(earlier.size, self.size)..).unwrap_or_default()
    }

    /// The edge of this tree at a later size, from the roots that are [`beyond`](Self::beyond) this one.
    pub fn going_on(&self, size: u64, beyond: &[Digest]) -> Result<Self, EdgeError> {
        let shared = self.nodes.get(..shared(self.size, size)).unwrap_or_default();
        Self::from_parts(size, [shared, beyond].concat())
    }

    /// Adds an entry, by its leaf hash.
    pub fn append(&mut self, leaf: Digest) {
        self.append_seen(leaf, |_, _| ());
    }

    /// Adds an entry and tells of every node that it completes, the leaf first and then upwards.
    pub(crate) fn append_seen(&mut self, leaf: Digest, mut seen: impl FnMut(Node, &Digest)) {
        let mut node = Node { level: 0, index: self.size };
        let mut hash = leaf;
        seen(node, &hash);
        while node.index & 1 == 1 {
            let left = self.nodes.pop().expect("an edge holds one node for each bit of its size");
            hash = node_hash(&left, &hash);
            node = Node { level: node.level + 1, index: node.index >> 1 };
            seen(node, &hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }

    /// The root of the tree; of the empty one, SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        join(&self.nodes).unwrap_or_else(|| Digest::of(&[]))
    }

    /// A node of the tree, where it is one of those that the edge holds.
    pub(crate) fn node(&self, node: Node) -> Option<Digest> {
        let blocks = self.size.checked_shr(node.level)?;
        if blocks & 1 == 0 || node.index != blocks - 1 {
            return None;
        }
        self.nodes.get(count(blocks >> 1)).copied()
    }

    /// The bytes in which an edge is kept: a version, the size, the hashes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + 32 * self.nodes.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for node in &self.nodes {
            bytes.extend_from_slice(node.as_bytes());
        }
        bytes
    }

    /// Reads what [`RightEdge::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, EdgeError> {
        let length = EdgeError::Length { length: bytes.len() };
        let Some((&version, rest)) = bytes.split_first() else { return Err(length) };
        if version != VERSION {
            return Err(EdgeError::Version { version });
        }
        let Some((size, hashes)) = rest.split_first_chunk::<8>() else { return Err(length) };
        let (hashes, []) = hashes.as_chunks::<32>() else { return Err(length) };
        Self::from_parts(u64::from_be_bytes(*size), hashes.iter().copied().map(Digest::from_bytes).collect())
    }
}

/// How many perfect subtrees a tree of this size is made of.
fn count(size: u64) -> usize {
    usize::try_from(size.count_ones()).expect("a u64 has 64 bits")
}

/// How many perfect subtrees, from the left, the trees of these two sizes have in common.
fn shared(earlier: u64, later: u64) -> usize {
    let differing = u64::BITS - (earlier ^ later).leading_zeros();
    count(later.checked_shr(differing).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use model::merkle::{leaf_hash, root};

    use super::*;
    use crate::proof::verify_inclusion;

    fn leaves(size: u32) -> Vec<Digest> {
        (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    #[test]
    fn an_edge_has_the_root_of_the_whole_tree_at_every_size() {
        let leaves = leaves(300);
        let mut edge = RightEdge::new();
        assert_eq!(edge.root(), root(&[]));
        for (at, leaf) in leaves.iter().enumerate() {
            edge.append(*leaf);
            assert_eq!(edge.root(), root(&leaves[..=at]));
            assert_eq!(RightEdge::decode(&edge.encode()).unwrap(), edge);
        }
    }

    #[test]
    fn an_edge_proves_the_entry_that_comes_next() {
        let leaves = leaves(300);
        let mut edge = RightEdge::new();
        for (index, leaf) in (0..).zip(&leaves) {
            let path = edge.path_of_next();
            edge.append(*leaf);
            verify_inclusion(leaf, index, edge.size(), &edge.root(), &path).unwrap();
        }
    }

    #[test]
    fn an_edge_is_an_earlier_one_and_what_is_beyond_it() {
        let leaves = leaves(70);
        let mut edges = vec![RightEdge::new()];
        for leaf in leaves {
            let mut next = edges.last().unwrap().clone();
            next.append(leaf);
            edges.push(next);
        }
        for earlier in &edges {
            for later in edges.iter().filter(|later| later.size >= earlier.size) {
                let beyond = later.beyond(earlier);
                assert_eq!(earlier.going_on(later.size, beyond).unwrap(), *later);
                assert!(earlier.nodes.iter().all(|node| !beyond.contains(node)));
                assert!(earlier.going_on(later.size, &[beyond, &[Digest::ZERO]].concat()).is_err());
            }
        }
    }

    #[test]
    fn an_edge_gives_its_own_nodes_and_no_others() {
        let leaves = leaves(13);
        let mut edge = RightEdge::new();
        leaves.iter().for_each(|leaf| edge.append(*leaf));
        assert_eq!(edge.node(Node { level: 3, index: 0 }), Some(root(&leaves[..8])));
        assert_eq!(edge.node(Node { level: 2, index: 2 }), Some(root(&leaves[8..12])));
        assert_eq!(edge.node(Node { level: 0, index: 12 }), Some(leaves[12]));
        for absent in [(3, 1), (2, 1), (2, 3), (1, 5), (0, 11), (0, 13), (4, 0), (64, 0)] {
            assert_eq!(edge.node(Node { level: absent.0, index: absent.1 }), None);
        }
    }

    #[test]
    fn bytes_that_are_not_an_edge_are_refused() {
        let mut edge = RightEdge::new();
        leaves(11).into_iter().for_each(|leaf| edge.append(leaf));
        let good = edge.encode();
        for length in 0..good.len() {
            assert!(RightEdge::decode(&good[..length]).is_err());
        }
        assert!(RightEdge::decode(&[good.clone(), vec![0]].concat()).is_err());
        assert!(RightEdge::decode(&[good.clone(), vec![0; 32]].concat()).is_err());
        let other_version = [vec![2], good[1..].to_vec()].concat();
        assert_eq!(RightEdge::decode(&other_version), Err(EdgeError::Version { version: 2 }));
        let too_large = [vec![1], vec![0xff; 8], vec![0; 64 * 32]].concat();
        assert_eq!(RightEdge::decode(&too_large), Err(EdgeError::Size { size: u64::MAX }));
    }
}
