//! The signing cycle: five stages from a submission to its receipts, and the traits of all that they call.
//!
//! **In scope**: what a request must hold to, asking policy (twice) and counting endorsements, the order of effects,
//! recovery, and the queues between the stages. Each stage is a plain blocking function from batch to batch; only
//! `cycle` knows of threads.
//!
//! **Out of scope**: transport and credentials (`server`, `identity`), what policy says (`policy`), private keys and
//! the journal (`signerd`), where rows and tiles are kept (`store`).
//!
//! The order is in the types: [`Received`](stages::Received) → [`Authorised`](stages::Authorised) →
//! [`Intended`](stages::Intended) → [`PartlySigned`](stages::PartlySigned), where its keys are in several key stores →
//! [`Signed`](stages::Signed) → [`Stamped`](stages::Stamped) →
//! [`Logged`](stages::Logged) → [`Settled`](stages::Settled). Each is built from the one before and by nothing else;
//! only `Received` can be built from a row.
//!
//! Specifications: RFC 3161 (timestamp tokens), Rekor v2 `hashedrekord` 0.0.2 (log entries), RFC 6962 (the ledger).

mod board;
mod calls;
mod cycle;
mod engine;
mod entries;
mod logs;
mod metrics;
mod platform;
mod queue;
mod recovery;
mod stage;
pub mod stages;
mod submission;
mod troubles;
mod view;

pub use board::Reply;
pub use calls::{
    Conflict, Decision, Directory, IndexedEntry, Known, Leaf, LeafKind, Ledger, LogIndex, Lookup, Moment,
    PolicyEngine, Question, RequestStore, Row, StampError, Standing, StoreError, Timestamper, Write,
};
pub use engine::{Engine, EngineError, Ticket, Watch, sees};
pub use entries::{EntryError, EntryReply};
pub use metrics::{Histogram, LATENCY_BOUNDS_S, Metrics, Outcomes, StageMetrics};
pub use platform::PlatformError;
pub use recovery::take_up;
pub use stage::Stage;
pub use stages::{LogStageError, Parts, Random, World, found_log};
pub use submission::{ItemFault, Repeat, Submission, SubmitError};
pub use view::{KeyView, ProfileView, View};

/// How far a request is.
pub use model::RequestState as State;
