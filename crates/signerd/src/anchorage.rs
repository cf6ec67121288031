//! What witnesses were shown of the journal, and what they cosigned: the part of the state by which it is proven to each
//! of them that the journal only grew.
//!
//! A witness stands at the size that it cosigned last. That is one that was *confirmed* here, or the one that was *offered*
//! since: nothing else is offered to it before it answered, and under the origin that this witness alone is shown, nobody has
//! a checkpoint but it. So the proof from the one to the other, and how the tree grew since, are enough, whatever answers
//! are lost and however long a witness is silent.

use std::collections::{BTreeMap, BTreeSet};

use model::Digest;
use model::journal::Cosigned;
use model::layout::{LayoutError, Reader, Writer};
use quorum::{Book, Registry};
use tlog::{Growth, RightEdge, VerifierKey};

/// More witnesses than a platform ever names, former ones included.
const WITNESSES_MAX: usize = 1 << 16;

/// The most hashes of a growth, on either side of where it began, and of a path.
pub(crate) const HASHES_MAX: usize = 128;

/// What witnesses know of the journal under its present origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Anchorage {
    /// How the tree grew since each size from which some witness has to go on.
    growths: BTreeMap<u64, Growth>,
    /// Where each stands, by the id of its key.
    stands: BTreeMap<Digest, Stand>,
}

/// Where a witness stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// The size that it cosigned, as it proved; zero, before it did.
    pub(crate) confirmed: u64,
    /// What it was shown since, and has not answered.
    pub(crate) offered: Option<Offered>,
}

/// What a witness was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    /// The size.
    pub(crate) size: u64,
    /// The consistency proof from the size that was confirmed.
    pub(crate) proof: Vec<Digest>,
}

impl Stand {
    /// The size from which it has to go on.
    fn next(&self) -> u64 {
        self.offered.as_ref().map_or(self.confirmed, |offered| offered.size)
    }
}

/// The keys of the witnesses of the journal.
pub(crate) fn witnesses(registry: &Registry) -> Vec<VerifierKey> {
    views(registry).map(|view| view.witness).collect()
}

/// A witness, and the journal as it alone is shown it: under an origin of its own.
pub(crate) struct View {
    pub(crate) witness: VerifierKey,
    pub(crate) journal: VerifierKey,
}

/// What each witness of the journal is shown.
pub(crate) fn views(registry: &Registry) -> impl Iterator<Item = View> {
    let named = registry.witnesses(Book::Journal).map(|named| named.witnesses.iter()).into_iter().flatten();
    // INVARIANT: the registry took no name that a note cannot bear, and no key but Ed25519.
    named.filter_map(|one| {
        let journal = VerifierKey::of_log(&registry.journal_shown_to(one), registry.journal_key()).ok()?;
        Some(View { witness: VerifierKey::of_witness(&one.name, &one.key).ok()?, journal })
    })
}

impl Anchorage {
    /// The tree got another leaf.
    pub(crate) fn append(&mut self, leaf: Digest) {
        self.growths.values_mut().for_each(|growth| growth.append(leaf));
    }

    /// The tree that ends here is offered to each of these witnesses that has answered what it was offered before.
    pub(crate) fn offer(&mut self, edge: &RightEdge, witnesses: &[VerifierKey]) {
        for witness in witnesses {
            let stand = self.stands.entry(witness.log_id()).or_default();
            if stand.offered.is_some() {
                continue;
            }
            // INVARIANT: every tree extends the empty one, which takes no proof. From any other size where a witness stands,
            // how the tree grew is kept; where it were not, nothing is offered that the witness would have to refuse.
            let growth = self.growths.get(&stand.confirmed);
            let proof = match stand.confirmed {
                0 => Some(Vec::new()),
                _ => growth.and_then(|growth| growth.proof().ok()),
            };
            stand.offered = proof.map(|proof| Offered { size: edge.size(), proof });
        }
        self.growths.entry(edge.size()).or_insert_with(|| Growth::from(edge.clone()));
        self.forget();
    }

    /// Witnesses cosigned what they were offered.
    pub(crate) fn confirm(&mut self, cosigned: &[Cosigned]) {
        for one in cosigned {
            let stand = self.stands.entry(one.witness).or_default();
            *stand = Stand { confirmed: one.size, offered: None };
        }
        self.forget();
    }

    /// Where a witness stands, if it was ever shown anything.
    pub(crate) fn stand(&self, witness: &Digest) -> Option<&Stand> {
        self.stands.get(witness)
    }

    /// Was a witness shown the tree of this size, and has not answered?
    pub(crate) fn is_offered(&self, size: u64) -> bool {
        self.stands.values().any(|stand| stand.offered.as_ref().is_some_and(|offered| offered.size == size))
    }

    /// The root of the tree as it was at a size from which some witness has to go on.
    pub(crate) fn root_at(&self, size: u64) -> Option<Digest> {
        self.growths.get(&size).map(|growth| growth.edge().root())
    }

