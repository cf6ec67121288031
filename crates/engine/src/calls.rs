//! The traits that the engine calls. Their documentation is the contract that every implementation keeps.

mod directory;
mod ledger;
mod log_index;
mod policy;
mod requests;
mod timestamper;

pub use directory::Directory;
pub use ledger::{Leaf, LeafKind, Ledger};
pub use log_index::{IndexedEntry, LogIndex};
pub use policy::{Decision, Moment, PolicyEngine, Question};
pub use requests::{Conflict, Known, Lookup, RequestStore, Row, Standing, StoreError, Write};
pub use timestamper::{StampError, Timestamper};
