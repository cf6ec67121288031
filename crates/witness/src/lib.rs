//! Both sides of witnessing: a witness of other people's logs, and whoever brings checkpoints to witnesses.
//!
//! **In scope**: the witness's own key, the newest checkpoint of each log that it knows, kept so that no crash and no race
//! lets it cosign two histories, the answer to each submission ([`Witness`]); and how a checkpoint is brought to a
//! witness, wherever that stands ([`carry`]).
//!
//! **Out of scope**: HTTP (the rooms `server` and `cli`), what a submission is and when it extends what was seen (the room
//! `tlog`), who believes which witnesses. A witness and a log never share a key process, or the one would vouch for
//! itself.
//!
//! Specifications: C2SP `tlog-witness` and `tlog-cosignature`.

mod carry;
mod error;
mod witness;

pub use carry::{Carried, Reach, Reply, carry};
pub use error::WitnessError;
pub use witness::{Keys, Witness, begin};
