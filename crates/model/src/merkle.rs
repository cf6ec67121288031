//! The Merkle tree of RFC 6962 §2: hashes, roots and inclusion paths, shared by the items of a request, the
//! journal and the log. What grows, and how two sizes are shown to agree, is in `tlog`.

use crate::{Digest, Hasher};

/// The hash of a leaf: SHA-256(0x00 ‖ bytes).
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.finish()
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Digest::of(&bytes)
}

/// The root of the tree over these leaf hashes; of none, SHA-256 of nothing (RFC 6962 §2.1).
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The inclusion path of leaf `index`, from the leaf upwards (RFC 6962 §2.1.1); `None` if there is no such leaf.
pub fn inclusion(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let mut path = Vec::new();
    collect(leaves, index, &mut path);
    Some(path)
}

fn collect(leaves: &[Digest], index: usize, path: &mut Vec<Digest>) {
    if leaves.len() == 1 {
        return;
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    if index < at {
        collect(left, index, path);
        path.push(root(right));
    } else {
        collect(right, index - at, path);
        path.push(root(left));
    }
}

/// The largest power of two smaller than `length`, which is at least 2.
fn split(length: usize) -> usize {
    1 << (length - 1).ilog2()
}

/// The root to which a leaf hash leads along an inclusion path, as RFC 9162 §2.1.3.2 walks it; `None` if the path
/// is not of the length that the index and the size of the tree ask for.
pub fn root_from_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_every_small_tree_leads_to_its_root_and_to_no_other() {
        let leaves: Vec<Digest> = (0_u8..70).map(|n| leaf_hash(&[n])).collect();
        for size in 1..=leaves.len() {
            let tree = &leaves[..size];
            for index in 0..size {
                let path = inclusion(tree, index).unwrap();
                let walk = |i: usize, s: usize, p: &[Digest]| {
                    root_from_inclusion(&tree[index], u64::try_from(i).unwrap(), u64::try_from(s).unwrap(), p)
                };
                assert_eq!(walk(index, size, &path), Some(root(tree)));
                assert_ne!(walk((index + 1) % (size + 1), size, &path), Some(root(tree)));
                assert_eq!(walk(index, size, &[path.clone(), vec![Digest::ZERO]].concat()), None);
                if let Some((_, shorter)) = path.split_last() {
                    assert_eq!(walk(index, size, shorter), None);
                }
            }
            assert_eq!(inclusion(tree, size), None);
        }
    }
}
