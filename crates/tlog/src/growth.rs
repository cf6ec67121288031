//! What a tree got since some size: enough to prove that it only grew, and no more.

use model::Digest;
use model::merkle::node_hash;

use crate::proof::{self, Node, Nodes, ProofError};
use crate::{EdgeError, RightEdge, SIZE_MAX};

/// A tree that is watched from some size on: its right edge then, and the roots of the largest perfect subtrees that
/// were completed since. The consistency proof from that size to any later one follows from it; of a thousand million
/// entries it is some sixty hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    edge: RightEdge,
    size: u64,
    // INVARIANT: they cover `edge.size()..size` from left to right, and no two of them are halves of one subtree.
    since: Vec<(Node, Digest)>,
}

impl Growth {
    /// Begins where the tree has this edge.
    pub const fn from(edge: RightEdge) -> Self {
        let size = edge.size();
        Self { edge, size, since: Vec::new() }
    }

    /// The edge from which on it is watched.
    pub const fn edge(&self) -> &RightEdge {
        &self.edge
    }

    /// The roots since, from left to right: with size and edge, all there is.
    pub fn since(&self) -> impl ExactSizeIterator<Item = &Digest> {
        self.since.iter().map(|(_, hash)| hash)
    }

    /// The growth up to a size, from its parts.
    pub fn from_parts(edge: RightEdge, size: u64, since: &[Digest]) -> Result<Self, EdgeError> {
        if size > SIZE_MAX || size < edge.size() {
            return Err(EdgeError::Size { size });
        }
        let nodes = cover(edge.size(), size);
        if nodes.len() != since.len() {
            return Err(EdgeError::Hashes { size, expected: nodes.len(), found: since.len() });
        }
        Ok(Self { edge, size, since: nodes.into_iter().zip(since.iter().copied()).collect() })
    }

    /// Adds an entry, by its leaf hash.
    pub fn append(&mut self, leaf: Digest) {
        let (mut node, mut hash) = (Node { level: 0, index: self.size }, leaf);
        while let Some((left, left_hash)) = self.since.last()
            && node.index & 1 == 1
            && (left.level, left.index) == (node.level, node.index - 1)
        {
            hash = node_hash(left_hash, &hash);
            node = Node { level: node.level + 1, index: node.index >> 1 };
            self.since.pop();
        }
        self.since.push((node, hash));
        self.size += 1;
    }

    /// The consistency proof from the size at which it began to the present one.
    pub fn proof(&self) -> Result<Vec<Digest>, ProofError> {
        proof::consistency(self.edge.size(), self.size, self)
    }
}

impl Nodes for Growth {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        let since = |node: &Node| self.since.iter().find(|(known, _)| known == node).map(|(_, hash)| *hash);
        let find = |node: &Node| self.edge.node(*node).or_else(|| since(node));
        nodes.iter().map(|node| find(node).ok_or(ProofError::NoNode { node: *node })).collect()
    }
}

/// The largest perfect subtrees that cover the entries from one size to another, from left to right.
fn cover(from: u64, to: u64) -> Vec<Node> {
    let (mut at, mut nodes) = (from, Vec::new());
    while at < to {
        // What fits into the rest, and begins at a multiple of itself.
        let level = (to - at).ilog2().min(at.trailing_zeros());
        nodes.push(Node { level, index: at >> level });
        at += 1 << level;
    }
    nodes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::proof::verify_consistency;

    #[test]
    fn a_tree_that_is_watched_from_any_size_on_proves_that_it_only_grew() {
        let leaf = |n: u64| Digest::of(&n.to_be_bytes());
        for from in 0..40 {
            let mut edge = RightEdge::new();
            (0..from).for_each(|n| edge.append(leaf(n)));
            let (mut growth, old) = (Growth::from(edge.clone()), edge.root());
            for size in from..100 {
                let proof = growth.proof().unwrap();
                verify_consistency(from, &old, size, &edge.root(), &proof).unwrap();
                let parts: Vec<Digest> = growth.since().copied().collect();
                assert_eq!(Growth::from_parts(growth.edge().clone(), size, &parts).unwrap(), growth);
                edge.append(leaf(size));
                growth.append(leaf(size));
            }
        }
    }

    #[test]
    fn parts_of_another_size_are_refused() {
        let mut edge = RightEdge::new();
        edge.append(Digest::ZERO);
        assert!(Growth::from_parts(edge.clone(), 0, &[]).is_err());
        assert!(Growth::from_parts(edge.clone(), 3, &[Digest::ZERO]).is_err());
        assert!(Growth::from_parts(edge, u64::MAX, &[]).is_err());
    }
}
