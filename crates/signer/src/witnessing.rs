//! What is said at the key process's socket for witnessing: checkpoints of the journal go out, cosignatures come in.
//!
//! Whoever carries them is not believed: what goes out is signed, and what comes in is signed by witnesses whom the
//! registry names.

use model::Digest;

use crate::Refusal;

/// The most checkpoints that are told at a time: two a witness.
pub const NOTES_MAX: usize = 64;

/// The longest of them.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessMessage {
    /// What are the witnesses to cosign?
    Offer(Occasion),
    /// This is what they cosigned.
    Tell {
        /// Checkpoints of the journal with cosignatures, at most [`NOTES_MAX`].
        notes: Vec<String>,
    },
}

/// Why witnesses are gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It is time: what they saw last holds for some minutes.
    Turn,
    /// Somebody may wait for a signature whose intent they are to see first. Where nobody does, nothing is offered.
    Intent,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// What each witness is to be shown.
    Offers(Vec<Offer>),
    /// How the journal is anchored now.
    Anchored(Anchor),
    /// Nothing is offered, and nothing was heard.
    Refused(Refusal),
}

/// What a witness is to be shown (C2SP `tlog-witness`, `add-checkpoint`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its verifier key.
    pub witness: String,
    /// A checkpoint of the journal.
    pub checkpoint: String,
    /// The size from which the proof goes, which the witness told last. Where it tells the checkpoint's own size, an answer
    /// was lost: the same is submitted once more, from its own size and without a proof.
    pub old_size: u64,
    /// The consistency proof.
    pub proof: Vec<Digest>,
}

/// Is the state of the key process held by witnesses?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// The registry names no witnesses of the journal: nobody outside holds it.
    Unanchored,
    /// It is: these have cosigned what it is now, or was a moment ago.
    Held {
        /// Their names.
        by: Vec<String>,
    },
    /// It is not, and nothing governed is signed.
    Loose {
        /// Why, and what to do.
        why: String,
    },
}
