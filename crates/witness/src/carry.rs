//! How a checkpoint is brought to a witness. Nothing that comes back is believed here: whoever is to go by it verifies it.

use model::Digest;
use tlog::witness::Submission;

/// The way to one witness.
pub trait Reach {
    /// Why there is no answer; whether a retry helps is for the caller to say.
    type Error;

    /// `POST /add-checkpoint` with this body.
    fn add_checkpoint(&self, body: &str) -> Result<Reply, Self::Error>;

    /// `GET /HASH/checkpoint`: the newest checkpoint of the log of this origin that the witness cosigned.
    fn newest(&self, origin: &str) -> Result<Option<String>, Self::Error>;
}

/// What a witness answers to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The lines of its cosignatures.
    Cosigned(String),
    /// It stands at another size than the proof begins.
    Conflict {
        /// The size that it cosigned last.
        size: u64,
    },
    /// It does not cosign it, with this status of HTTP.
    Rejected {
        /// The status.
        status: u16,
    },
}

/// What became of a checkpoint that was brought to a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It was cosigned: the checkpoint with all lines that came back.
    Cosigned(String),
    /// It was not.
    Refused {
        /// What the witness answered.
        reply: Reply,
        /// Its newest checkpoint of that log, where it shows one: perhaps it knows more than whoever asked.
        newest: Option<String>,
    },
}

/// Brings a checkpoint to a witness that is believed to stand at `old_size`. Where it stands elsewhere, `proof_from` is
/// asked for a proof from there, once.
pub fn carry<R: Reach>(
    note: &str,
    old_size: u64,
    mut proof_from: impl FnMut(u64) -> Result<Option<Vec<Digest>>, R::Error>,
    witness: &R,
) -> Result<Carried, R::Error> {
    let mut submit = |old_size: u64| -> Result<Option<Reply>, R::Error> {
        let Some(proof) = proof_from(old_size)? else { return Ok(None) };
        let submission = Submission { old_size, proof, note: note.to_owned() };
        witness.add_checkpoint(&submission.encode()).map(Some)
    };
    let first = submit(old_size)?.unwrap_or(Reply::Conflict { size: old_size });
    let reply = match first {
        Reply::Conflict { size } => submit(size)?.unwrap_or(first),
        other => other,
    };
    match reply {
        Reply::Cosigned(lines) => Ok(Carried::Cosigned(format!("{note}{lines}"))),
        reply => {
            let origin = note.split('\n').next().unwrap_or_default();
            Ok(Carried::Refused { reply, newest: witness.newest(origin)? })
        }
    }
}
