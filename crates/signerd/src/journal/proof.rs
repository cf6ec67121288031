//! The journal's own checkpoints, and the proofs that an intent is under one.
//!
//! INVARIANT: two checkpoints of one size and origin are equal. Only heads that are durable are signed, and those are never taken
//! back, so all are of one history; a head is signed under the origin that the journal had at its end, and Ed25519
//! gives the same signature of the same bytes.

use keystore::{Key, Signable};
use model::journal::Intent;
use model::receipt::Sighting;
use model::{Digest, told};
use quorum::Book;
use signer::{Head, JournalProof, Refusal, RefusalCode};
use tlog::{Checkpoint, Cosignature, RightEdge, VerifierKey, note};

use crate::awaited::Seen;
use crate::standing::refuse;
use crate::state::State;

/// All that proves an intent of a governed key, but the signature of the journal: where its leaf stands.
///
/// The proof leads to the checkpoint that ends with the intent's leaf. Everything else under that one is to the left,
/// and is the right edge of the tree before the leaf, so that no other leaf is needed, then or later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    origin: String,
    edge: RightEdge,
    sightings: Vec<Seeing>,
}

/// What a witness saw, and under which origin.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seeing {
    witness: VerifierKey,
    origin: String,
    seen: Seen,
}

impl Place {
    /// Where the intent of a signing stands, if its key is governed and the signing is still remembered.
    pub(crate) fn of(state: &State, intent: &Intent) -> Option<Self> {
        let signing = state.signings.get(&(intent.request, intent.item))?;
        let registry = state.registry.as_ref()?;
        let origin = registry.journal_origin_under(&intent.registry)?;
        let seeing = |seen: &Seen| {
            let one = registry.all_witnesses(Book::Journal).find_map(|one| {
                let witness = VerifierKey::of_witness(&one.name, &one.key).ok()?;
                (witness.log_id() == seen.cosigned.witness).then_some((one, witness))
            });
            let (one, witness) = one?;
            let origin = registry.journal_shown_under(&intent.registry, one)?;
            Some(Seeing { witness, origin, seen: seen.clone() })
        };
        let sightings = signing.seen.iter().filter_map(seeing).collect();
        Some(Self { origin, edge: signing.edge.clone()?, sightings })
    }

    /// Proves the intent whose leaf this is. It must be durable.
    pub(crate) fn prove(&self, leaf: Digest, key: &dyn Key) -> Result<JournalProof, Refusal> {
        let mut edge = self.edge.clone();
        edge.append(leaf);
        let checkpoint = checkpoint(&self.origin, Head { size: edge.size(), root: edge.root() }, key)?;
        let witnessed = self.sightings.iter().map(|seeing| seeing.show(key)).collect::<Result<_, _>>()?;
        Ok(JournalProof { path: self.edge.path_of_next(), checkpoint, witnessed })
    }
}

impl Seeing {
    /// The checkpoint as the witness was shown it, signed once more, with what it wrote under it.
    fn show(&self, key: &dyn Key) -> Result<Sighting, Refusal> {
        let Seen { cosigned, root, path } = &self.seen;
        let failed = |error: &dyn std::error::Error| refuse(RefusalCode::Journal, told(error));
        let shown = Checkpoint::new(&self.origin, cosigned.size, *root).map_err(|error| failed(&error))?;
        let note = checkpoint(&self.origin, Head { size: cosigned.size, root: *root }, key)?;
        let (witness, time, signature) = (self.witness.clone(), cosigned.time, cosigned.signature);
        let line = Cosignature { witness, time, signature }.line(&shown).map_err(|error| failed(&error))?;
        Ok(Sighting { checkpoint: format!("{note}{line}"), path: path.clone() })
    }
}

/// Has the journal's key sign a checkpoint of a head, which must be durable.
pub(crate) fn checkpoint(origin: &str, head: Head, key: &dyn Key) -> Result<String, Refusal> {
    let failed = |error: &dyn std::error::Error| refuse(RefusalCode::Journal, told(error));
    let text = Checkpoint::new(origin, head.size, head.root).map_err(|error| failed(&error))?.text();
    let signature = key
        .sign(Signable::Message(text.as_bytes()))
        .map_err(|error| refuse(RefusalCode::KeyStore, told(&error)))?;
    let verifier = VerifierKey::of_log(origin, key.public()).map_err(|error| failed(&error))?;
    note::seal(&text, &verifier, &signature).map_err(|error| failed(&error))
}
