//! The audit ledger: every decision, as a salted commitment in an RFC 6962 tree.

use model::layout::Writer;
use model::merkle::leaf_hash;
use model::{Digest, Instant, RequestId, Space, Tag};
use signer::Head;

use crate::StoreError;

/// Reads the audit ledger. It is written by [`RequestStore::write`](crate::RequestStore::write) alone, in the
/// transaction of the change that a leaf records.
pub trait Ledger: Send + Sync {
    /// The head after the last leaf that is durable.
    fn head(&self) -> Result<Head, StoreError>;

    /// The root that the ledger had when it had so many leaves; `None` where it never had.
    fn root_at(&self, size: u64) -> Result<Option<Digest>, StoreError>;

    /// At most `count` leaves from index `from` on, in their order.
    fn leaves(&self, from: u64, count: u32) -> Result<Vec<Leaf>, StoreError>;
}

/// The version of a leaf's layout.
const VERSION: u8 = 1;

/// One leaf. The record can be erased and the commitment still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What it records.
    pub kind: LeafKind,
    /// The request that it is about; `None` where it is about those who made none.
    pub request: Option<RequestId>,
    /// The space of that request, or `platform`.
    pub space: Space,
    /// When it was written.
    pub time: Instant,
    /// Sixteen random bytes, so that the commitment does not give the record away.
    pub salt: [u8; 16],
    /// The record: canonical JSON.
    pub record: Vec<u8>,
}

/// What a leaf records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeafKind {
    /// What was asked, by whom, and what policy first said.
    Submission,
    /// An endorsement or a rejection.
    Endorsement,
    /// The second decision, and the exact order that went to the key process.
    Intent,
    /// How it ended.
    Outcome,
    /// How many calls were refused in a minute whose callers proved nothing: in sum, about no request.
    Strangers,
    /// A certificate for the holder of an ID token, or why there is none: about no request.
    Certificate,
}

impl LeafKind {
    /// Every kind there is.
    pub const ALL: [Self; 6] = [
        Self::Submission,
        Self::Endorsement,
        Self::Intent,
        Self::Outcome,
        Self::Strangers,
        Self::Certificate,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Endorsement => "endorsement",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Strangers => "strangers",
            Self::Certificate => "certificate",
        }
    }
}

impl Leaf {
    /// The commitment to all that the leaf says, under its tag: a version byte (1), the salt (16 bytes), the time (8),
    /// then request id, space and kind as text and the record's SHA-256, each behind its length in 4 bytes.
    pub fn commitment(&self) -> Digest {
        let request = self.request.map_or_else(String::new, |request| request.to_string());
        let mut writer = Writer::new();
        writer.byte(VERSION).fixed(&self.salt).long(self.time.nanoseconds());
        writer.bytes(request.as_bytes()).bytes(self.space.as_str().as_bytes());
        writer.bytes(self.kind.word().as_bytes()).bytes(Digest::of(&self.record).as_bytes());
        Tag::Ledger.digest(&[&writer.finish()])
    }

    /// The hash of the leaf in the ledger's tree.
    pub fn hash(&self) -> Digest {
        leaf_hash(self.commitment().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_commits_to_everything_that_it_says() {
        let leaf = || Leaf {
            kind: LeafKind::Intent,
            request: Some(RequestId::new([1; 16])),
            space: "payments/api".parse().expect("a space"),
            time: Instant::from_seconds(7),
            salt: [2; 16],
            record: b"{}".to_vec(),
        };
        let others = [
            Leaf { kind: LeafKind::Outcome, ..leaf() },
            Leaf { request: None, ..leaf() },
            Leaf { request: Some(RequestId::new([3; 16])), ..leaf() },
            Leaf { space: "payments".parse().expect("a space"), ..leaf() },
            Leaf { time: Instant::from_seconds(8), ..leaf() },
            Leaf { salt: [3; 16], ..leaf() },
            Leaf { record: b"[]".to_vec(), ..leaf() },
        ];
        for other in others {
            assert_ne!(other.hash(), leaf().hash(), "{other:?}");
        }
    }
}
