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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use model::merkle::{leaf_hash, root};

    use super::*;

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
