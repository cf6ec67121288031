//! What a witness cannot do.

use keystore::KeyStoreError;
use model::DiskError;
use tlog::note::NoteError;
use tlog::witness::Rejection;
use tlog::{CheckpointError, VerifierKey};

/// Why there is no cosignature, or no witness.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The checkpoint is not one to cosign. This is an answer, and no fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A folder in which no witness was begun.
    #[error("there is no witness here; begin one with `avouch witness init`")]
    NotBegun,
    /// A folder in which there is one already.
    #[error("there is a witness here already: {}", key.encode())]
    Begun {
        /// Its key.
        key: Box<VerifierKey>,
    },
    /// A name that cannot be a witness's, or a file that names no key of a witness.
    #[error("`{name}` does not name a witness and its key")]
    Name {
        /// What there is.
        name: String,
        /// What is wrong with it.
        #[source]
        source: NoteError,
    },
    /// A checkpoint in the folder that this witness did not cosign.
    #[error(
        "what is remembered of the log `{origin}` was not cosigned by this witness; nothing is cosigned over it"
    )]
    Foreign {
        /// The log.
        origin: String,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// Two logs of one origin.
    #[error("the log `{origin}` is named twice")]
    Twice {
        /// The log.
        origin: String,
    },
    /// A clock that nobody would believe.
    #[error("this machine's clock stands at the beginning of 1970; set it right")]
    Clock,
    /// The folder cannot be read or written.
    #[error("the witness's folder does not do what it should")]
    Disk(#[from] DiskError),
    /// The key cannot be used.
    #[error("the witness's key cannot be used")]
    KeyStore(#[from] KeyStoreError),
    /// A cosignature that does not verify.
    #[error("the cosignature that was made does not verify, and was not given out")]
    Cosignature(#[source] NoteError),
    /// A checkpoint that could not be put together.
    #[error("the cosigned checkpoint does not read back")]
    Checkpoint(#[from] CheckpointError),
    /// A write failed, and nobody knows what reached the disk.
    #[error("a write failed before, and what is on the disk is not known; start the witness again")]
    Stopped,
}
