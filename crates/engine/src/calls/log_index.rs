//! The index of the transparency log: where an entry stands, by what it tells.

use envelope::rekor::Terms;
use model::Digest;

use crate::StoreError;

/// Finds entries of the transparency log again.
///
/// All that it holds was read from the log, and can be read from there once more: whoever loses it loses no more than
/// the time that takes. *Durability*: none is promised; after a crash it may reach less far than before, and what it
/// holds up to there is whole. *Consistency*: reads see every write that returned. *Concurrency*: one thread writes, any
/// number read. A retry may help against every error.
pub trait LogIndex: Send + Sync {
    /// How many entries of the log of this origin it holds, from the first one on without a gap.
    fn reach(&self, origin: &str) -> Result<u64, StoreError>;

    /// Adds the entries that come next; `from` is how far it reaches.
    fn extend(&self, origin: &str, from: u64, entries: &[IndexedEntry]) -> Result<(), StoreError>;

    /// The index of the first entry with each of these leaf hashes.
    fn find(&self, origin: &str, leaves: &[Digest]) -> Result<Vec<Option<u64>>, StoreError>;

    /// Forgets the log of this origin, where what it holds is not what the log says.
    fn forget(&self, origin: &str) -> Result<(), StoreError>;
}

/// An entry as the index takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedEntry {
    /// Its leaf hash.
    pub leaf: Digest,
    /// What it tells; nothing, where it is of a kind that is not read here.
    pub terms: Option<Terms>,
}

impl IndexedEntry {
    /// What the body of an entry tells.
    pub fn read(body: &[u8]) -> Self {
        let terms = envelope::rekor::Body::parse(body).ok().map(|body| body.terms());
        let terms = terms.or_else(|| envelope::rekor_v1::terms(body));
        Self { leaf: model::merkle::leaf_hash(body), terms }
    }
}
