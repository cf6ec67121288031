//! The room `tlog`: proofs with arbitrary numbers, held against the whole trees of `model::merkle`.

use std::sync::LazyLock;

use model::Digest;
use model::merkle::{self, leaf_hash};
use tlog::ProofError;
use tlog::proof::{self, Node, Nodes};

use crate::Reading::{self, Refused, Taken};
/// The largest tree that is built.
const LEAVES: usize = 256;

static TREE: LazyLock<Vec<Digest>> =
    LazyLock::new(|| (0..LEAVES).map(|n| leaf_hash(&n.to_be_bytes())).collect());

/// Two numbers of a byte each and a script for a path; then the same bytes as two of eight and a path.
pub fn inclusion(bytes: &[u8]) -> Reading {
    wild_inclusion(bytes);
    let [size, index, leaf, script @ ..] = bytes else { return Refused };
    let (size, index, leaf) = (usize::from(*size) + 1, usize::from(*index), usize::from(*leaf));
    let leaves = &TREE[..size];
    let root = merkle::root(leaves);
    let honest = merkle::inclusion(leaves, index);
    assert_eq!(proof::inclusion(long(index), long(size), &Whole).ok(), honest);
    let verify = |leaf: &Digest, path: &[Digest]| {
        proof::verify_inclusion(leaf, long(index), long(size), &root, path).is_ok()
    };
    let path = follow(script, honest.as_deref().unwrap_or_default());
    if verify(&TREE[leaf], &path) {
        assert_eq!((leaf, Some(path)), (index, honest.clone()), "a proof says which leaf stands where");
    }
    assert_eq!(honest.is_some_and(|path| verify(&TREE[index], &path)), index < size);
    Taken
}

/// Nobody panics over a number, and no path leads to a root that nobody made.
fn wild_inclusion(bytes: &[u8]) {
    let Some((index, size, path)) = numbers(bytes) else { return };
    let nowhere = Digest::of(b"no root");
    assert!(proof::verify_inclusion(&TREE[0], index, size, &nowhere, &path).is_err());
    if let Ok(path) = proof::inclusion(index, size, &Made) {
        assert!(index < size && path.len() <= 64);
    }
    let _ = (proof::root(size, &Made), proof::leaf(index, &Made), proof::inclusion(index, size, &Nothing));
}

/// Three numbers of a byte each and a script for a proof; then the same bytes as two of eight and a proof.
pub fn consistency(bytes: &[u8]) -> Reading {
    wild_consistency(bytes);
    let [new, old, other, script @ ..] = bytes else { return Refused };
    let (new, old, other) = (usize::from(*new), usize::from(*old), usize::from(*other));
    let roots = [old, new, other].map(|size| merkle::root(&TREE[..size]));
    let verify = |old_root: &Digest, path: &[Digest]| {
        proof::verify_consistency(long(old), old_root, long(new), &roots[1], path).is_ok()
    };
    let Ok(honest) = proof::consistency(long(old), long(new), &Whole) else {
        assert!(old > new && !verify(&roots[0], &[]), "a tree does not shrink");
        return Refused;
    };
    assert_eq!(honest, by_the_book(old, new));
    assert!(verify(&roots[0], &honest));
    if verify(&roots[2], &follow(script, &honest)) {
        assert_eq!(other, old, "a tree extends its own past alone");
    }
    Taken
}

fn wild_consistency(bytes: &[u8]) {
    let Some((old, new, path)) = numbers(bytes) else { return };
    let [one, other] = [b"one root", b"no root!"].map(|text| Digest::of(text));
    let empty = old == 0 && new > 0;
    assert!(proof::verify_consistency(old, &one, new, &other, &path).is_err());
    assert!(empty || proof::verify_consistency(old, &Digest::of(&[]), new, &other, &path).is_err());
    if let Ok(path) = proof::consistency(old, new, &Made) {
        assert!(old <= new && path.len() <= 65);
    }
    let _ = proof::consistency(old, new, &Nothing);
}

/// SUBPROOF of RFC 6962 §2.1.2, over leaves.
fn by_the_book(old: usize, new: usize) -> Vec<Digest> {
    fn sub(old: usize, leaves: &[Digest], is_whole: bool, path: &mut Vec<Digest>) {
        if old == leaves.len() {
            if !is_whole {
                path.push(merkle::root(leaves));
            }
            return;
        }
        let split = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(split);
        if old <= split {
            sub(old, left, is_whole, path);
            path.push(merkle::root(right));
        } else {
            sub(old - split, right, false, path);
            path.push(merkle::root(left));
        }
    }
    let mut path = Vec::new();
    if old > 0 {
        sub(old, &TREE[..new], true, &mut path);
    }
    path
}

/// A path as a script says it: hashes of the good path, of leaves, of nothing.
fn follow(script: &[u8], honest: &[Digest]) -> Vec<Digest> {
    let step = |byte: &u8| match byte {
        0..16 => honest.get(usize::from(*byte)).copied().unwrap_or(Digest::ZERO),
        16..240 => TREE[usize::from(*byte) - 16],
        _ => Digest::of(&[*byte]),
    };
    script.iter().take(80).map(step).collect()
}

/// Two numbers of eight bytes and the whole hashes after them.
fn numbers(bytes: &[u8]) -> Option<(u64, u64, Vec<Digest>)> {
    let (one, rest) = bytes.split_first_chunk::<8>()?;
    let (other, rest) = rest.split_first_chunk::<8>()?;
    let path = rest.as_chunks::<32>().0.iter().copied().map(Digest::from_bytes).collect();
    Some((u64::from_be_bytes(*one), u64::from_be_bytes(*other), path))
}

fn long(number: usize) -> u64 {
    u64::try_from(number).expect("a small number")
}

/// The nodes of [`TREE`].
struct Whole;

/// Nodes of a tree of any size.
struct Made;

/// A store that gives nothing back.
struct Nothing;

impl Nodes for Whole {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        let hash = |node: &Node| {
            let start = usize::try_from(node.index << node.level).ok()?;
            TREE.get(start..start + (1 << node.level)).map(merkle::root)
        };
        nodes.iter().map(|node| hash(node).ok_or(ProofError::NoNode { node: *node })).collect()
    }
}

impl Nodes for Made {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        Ok(nodes.iter().map(|node| Digest::of(&node.index.to_be_bytes())).collect())
    }
}

impl Nodes for Nothing {
    type Error = ProofError;

    fn read(&self, _nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        Ok(Vec::new())
    }
}
