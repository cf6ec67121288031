//! What keys signed, one by one, as the journal knows it: for whoever asks what became of a key.

use model::journal::Ending;
use model::{Digest, Instant};
use signerd::OrderKind;

use super::journal::Journal;

/// A signature in the journal.
#[derive(Debug)]
pub(crate) struct Signature {
    /// The leaf of its intent.
    pub(crate) leaf: u64,
    /// When that was written.
    pub(crate) time: Instant,
    /// The key, by its name.
    pub(crate) key: String,
    /// What it is.
    pub(crate) kind: &'static str,
    /// The SHA-256 of the signature.
    pub(crate) signature: Digest,
}

/// All that the journal's files hold.
pub(super) fn list(journal: &Journal) -> Vec<Signature> {
    let signed = journal.inspection.intents.iter().filter_map(|(leaf, known)| {
        let Some(Ending::Signed(signature)) = known.ending else { return None };
        let key = journal.registry.key(&known.intent.key);
        let key = key.map_or_else(|| known.intent.key.to_string(), |key| key.record.name.to_string());
        Some(Signature { leaf: *leaf, time: known.intent.time, key, kind: kind(known.order), signature })
    });
    signed.collect()
}

const fn kind(order: OrderKind) -> &'static str {
    match order {
        OrderKind::Code => "item of a request",
        OrderKind::Timestamp => "timestamp token",
        OrderKind::Checkpoint => "checkpoint",
        OrderKind::Certificate => "certificate of a key",
        OrderKind::Holder => "certificate of a holder",
        OrderKind::Promise => "promise",
        OrderKind::Tuf => "TUF metadata",
    }
}
