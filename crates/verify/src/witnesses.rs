//! Witnesses: did outsiders, who remember how far a book went, see the very checkpoint that a receipt shows?

use quorum::{Book, Registry};
use tlog::{SignedCheckpoint, VerifierKey};

use crate::refused::{Fault, Gap};
use crate::{NotChecked, Part, Proven, Refused, WitnessExpectation};

/// What witnesses say of a checkpoint, or that they do not.
pub(crate) enum Witnessed {
    /// Enough of them cosigned it.
    Proven(Proven),
    /// They did not, and nobody asked for it.
    Open(NotChecked),
}

/// Counts the witnesses that the registry named for a book when something was signed.
///
/// A checkpoint without cosignatures is no lie: witnesses may come by later. One that does not verify is.
pub(crate) fn examine(
    checkpoint: &SignedCheckpoint,
    book: Book,
    registry: &Registry,
    expected: WitnessExpectation,
) -> Result<Witnessed, Refused> {
    let (part, what) = match book {
        Book::Journal => (Part::Journal, "journal"),
        Book::Log => (Part::Checkpoint, "log"),
    };
    let Some(named) = registry.witnesses(book) else {
        return match expected {
            WitnessExpectation::Required => Err(Refused::cannot_check(part, Gap::Unanchored { what })),
            WitnessExpectation::AsShown => Ok(Witnessed::Open(NotChecked::Unanchored { what })),
        };
    };
    let keys: Vec<VerifierKey> =
        named.witnesses.iter().filter_map(|one| VerifierKey::of_witness(&one.name, &one.key).ok()).collect();
    let cosigned =
        checkpoint.cosignatures(&keys).map_err(|cause| Refused::bad(part, Fault::Checkpoint(cause)))?;
    let (found, needed) = (cosigned.len(), named.threshold());
    if found >= needed {
        let origin = checkpoint.checkpoint().origin().to_owned();
        let by = cosigned.iter().map(|one| one.witness.name().to_owned()).collect();
        // INVARIANT: a threshold is at least one, so there is a latest.
        let at = cosigned.iter().map(|one| one.time).max().unwrap_or(model::Instant::EPOCH);
        return Ok(Witnessed::Proven(Proven::Witnessed { origin, by, at }));
    }
    match expected {
        WitnessExpectation::Required => {
            Err(Refused::cannot_check(part, Gap::NotWitnessed { what, found, needed }))
        }
        WitnessExpectation::AsShown => Ok(Witnessed::Open(NotChecked::NotWitnessed { what, found, needed })),
    }
}
