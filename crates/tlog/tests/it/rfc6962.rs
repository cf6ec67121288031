//! RFC 6962 §2.1 written down a second time: recursively, from its definitions, sharing nothing with the crate.

use std::cell::RefCell;
use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

pub(crate) type Hash = [u8; 32];

/// D[n], of which every function takes a part D[k1:k2].
pub(crate) struct Tree {
    entries: Vec<Vec<u8>>,
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

fn sha256(parts: &[&[u8]]) -> Hash {
    digest(&SHA256, &parts.concat()).as_ref().try_into().unwrap()
}

/// The largest power of two smaller than n.
fn k_of(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

impl Tree {
    pub(crate) fn new(entries: Vec<Vec<u8>>) -> Self {
        Self { entries, known: RefCell::default() }
    }

    /// MTH(D[from:to]).
    pub(crate) fn mth(&self, from: usize, to: usize) -> Hash {
        match to - from {
            0 => sha256(&[]),
            1 => sha256(&[&[0], &self.entries[from]]),
            n => {
                if let Some(known) = self.known.borrow().get(&(from, to)) {
                    return *known;
                }
                let k = k_of(n);
                let hash = sha256(&[&[1], &self.mth(from, from + k), &self.mth(from + k, to)]);
                self.known.borrow_mut().insert((from, to), hash);
                hash
            }
        }
    }

    /// PATH(m, D[from:to]).
    pub(crate) fn path(&self, m: usize, from: usize, to: usize) -> Vec<Hash> {
        let n = to - from;
        if n == 1 {
            return Vec::new();
        }
        let k = k_of(n);
        if m < k {
            let mut path = self.path(m, from, from + k);
            path.push(self.mth(from + k, to));
            path
        } else {
            let mut path = self.path(m - k, from + k, to);
            path.push(self.mth(from, from + k));
            path
        }
    }

    /// PROOF(m, D[n]).
    pub(crate) fn proof(&self, m: usize, n: usize) -> Vec<Hash> {
        self.subproof(m, 0, n, true)
    }

    fn subproof(&self, m: usize, from: usize, to: usize, b: bool) -> Vec<Hash> {
        let n = to - from;
        if m == n {
            return if b { Vec::new() } else { vec![self.mth(from, to)] };
        }
        let k = k_of(n);
        if m <= k {
            let mut proof = self.subproof(m, from, from + k, b);
            proof.push(self.mth(from + k, to));
            proof
        } else {
            let mut proof = self.subproof(m - k, from + k, to, false);
            proof.push(self.mth(from, from + k));
            proof
        }
    }
}
