//! The journal's own checkpoints, and the proofs that an intent is under one.
//!
//! INVARIANT: two checkpoints of one size are equal. Only heads that are durable are signed, and those are never taken
//! back, so all are of one history; a head is signed under the origin that the journal had at its end, and Ed25519
//! gives the same signature of the same bytes.

use keystore::{Key, Signable};
use model::journal::Intent;
use model::{Digest, told};
use signer::{Head, JournalProof, Refusal, RefusalCode};
use tlog::{Checkpoint, RightEdge, VerifierKey, note};

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
}

impl Place {
    /// Where the intent of a signing stands, if its key is governed and the signing is still remembered.
    pub(crate) fn of(state: &State, intent: &Intent) -> Option<Self> {
        let signing = state.signings.get(&(intent.request, intent.item))?;
        let origin = state.registry.as_ref()?.journal_origin_under(&intent.registry)?;
        Some(Self { origin, edge: signing.edge.clone()? })
    }

    /// Proves the intent whose leaf this is. It must be durable.
    pub(crate) fn prove(&self, leaf: Digest, key: &dyn Key) -> Result<JournalProof, Refusal> {
        let mut edge = self.edge.clone();
        edge.append(leaf);
        let checkpoint = checkpoint(&self.origin, Head { size: edge.size(), root: edge.root() }, key)?;
        Ok(JournalProof { path: self.edge.path_of_next(), checkpoint })
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
