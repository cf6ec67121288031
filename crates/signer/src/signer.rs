//! The trait through which signatures are ordered.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::frame::FrameError;
use crate::{Answers, Orders, Refusal, State};

/// The key process, as those who order see it.
///
/// `order` is blocking, takes a batch and answers each order for itself, in their order. Calls come from several threads
/// at once; one whose keys are in a slow key store holds up no other, but the orders of one batch wait for each other.
///
/// An order is idempotent as long as its request lives: ordered again, with the same bytes, it gives the same
/// intent and the same signed bytes, and where the outcome was recorded the very same signature. (A timestamp order
/// is the exception: each gives a token of its own.)
///
/// An error says that the answers did not arrive. Then *nothing is known* about the orders: each may have been
/// signed. The one thing to do is to order again, the same bytes, until there are answers or the request's
/// deadline has passed. A refusal is not an error but an answer, and final unless its code is
/// [transient](crate::RefusalCode::is_transient).
pub trait Signer: Send + Sync {
    /// Orders a batch of at most 256.
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError>;

    /// What the key process tells of itself: registry, certificates, heads. Asking changes nothing.
    fn state(&self) -> Result<State, SignerError>;
}

/// Why there are no answers. What became of the orders is not known; ordering the same again is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// Nobody listens at the socket.
    #[error("cannot reach the key process at `{}`; is it running?", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No answer in time.
    #[error("the key process at `{}` did not answer within {} s; the order may be repeated", socket.display(), after.as_secs())]
    TimedOut {
        /// The socket.
        socket: PathBuf,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke, or what came over it cannot be read.
    #[error("the answer of the key process at `{}` did not arrive whole; the order may be repeated", socket.display())]
    Broken {
        /// The socket.
        socket: PathBuf,
        /// What went wrong.
        #[source]
        source: FrameError,
    },
    /// An answer to something that was not asked.
    #[error("the key process at `{}` answered something else than was asked; the two are not of one release of avouch", socket.display())]
    Unexpected {
        /// The socket.
        socket: PathBuf,
    },
    /// The whole frame was refused.
    #[error("the key process does not take this frame")]
    Refused(#[source] Refusal),
    /// The key process within this one stopped: it panicked, or its journal failed.
    #[error("the key process stopped in the middle of an order; start it again")]
    Stopped,
}
