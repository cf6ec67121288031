//! What witnesses saw of an intent: a receipt shows it as they cosigned it, or there is no receipt.

use model::Digest;
use model::receipt::Sighting;
use quorum::{Book, Registry};
use tlog::proof::verify_inclusion;
use tlog::{SignedCheckpoint, VerifierKey};

use super::Fault;

/// Holds a sighting to the registry: whose it is, that the journal and that witness signed it, and that the leaf is in it.
pub(super) fn check(
    sighting: &Sighting,
    registry: &Registry,
    head: &Digest,
    (leaf, index): (&Digest, u64),
) -> Result<(), Fault> {
    let origin = sighting.checkpoint.lines().next().unwrap_or_default();
    let shown = |one: &&quorum::Witness| registry.journal_shown_under(head, one).as_deref() == Some(origin);
    let witness = registry.all_witnesses(Book::Journal).find(shown).ok_or(Fault::Witness)?;
    let journal = VerifierKey::of_log(origin, registry.journal_key())?;
    let witness = VerifierKey::of_witness(&witness.name, &witness.key)?;
    let checkpoint = SignedCheckpoint::open(&sighting.checkpoint, &journal)?;
    if checkpoint.cosignatures(std::slice::from_ref(&witness))?.is_empty() {
        return Err(Fault::Witness);
    }
    verify_inclusion(leaf, index, checkpoint.size(), checkpoint.root(), &sighting.path)?;
    Ok(())
}
