//! The witnesses of a platform: outsiders who remember how far its journal and its log went, and cosign nothing that
//! takes a step back. Who they are, and how many of them it takes, stands in the registry.

use std::collections::BTreeSet;

use model::{Algorithm, Digest, PublicKey};
use serde::{Deserialize, Serialize};

/// The most witnesses of one platform: each stands in every cosigned checkpoint.
pub const WITNESSES_MAX: usize = 32;

/// Whose word it takes that a book lost nothing. Another record replaces the whole of it; one without witnesses ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witnesses {
    /// How many must have cosigned: more than half, so that two histories never both have enough.
    pub threshold: u32,
    /// Who they are.
    pub witnesses: Vec<Witness>,
    /// What they cosign.
    pub books: Vec<Book>,
}

/// One witness (C2SP `tlog-witness`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The name under which it cosigns.
    pub name: String,
    /// The Ed25519 key that makes its cosignatures.
    pub key: PublicKey,
}

/// What witnesses cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Book {
    /// The key process's journal.
    Journal,
    /// The transparency log.
    Log,
}

impl Witnesses {
    /// Do they cosign this book?
    pub fn cosign(&self, book: Book) -> bool {
        !self.witnesses.is_empty() && self.books.contains(&book)
    }

    /// How many must have cosigned.
    pub fn threshold(&self) -> usize {
        usize::try_from(self.threshold).unwrap_or(usize::MAX)
    }

    /// INVARIANT: 2k > n. Any two sets of k witnesses share one, and that one cosigns only one of two histories.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let (threshold, count) = (self.threshold(), self.witnesses.len());
        if count == 0 && threshold == 0 && self.books.is_empty() {
            return Ok(());
        }
        if count > WITNESSES_MAX {
            return Err("there are more than thirty-two");
        }
        if threshold > count || threshold.saturating_mul(2) <= count {
            return Err("the threshold must be more than half of them, and no more than there are");
        }
        let distinct = |count: usize, of: usize| count == of;
        let names: BTreeSet<&str> = self.witnesses.iter().map(|witness| witness.name.as_str()).collect();
        let keys: BTreeSet<&[u8]> = self.witnesses.iter().map(|witness| witness.key.spki()).collect();
        if !distinct(names.len(), count) || !distinct(keys.len(), count) {
            return Err("two of them have one name or one key");
        }
        if self.witnesses.iter().any(|witness| witness.key.algorithm() != Algorithm::Ed25519) {
            return Err("a witness cosigns with an Ed25519 key");
        }
        if !self.witnesses.iter().all(|witness| is_name(&witness.name)) {
            return Err("the name of a witness is 1 to 255 bytes without spaces, `+` and control characters");
        }
        let books: BTreeSet<Book> = self.books.iter().copied().collect();
        if books.is_empty() || !distinct(books.len(), self.books.len()) {
            return Err("they cosign the journal, the log, or both, each named once");
        }
        Ok(())
    }
}

/// The type of a key that cosigns (C2SP `signed-note`).
const COSIGNATURE: u8 = 0x04;

impl Witness {
    /// The first half of the SHA-256 of its name, type and key (C2SP `signed-note`): what stands in its verifier key is the
    /// beginning of it.
    pub(crate) fn mark(&self) -> String {
        let id = Digest::of(&[self.name.as_bytes(), &[b'\n', COSIGNATURE], self.key.raw()].concat());
        let mut mark = id.to_string();
        mark.truncate(32);
        mark
    }
}

/// May a key of notes have this name (C2SP `signed-note`)?
fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}
