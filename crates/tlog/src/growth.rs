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

/// An entry that is followed from when it came: what stood before it, and what the tree got since. Its inclusion path in
/// any later tree follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    before: RightEdge,
    since: Growth,
}

impl Followed {
    /// Begins with an entry, by its leaf hash, that comes where the tree has this edge.
    pub fn from(before: RightEdge, leaf: Digest) -> Self {
        let mut edge = before.clone();
        edge.append(leaf);
        Self { before, since: Growth::from(edge) }
    }

    /// The same, once the tree has a size, from what [`since`](Self::since) told then.
    pub fn from_parts(
        before: RightEdge,
        leaf: Digest,
        size: u64,
        since: &[Digest],
    ) -> Result<Self, EdgeError> {
        let begun = Self::from(before, leaf);
        let since = Growth::from_parts(begun.since.edge, size, since)?;
        Ok(Self { before: begun.before, since })
    }

    /// The roots of what came after it, from left to right.
    pub fn since(&self) -> impl ExactSizeIterator<Item = &Digest> {
        self.since.since()
    }

    /// The tree got another entry.
    pub fn append(&mut self, leaf: Digest) {
        self.since.append(leaf);
    }

    /// The entry's inclusion path in the tree as it is now.
    pub fn path(&self) -> Result<Vec<Digest>, ProofError> {
        proof::inclusion(self.before.size(), self.since.size, self)
    }
}

impl Nodes for Followed {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        let since = |node: &Node| self.since.since.iter().find(|(known, _)| known == node);
        let find = |node: &Node| self.before.node(*node).or_else(|| since(node).map(|(_, hash)| *hash));
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
    use crate::proof::{verify_consistency, verify_inclusion};

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
    fn an_entry_that_is_followed_proves_that_it_is_in_every_later_tree() {
        let leaf = |n: u64| Digest::of(&n.to_be_bytes());
        for index in 0..40 {
            let mut edge = RightEdge::new();
            (0..index).for_each(|n| edge.append(leaf(n)));
            let before = edge.clone();
            let mut followed = Followed::from(before.clone(), leaf(index));
            for size in index + 1..100 {
                edge.append(leaf(size - 1));
                let path = followed.path().unwrap();
                verify_inclusion(&leaf(index), index, size, &edge.root(), &path).unwrap();
                let since: Vec<Digest> = followed.since().copied().collect();
                let again = Followed::from_parts(before.clone(), leaf(index), size, &since);
                assert_eq!(again.unwrap(), followed);
                followed.append(leaf(size));
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
