//! Work that blocks: the store, the key process. It never runs on a thread that serves connections.

use crate::problem::Refusal;

/// What is no longer than this is read where it came in, if nothing of that waits: it takes less time than another thread
/// takes to wake.
pub(crate) const AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// Why blocking work came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("a blocking task ended without an answer")]
struct NoAnswer(#[source] tokio::task::JoinError);

/// Runs work that blocks on a thread of its own.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Refusal>
where
    T: Send + 'static,
    E: Into<Refusal> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => Err(Refusal::internal(NoAnswer(error))),
    }
}
