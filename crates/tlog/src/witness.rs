//! What is asked of a witness, and what it answers (C2SP `tlog-witness`, `add-checkpoint`). Nothing is stored here, and
//! nothing signed: who keeps what was seen, and a key, is above.

use data_encoding::BASE64;
use model::Digest;

use crate::note::{NoteError, VerifierKey};
use crate::proof::{ProofError, verify_consistency};
use crate::{Checkpoint, CheckpointError, SignedCheckpoint};

/// The longest submission: a checkpoint with many signatures, and a proof.
pub const SUBMISSION_BYTES_MAX: usize = 256 * 1024;

/// The most hashes in a consistency proof between trees of any size.
const PROOF_LINES_MAX: usize = 63;

/// A checkpoint that a witness is to cosign, with the proof that it extends what the witness has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The size that the witness cosigned last, as whoever submits believes; zero where it never did.
    pub old_size: u64,
    /// The consistency proof from that size.
    pub proof: Vec<Digest>,
    /// The checkpoint, a signed note.
    pub note: String,
}

/// What a witness has seen of a log: the newest that it cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many entries there were.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// A log that a witness knows: its origin, and the key that signs its checkpoints. Mostly the key's name is the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    origin: String,
    key: VerifierKey,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Not of the shape that is asked for.
    #[error(
        "a submission is `old` and a size, at most {PROOF_LINES_MAX} hashes in base64, an empty line and a checkpoint, each on a line of its own; this is not"
    )]
    Shape,
    /// What should be a checkpoint is none.
    #[error("what was submitted is not a checkpoint")]
    Checkpoint(#[source] CheckpointError),
    /// A log that this witness does not know.
    #[error("this witness does not know the log of that origin")]
    UnknownLog,
    /// Not signed by the log, or with a signature of the log's key that does not verify.
    #[error("the checkpoint is not signed by the log")]
    NotSigned(#[source] NoteError),
    /// A proof from a larger tree to a smaller one.
    #[error("the old size is {old}, and the checkpoint is of {new} entries: a log does not shrink")]
    Shrinks {
        /// The old size.
        old: u64,
        /// The checkpoint's.
        new: u64,
    },
    /// Another size than was cosigned last, or another tree of that size.
    #[error("this witness cosigned {size} entries last, and what was submitted does not go on from those")]
    Conflict {
        /// The size that was cosigned last.
        size: u64,
    },
    /// A checkpoint that does not extend what was seen.
    #[error("the checkpoint does not extend the one that was cosigned last")]
    NotConsistent(#[source] ProofError),
}

impl Rejection {
    /// The status of HTTP that the specification asks for.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Shape | Self::Checkpoint(_) | Self::Shrinks { .. } => 400,
            Self::NotSigned(_) => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::NotConsistent(_) => 422,
        }
    }
}

impl Submission {
    /// Reads the body of a request. Nothing is verified yet.
    pub fn parse(body: &str) -> Result<Self, Rejection> {
        let (head, note) = body.split_once("\n\n").ok_or(Rejection::Shape)?;
        if body.len() > SUBMISSION_BYTES_MAX {
            return Err(Rejection::Shape);
        }
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(Rejection::Shape)?;
        let old_size: u64 = old.parse().map_err(|_| Rejection::Shape)?;
        if old_size.to_string() != old {
            return Err(Rejection::Shape);
        }
        let mut proof = Vec::new();
        for line in lines {
            let hash = BASE64.decode(line.as_bytes()).ok().and_then(|bytes| Digest::from_slice(&bytes));
            // Several encodings in a row decode, too; one hash has one line.
            let hash = hash.filter(|hash| BASE64.encode(hash.as_bytes()) == line);
            proof.push(hash.filter(|_| proof.len() < PROOF_LINES_MAX).ok_or(Rejection::Shape)?);
        }
        Ok(Self { old_size, proof, note: note.to_owned() })
    }

    /// The body of the request.
    pub fn encode(&self) -> String {
        let mut body = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            body.push_str(&BASE64.encode(hash.as_bytes()));
            body.push('\n');
        }
        body.push('\n');
        body.push_str(&self.note);
        body
    }

    /// Which log it says that it is of.
    pub fn origin(&self) -> &str {
        self.note.split('\n').next().unwrap_or_default()
    }

    /// Is it signed by this log?
    pub fn signed_by(&self, log: &KnownLog) -> Result<SignedCheckpoint, Rejection> {
        match SignedCheckpoint::open_at(&self.note, &log.origin, &log.key) {
            Ok(checkpoint) => Ok(checkpoint),
            Err(CheckpointError::Note { source, .. }) => match source {
                NoteError::NoKnownKey | NoteError::BadSignature { .. } => Err(Rejection::NotSigned(source)),
                _ => Err(Rejection::Shape),
            },
            Err(source) => Err(Rejection::Checkpoint(source)),
        }
    }

    /// May a signed checkpoint be cosigned by a witness that has seen this?
    ///
    /// INVARIANT: what is cosigned extends what was cosigned before, and two of one size are equal.
    pub fn extends(&self, checkpoint: &SignedCheckpoint, seen: Option<Seen>) -> Result<Seen, Rejection> {
        let new = Seen { size: checkpoint.size(), root: *checkpoint.root() };
        if self.old_size > new.size {
            return Err(Rejection::Shrinks { old: self.old_size, new: new.size });
        }
        let old = seen.unwrap_or_else(|| Seen { size: 0, root: Digest::of(&[]) });
        if self.old_size != old.size {
            return Err(Rejection::Conflict { size: old.size });
        }
        // The specification has a status for two trees of one size: that of two histories, not of a bad proof.
        if old.size == new.size && old.root != new.root {
            return Err(Rejection::Conflict { size: old.size });
        }
        verify_consistency(old.size, &old.root, new.size, &new.root, &self.proof)
            .map_err(Rejection::NotConsistent)?;
        Ok(new)
    }
}

impl KnownLog {
    /// A log of this origin and key.
    pub fn new(origin: &str, key: VerifierKey) -> Result<Self, CheckpointError> {
        if !key.is_of_a_log() {
            return Err(CheckpointError::KindOfKey { name: key.name().to_owned() });
        }
        // An origin that no checkpoint can have is refused here.
        Checkpoint::new(origin, 0, Digest::ZERO)?;
        Ok(Self { origin: origin.to_owned(), key })
    }

    /// Its origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that signs its checkpoints.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }
}