    fn forget(&mut self) {
        let used: BTreeSet<u64> = self.stands.values().map(Stand::next).collect();
        self.growths.retain(|size, _| used.contains(size));
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        writer.count(self.growths.len());
        for growth in self.growths.values() {
            writer.bytes(&growth.edge().encode());
            let since: Vec<&Digest> = growth.since().collect();
            writer.list(&since, |writer, hash| {
                writer.digest(hash);
            });
        }
        writer.count(self.stands.len());
        for (witness, stand) in &self.stands {
            writer.digest(witness).long(stand.confirmed);
            writer.option(stand.offered.as_ref(), |writer, offered| {
                writer.long(offered.size).list(&offered.proof, |writer, hash| {
                    writer.digest(hash);
                });
            });
        }
    }

    /// Reads what was put, of a tree of this size.
    pub(crate) fn take(reader: &mut Reader<'_>, size: u64) -> Result<Self, LayoutError> {
        let growths = reader.list("growths", 2 * WITNESSES_MAX, |reader| {
            let wrong = |_| LayoutError::Value { field: "growth" };
            let edge = RightEdge::decode(reader.bytes("right edge", 64 * HASHES_MAX)?).map_err(wrong)?;
            let since = reader.list("since", HASHES_MAX, |reader| reader.digest("since"))?;
            Growth::from_parts(edge, size, &since).map_err(wrong)
        })?;
        let stands = reader.list("witnesses", WITNESSES_MAX, |reader| {
            let (witness, confirmed) = (reader.digest("witness")?, reader.long("confirmed")?);
            let offered = reader.option("offered", |reader| {
                let size = reader.long("offered")?;
                let proof = reader.list("proof", HASHES_MAX, |reader| reader.digest("proof"))?;
                Ok::<_, LayoutError>(Offered { size, proof })
            })?;
            Ok::<_, LayoutError>((witness, Stand { confirmed, offered }))
        })?;
        let growths = growths.into_iter().map(|growth| (growth.edge().size(), growth)).collect();
        Ok(Self { growths, stands: stands.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use tlog::note::NoteAlgorithm;
    use tlog::proof::verify_consistency;

    use super::*;

    fn witness(n: u8) -> VerifierKey {
        VerifierKey::new(&format!("w{n}"), NoteAlgorithm::Cosignature, [n; 32]).unwrap()
    }

    #[test]
    fn wherever_a_witness_may_stand_the_growth_since_is_known_and_nothing_else_is_kept() {
        let (one, two) = (witness(1), witness(2));
        let both = [one.clone(), two.clone()];
        let (mut anchorage, mut edge) = (Anchorage::default(), RightEdge::new());
        let mut seen = (0, edge.root());
        for round in 0..50_u64 {
            let leaf = Digest::of(&round.to_be_bytes());
            edge.append(leaf);
            anchorage.append(leaf);
            anchorage.offer(&edge, &both);
            let proof = anchorage.stand(&one.log_id()).unwrap().offered.clone().unwrap().proof;
            verify_consistency(seen.0, &seen.1, edge.size(), &edge.root(), &proof).unwrap();
            seen = (edge.size(), edge.root());
            // The first answers each time, the second only at the end.
            let (size, time) = (edge.size(), model::Instant::EPOCH);
            anchorage.confirm(&[Cosigned { witness: one.log_id(), size, time, signature: [0; 64] }]);
        }
        let stand = |witness: &VerifierKey| anchorage.stand(&witness.log_id()).unwrap().clone();
        assert_eq!(stand(&one), Stand { confirmed: 50, offered: None });
        assert_eq!(
            stand(&two),
            Stand { confirmed: 0, offered: Some(Offered { size: 1, proof: Vec::new() }) }
        );
        assert_eq!(anchorage.growths.keys().copied().collect::<Vec<_>>(), [1, 50]);
        let mut writer = Writer::new();
        anchorage.put(&mut writer);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(Anchorage::take(&mut reader, 50).unwrap(), anchorage);
        reader.finish().unwrap();
        assert!(Anchorage::take(&mut Reader::new(&bytes), 51).is_err());
        // Whoever answers late goes on from there.
        let first = anchorage.root_at(1).unwrap();
        let (witness, time, signature) = (two.log_id(), model::Instant::EPOCH, [0; 64]);
        anchorage.confirm(&[Cosigned { witness, size: 1, time, signature }]);
        anchorage.offer(&edge, &both);
        let offered = anchorage.stand(&two.log_id()).unwrap().offered.clone().unwrap();
        verify_consistency(1, &first, offered.size, &edge.root(), &offered.proof).unwrap();
    }

    #[test]
    fn a_witness_is_offered_nothing_that_cannot_be_proven_to_it() {
        let (one, mut edge) = (witness(1), RightEdge::new());
        (0..9_u8).for_each(|n| edge.append(Digest::of(&[n])));
        // It stands where nothing was kept of how the tree grew.
        let stand = Stand { confirmed: 5, offered: None };
        let stands = BTreeMap::from([(one.log_id(), stand.clone())]);
        let mut anchorage = Anchorage { growths: BTreeMap::new(), stands };
        anchorage.offer(&edge, std::slice::from_ref(&one));
        assert_eq!(anchorage.stand(&one.log_id()), Some(&stand));
    }
}
