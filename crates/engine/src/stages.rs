//! The five stages. Each is a plain blocking function from a batch to the next stage's batch: no thread, no clock and
//! no randomness but through the traits in [`World`], so that a simulation runs the very same functions.
//!
//! | if we stop here | what is true | who finishes |
//! |---|---|---|
//! | before the intent | nothing is signed | the client, by its idempotency key |
//! | after the intent, before the order | an intent without a journal entry | recovery orders again, or expires it |
//! | the journal's intent is synced, no answer | perhaps signed | recovery: the same bytes are signed again |
//! | signed, not logged | the signature never left the engine | recovery logs it |
//! | signed, and refused, failed or expired since | no receipt may be had | recovery recalls the signature and logs it |
//! | checkpoint swapped, tiles not written | both are durable in one transaction | the log, when it is opened |
//! | logged, not settled | the entry is public, the row open | recovery finds it in the log and settles |
//! | settled, no reply | the receipt is stored | the client asks again |

mod authorised;
mod fate;
mod fitting;
mod lane;
mod log;
mod received;
pub(crate) mod records;
mod settle;
mod sign;
mod stamp;
mod submit;
mod world;

pub use authorised::{Authorised, Endorsed};
pub use fate::Stopped;
pub use lane::{Lane, Lanes};
pub(crate) use log::LogMark;
pub use log::{Entrant, LogStage, LogStageError, Logged, found_log};
pub use received::Received;
pub use settle::{Ended, Settle, Settled};
pub use sign::{Onward, PartlySigned, Sign, Signed};
pub use stamp::{Stamp, Stamped};
pub use submit::{Arrival, Intended, Submit, Submitted};
pub use world::{Parts, Random, World};

pub(crate) use fate::{Condemned, Fate, Warrant};
pub(crate) use fitting::{Fitting, profile_view};
pub(crate) use lane::{PASSAGES_MAX, RETRY_AFTER};

/// What a stage made of a batch. Every member of the batch is in one of the three.
#[derive(Debug)]
pub struct Passed<Next, Same> {
    /// What goes on to the next stage.
    pub next: Vec<Next>,
    /// What ends here, and goes to Settle to be recorded.
    pub stopped: Vec<Stopped>,
    /// What could not be done now, and is tried again by the same stage.
    pub again: Vec<Same>,
    /// Why, where something could not be done now.
    pub trouble: Option<Trouble>,
}

/// Why something could not be done now.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot do its part now")]
pub struct Trouble {
    /// Who.
    pub what: &'static str,
    /// What it said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Trouble {
    pub(crate) fn new(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { what, source: Box::new(source) }
    }
}

impl<Next, Same> Default for Passed<Next, Same> {
    fn default() -> Self {
        Self { next: Vec::new(), stopped: Vec::new(), again: Vec::new(), trouble: None }
    }
}
