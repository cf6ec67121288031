//! Proofs made by the crate are those of the second implementation, and verify; changed ones do not.

use model::Digest;
use model::merkle::{leaf_hash, node_hash};
use tlog::proof::{self, Node, Nodes, verify_consistency, verify_inclusion};
use tlog::{ProofError, RightEdge};

use crate::keys::Numbers;
use crate::rfc6962::{Hash, Tree};

/// All perfect subtrees of a tree, level by level.
struct Perfect(Vec<Vec<Digest>>);

#[derive(Debug)]
struct Refused(ProofError);

impl From<ProofError> for Refused {
    fn from(error: ProofError) -> Self {
        Self(error)
    }
}

impl Perfect {
    fn of(entries: &[Vec<u8>]) -> Self {
        let mut levels = vec![entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>()];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap();
            levels.push(below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        Self(levels)
    }
}

impl Nodes for Perfect {
    type Error = Refused;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Refused> {
        Ok(nodes.iter().map(|node| self.0[node.level as usize][node.index as usize]).collect())
    }
}

fn entries(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("entry {n}").into_bytes()).collect()
}

fn digests(hashes: &[Hash]) -> Vec<Digest> {
    hashes.iter().copied().map(Digest::from_bytes).collect()
}

fn root(tree: &Tree, size: usize) -> Digest {
    Digest::from_bytes(tree.mth(0, size))
}

fn check_inclusion(tree: &Tree, nodes: &Perfect, index: usize, size: usize) {
    let (index_, size_) = (index as u64, size as u64);
    let path = proof::inclusion(index_, size_, nodes).unwrap();
    assert_eq!(path, digests(&tree.path(index, 0, size)), "path of {index} in {size}");
    let (leaf, root) = (nodes.0[0][index], root(tree, size));
    let included = verify_inclusion(&leaf, index_, size_, &root, &path).unwrap();
    assert_eq!((included.index(), included.size(), *included.root()), (index_, size_, root));
    assert_eq!(*included.leaf_hash(), leaf);
}

fn check_consistency(tree: &Tree, nodes: &Perfect, old: usize, new: usize) {
    let (old_, new_) = (old as u64, new as u64);
    let proof = proof::consistency(old_, new_, nodes).unwrap();
    let expected = if old == 0 { Vec::new() } else { digests(&tree.proof(old, new)) };
    assert_eq!(proof, expected, "proof of {old} in {new}");
    let (old_root, new_root) = (root(tree, old), root(tree, new));
    let consistent = verify_consistency(old_, &old_root, new_, &new_root, &proof).unwrap();
    assert_eq!((consistent.old_size(), consistent.new_size()), (old_, new_));
    assert_eq!((*consistent.old_root(), *consistent.new_root()), (old_root, new_root));
}

#[test]
fn every_size_to_three_hundred_has_the_root_and_the_inclusion_paths_of_the_second_implementation() {
    let entries = entries(300);
    let (tree, nodes) = (Tree::new(entries.clone()), Perfect::of(&entries));
    let mut edge = RightEdge::new();
    for size in 1..=300 {
        edge.append(nodes.0[0][size - 1]);
        assert_eq!(edge.root(), root(&tree, size));
        assert_eq!(proof::root(size as u64, &nodes).unwrap(), root(&tree, size));
        for index in 0..size {
            check_inclusion(&tree, &nodes, index, size);
        }
    }
}

#[test]
fn every_pair_of_sizes_to_three_hundred_has_the_consistency_proof_of_the_second_implementation() {
    let entries = entries(300);
    let (tree, nodes) = (Tree::new(entries.clone()), Perfect::of(&entries));
    for new in 0..=300 {
        for old in 0..=new {
            check_consistency(&tree, &nodes, old, new);
        }
    }
}

#[test]
fn random_large_trees_have_the_proofs_of_the_second_implementation() {
    let mut numbers = Numbers(0x5eed);
    for _ in 0..4 {
        let size = 20_000 + numbers.below(20_000) as usize;
        let entries = entries(size);
        let (tree, nodes) = (Tree::new(entries.clone()), Perfect::of(&entries));
        for _ in 0..50 {
            let new = 1 + numbers.below(size as u64) as usize;
            let old = numbers.below(new as u64) as usize;
            check_inclusion(&tree, &nodes, old, new);
            check_consistency(&tree, &nodes, old, new);
        }
    }
}

/// The eight leaves that implementations of certificate transparency have been tested with from the beginning.
#[test]
fn the_roots_and_proofs_of_the_certificate_transparency_reference_tree_are_ours() {
    let decode = |hex: &str| data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let leaves =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut edge = RightEdge::new();
    for (leaf, root) in leaves.iter().zip(roots) {
        edge.append(leaf_hash(&decode(leaf)));
        assert_eq!(edge.root().to_string(), root);
    }
    let nodes = Perfect::of(&leaves.map(decode));
    let texts = |proof: Vec<Digest>| proof.iter().map(Digest::to_string).collect::<Vec<_>>();
    let first_in_eight = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(texts(proof::inclusion(0, 8, &nodes).unwrap()), first_in_eight);
    assert_eq!(texts(proof::consistency(1, 8, &nodes).unwrap()), first_in_eight);
    let six_in_eight = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(texts(proof::consistency(6, 8, &nodes).unwrap()), six_in_eight);
    let two_in_five = [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];
    assert_eq!(texts(proof::consistency(2, 5, &nodes).unwrap()), two_in_five);
}

/// A tree of equal leaves, which can be as large as one likes.
struct Uniform;

impl Uniform {
    fn perfect(level: u32) -> Digest {
        (0..level).fold(leaf_hash(b"same"), |hash, _| node_hash(&hash, &hash))
    }
}

