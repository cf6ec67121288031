//! Witnesses: did outsiders, who remember how far a book went, see what a receipt shows of it?
//!
//! The log is one for everybody, and its checkpoint bears the cosignatures of all. The journal is shown to each witness
//! under an origin of its own, so that nobody else can move it; there each has a checkpoint of its own, with the place
//! of the intent under it.

use model::receipt::Sighting;
use model::{Digest, Instant};
use quorum::{Book, Registry, Witness, Witnesses};
use tlog::proof::verify_inclusion;
use tlog::{CheckpointError, Cosignature, SignedCheckpoint, VerifierKey};

use crate::refused::{Fault, Gap};
use crate::{NotChecked, Part, Proven, Refused, WitnessExpectation};

/// What witnesses say of a book, or that they do not.
pub(crate) enum Witnessed {
    /// Enough of them cosigned it.
    Proven(Proven),
    /// They did not, and nobody asked for it.
    Open(NotChecked),
}

/// Counts the witnesses of the log, that the registry named when something was signed, under its checkpoint.
///
/// A checkpoint without cosignatures is no lie: witnesses may come by later. One that does not verify is.
pub(crate) fn of_log(
    checkpoint: &SignedCheckpoint,
    registry: &Registry,
    expected: WitnessExpectation,
) -> Result<Witnessed, Refused> {
    let counted = |named: &Witnesses| {
        let keys: Vec<VerifierKey> = named.witnesses.iter().filter_map(key).collect();
        let bad = |cause| Refused::bad(Part::Checkpoint, Fault::Checkpoint(cause));
        checkpoint.cosignatures(&keys).map_err(bad)
    };
    let origin = checkpoint.checkpoint().origin();
    judge(registry, &Asked { book: Book::Log, origin, expected }, counted)
}

/// Counts the witnesses of the journal who saw an intent, by its leaf's hash and index.
pub(crate) fn of_journal(
    sightings: &[Sighting],
    (leaf, index): (&Digest, u64),
    origin: &str,
    registry: &Registry,
    expected: WitnessExpectation,
) -> Result<Witnessed, Refused> {
    let counted = |named: &Witnesses| {
        if sightings.len() > quorum::WITNESSES_MAX {
            let (count, most) = (sightings.len(), quorum::WITNESSES_MAX);
            return Err(Refused::bad(Part::Journal, Fault::Count { what: "witnesses", count, most }));
        }
        let mut found: Vec<Cosignature> = Vec::new();
        for one in &named.witnesses {
            let own = registry.journal_shown_to(one);
            // What was shown to others is not looked at: it says nothing of these, good or bad.
            let of_own = sightings.iter().find(|sighting| sighting.checkpoint.lines().next() == Some(&*own));
            if let (Some(sighting), Some(witness)) = (of_own, key(one)) {
                found.extend(saw(sighting, (leaf, index), &own, &witness, registry)?);
            }
        }
        Ok(found)
    };
    judge(registry, &Asked { book: Book::Journal, origin, expected }, counted)
}

/// What a witness says of the checkpoint that it was shown, once that is the journal's and has the intent in it.
fn saw(
    sighting: &Sighting,
    (leaf, index): (&Digest, u64),
    origin: &str,
    witness: &VerifierKey,
    registry: &Registry,
) -> Result<Option<Cosignature>, Refused> {
    let bad = |cause| Refused::bad(Part::Journal, Fault::Checkpoint(cause));
    let journal = VerifierKey::of_log(origin, registry.journal_key());
    let journal =
        journal.map_err(|source| bad(CheckpointError::Note { origin: origin.to_owned(), source }))?;
    let checkpoint = SignedCheckpoint::open(&sighting.checkpoint, &journal).map_err(bad)?;
    verify_inclusion(leaf, index, checkpoint.size(), checkpoint.root(), &sighting.path)
        .map_err(|cause| Refused::bad(Part::Journal, Fault::Inclusion(cause)))?;
    Ok(checkpoint.cosignatures(std::slice::from_ref(witness)).map_err(bad)?.pop())
}

/// Of which book it is asked, and how.
struct Asked<'a> {
    book: Book,
    origin: &'a str,
    expected: WitnessExpectation,
}

fn judge(
    registry: &Registry,
    asked: &Asked<'_>,
    counted: impl FnOnce(&Witnesses) -> Result<Vec<Cosignature>, Refused>,
) -> Result<Witnessed, Refused> {
    let (part, what) = match asked.book {
        Book::Journal => (Part::Journal, "journal"),
        Book::Log => (Part::Checkpoint, "log"),
    };
    let Some(named) = registry.witnesses(asked.book) else {
        return match asked.expected {
            WitnessExpectation::Required => Err(Refused::cannot_check(part, Gap::Unanchored { what })),
            WitnessExpectation::AsShown => Ok(Witnessed::Open(NotChecked::Unanchored { what })),
        };
    };
    let cosigned = counted(named)?;
    let (found, needed) = (cosigned.len(), named.threshold());
    // In the order of the registry.
    let has = |one: &&Witness| cosigned.iter().any(|cosignature| cosignature.witness.name() == one.name);
    let (by, missing): (Vec<_>, Vec<_>) = named.witnesses.iter().partition(has);
    let names = |witnesses: Vec<&Witness>| witnesses.into_iter().map(|one| one.name.clone()).collect();
    if found >= needed {
        let by = names(by);
        // INVARIANT: a threshold is at least one, so there is a latest.
        let at = cosigned.iter().map(|one| one.time).max().unwrap_or(Instant::EPOCH);
        return Ok(Witnessed::Proven(Proven::Witnessed { origin: asked.origin.to_owned(), by, at }));
    }
    match asked.expected {
        WitnessExpectation::Required => {
            let missing = names(missing);
            Err(Refused::cannot_check(part, Gap::NotWitnessed { what, found, needed, missing }))
        }
        WitnessExpectation::AsShown => Ok(Witnessed::Open(NotChecked::NotWitnessed { what, found, needed })),
    }
}

fn key(witness: &Witness) -> Option<VerifierKey> {
    VerifierKey::of_witness(&witness.name, &witness.key).ok()
}
