//! Entries that others ask for: signatures that were made elsewhere, and are to be in the log as well.

use std::sync::Arc;
use std::time::Duration;

use model::receipt::LogEntry;

use crate::LogStageError;

/// What is called once, with the entry under a checkpoint that is public, or with why there is none.
pub type EntryReply = Box<dyn FnOnce(Result<LogEntry, EntryError>) + Send>;

/// Why there is no entry.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Too much waits in front of the log.
    #[error("the log cannot take more now: try again in {} s", retry_after.as_secs_f32())]
    Busy {
        /// When.
        retry_after: Duration,
    },
    /// The server is going down, or only reads.
    #[error("the log takes nothing in now: try again in {} s", retry_after.as_secs_f32())]
    Closed {
        /// When.
        retry_after: Duration,
    },
    /// The log cannot be written. Whether the entry is in it is not known; who asks again is told.
    #[error("the log cannot be written now: try again, an entry is never made twice")]
    Unavailable(#[source] Arc<LogStageError>),
}