impl Nodes for Uniform {
    type Error = Refused;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Refused> {
        Ok(nodes.iter().map(|node| Self::perfect(node.level)).collect())
    }
}

#[test]
fn proofs_of_the_largest_trees_verify() {
    let mut numbers = Numbers(42);
    let mut sizes: Vec<u64> = (0..40).map(|_| 1 + numbers.below(tlog::SIZE_MAX)).collect();
    sizes.extend([tlog::SIZE_MAX, tlog::SIZE_MAX - 1, 1 << 62, (1 << 62) + 1]);
    for size in sizes {
        let root = proof::root(size, &Uniform).unwrap();
        for _ in 0..5 {
            let index = numbers.below(size);
            let path = proof::inclusion(index, size, &Uniform).unwrap();
            verify_inclusion(&leaf_hash(b"same"), index, size, &root, &path).unwrap();
            let old = 1 + numbers.below(size);
            let (old_root, proof) =
                (proof::root(old, &Uniform).unwrap(), proof::consistency(old, size, &Uniform).unwrap());
            verify_consistency(old, &old_root, size, &root, &proof).unwrap();
        }
    }
}

#[test]
fn an_inclusion_proof_with_any_one_change_proves_nothing() {
    let entries = entries(40);
    let (tree, nodes) = (Tree::new(entries.clone()), Perfect::of(&entries));
    for size in 1..=40 {
        let root = root(&tree, size);
        for index in 0..size {
            let (leaf, i, s) = (nodes.0[0][index], index as u64, size as u64);
            let path = proof::inclusion(i, s, &nodes).unwrap();
            let refused = |leaf: &Digest, i, s, root: &Digest, path: &[Digest]| {
                assert!(verify_inclusion(leaf, i, s, root, path).is_err());
            };
            refused(&flip(&leaf), i, s, &root, &path);
            refused(&leaf, i, s, &flip(&root), &path);
            refused(&leaf, i + 1, s, &root, &path);
            refused(&leaf, u64::MAX, s, &root, &path);
            refused(&leaf, i, s + size as u64, &root, &path);
            for changed in changes(&path) {
                refused(&leaf, i, s, &root, &changed);
            }
        }
    }
}

#[test]
fn a_consistency_proof_with_any_one_change_proves_nothing() {
    let entries = entries(40);
    let (tree, nodes) = (Tree::new(entries.clone()), Perfect::of(&entries));
    for new in 0..=40 {
        for old in 0..=new {
            let (old_root, new_root) = (root(&tree, old), root(&tree, new));
            let proof = proof::consistency(old as u64, new as u64, &nodes).unwrap();
            let refused = |o: usize, old_root: &Digest, n: usize, new_root: &Digest, proof: &[Digest]| {
                let verdict = verify_consistency(o as u64, old_root, n as u64, new_root, proof);
                assert!(verdict.is_err(), "{old} in {new} as {o} in {n}");
            };
            refused(old, &flip(&old_root), new, &new_root, &proof);
            // Every tree extends the empty one: there its root is not bound, and its size is not.
            if old != 0 {
                refused(old, &old_root, new, &flip(&new_root), &proof);
                refused(old - 1, &old_root, new, &new_root, &proof);
            }
            refused(new + 1, &old_root, new, &new_root, &proof);
            for changed in changes(&proof) {
                refused(old, &old_root, new, &new_root, &changed);
            }
        }
    }
}

#[test]
fn an_empty_tree_that_claims_another_root_is_refused() {
    let (empty, other) = (Digest::of(&[]), Digest::of(b"other"));
    verify_consistency(0, &empty, 0, &empty, &[]).unwrap();
    verify_consistency(0, &empty, 9, &other, &[]).unwrap();
    assert!(verify_consistency(0, &other, 0, &other, &[]).is_err());
    assert!(verify_consistency(0, &empty, 0, &other, &[]).is_err());
    assert!(verify_consistency(0, &other, 9, &other, &[]).is_err());
    assert!(verify_consistency(0, &empty, 9, &other, &[other]).is_err());
}

#[test]
fn a_proof_that_cannot_be_made_is_an_error_and_not_a_panic() {
    let nodes = Perfect::of(&entries(4));
    assert!(matches!(
        proof::inclusion(4, 4, &nodes),
        Err(Refused(ProofError::NoSuchEntry { index: 4, size: 4 }))
    ));
    assert!(matches!(proof::inclusion(0, 0, &nodes), Err(Refused(ProofError::NoSuchEntry { .. }))));
    assert!(matches!(proof::consistency(4, 3, &nodes), Err(Refused(ProofError::Shrunk { old: 4, new: 3 }))));
    struct Short;
    impl Nodes for Short {
        type Error = Refused;
        fn read(&self, _: &[Node]) -> Result<Vec<Digest>, Refused> {
            Ok(Vec::new())
        }
    }
    assert!(proof::inclusion(1, 9, &Short).is_err());
    assert!(proof::root(9, &Short).is_err());
    assert!(proof::leaf(1, &Short).is_err());
}

fn flip(digest: &Digest) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[31] ^= 1;
    Digest::from_bytes(bytes)
}

/// A proof with each hash flipped, with each left out, with one too many at either end, and with neighbours swapped.
fn changes(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![[proof, &[Digest::ZERO]].concat(), [&[Digest::ZERO], proof].concat()];
    for at in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[at] = flip(&flipped[at]);
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.extend([flipped, shorter]);
        if at + 1 < proof.len() {
            let mut swapped = proof.to_vec();
            swapped.swap(at, at + 1);
            all.push(swapped);
        }
    }
    all
}
