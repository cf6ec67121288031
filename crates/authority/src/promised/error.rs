//! Why the log of Rekor v1 has no answer.

use std::sync::Arc;

use engine::StoreError;
use model::BadSignature;
use signer::{PlatformError, Refusal, SignerError};
use tlog::note::NoteError;
use tlog::{CheckpointError, LogError, NoteStoreError};

/// Why the log of Rekor v1 has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PromisedError {
    /// The platform has no such log.
    #[error(
        "this platform has no log of Rekor v1: an administrator begins one with `avouch key create platform/rekor-v1 --form set`"
    )]
    Off,
    /// A key without an origin.
    #[error(
        "the key `{key}` can promise nothing: its origin is not the name of a log and the number of a tree"
    )]
    Unusable {
        /// Its name.
        key: String,
    },
    /// The key process could not be reached, or did not answer in time.
    #[error("the key process cannot be reached")]
    Unreachable(#[source] Arc<SignerError>),
    /// What the key process tells of the platform cannot be believed.
    #[error("what the key process tells of the platform does not hold together")]
    Platform(#[source] Arc<PlatformError>),
    /// The key process refused.
    #[error("the key process refuses")]
    Refused(#[source] Refusal),
    /// No answer to an order, or no head where one was signed.
    #[error("the key process did not answer the order")]
    Answers,
    /// What the key process chose is no promise's.
    #[error("the key process chose something that is no promise's")]
    Chosen(#[source] Option<envelope::ChosenError>),
    /// The signature is bad: it never leaves.
    #[error("the key process's promise does not verify")]
    Signature(#[source] BadSignature),
    /// The store cannot be read or written.
    #[error("the store cannot be read or written")]
    Store(#[source] Arc<StoreError>),
    /// The log cannot be read or written.
    #[error("the log of Rekor v1 cannot be read or written")]
    Log(#[source] Arc<LogError>),
    /// What is shown of the log cannot be read.
    #[error("the checkpoint of the log of Rekor v1 cannot be read")]
    Checkpoint(#[source] Arc<CheckpointError>),
    /// The index named another entry.
    #[error("the log's index named another entry; it is made anew")]
    Index,
    /// Store and key process do not know the same log.
    #[error(
        "the store knows {stored} entries of the log `{origin}`, and the key process signed for {signed}: one of the two was put back; bring its newest folder back, or begin a new log with a new key of form `set`"
    )]
    Disagreement {
        /// The log.
        origin: String,
        /// The size that is stored.
        stored: u64,
        /// The size that was signed last.
        signed: u64,
    },
}

impl From<SignerError> for PromisedError {
    fn from(source: SignerError) -> Self {
        Self::Unreachable(Arc::new(source))
    }
}

impl From<PlatformError> for PromisedError {
    fn from(source: PlatformError) -> Self {
        Self::Platform(Arc::new(source))
    }
}

impl From<StoreError> for PromisedError {
    fn from(source: StoreError) -> Self {
        Self::Store(Arc::new(source))
    }
}

impl From<LogError> for PromisedError {
    fn from(source: LogError) -> Self {
        Self::Log(Arc::new(source))
    }
}

impl From<CheckpointError> for PromisedError {
    fn from(source: CheckpointError) -> Self {
        Self::Checkpoint(Arc::new(source))
    }
}

impl From<NoteError> for PromisedError {
    fn from(source: NoteError) -> Self {
        Self::from(CheckpointError::Note { origin: String::new(), source })
    }
}

impl From<NoteStoreError> for PromisedError {
    fn from(source: NoteStoreError) -> Self {
        Self::from(LogError::Note { origin: String::new(), source })
    }
}
