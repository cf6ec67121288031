//! The fixed layout of every message, one module a pair of asking and answering.

pub(crate) mod admin;
pub(crate) mod answer;
pub(crate) mod order;
mod tuf;
pub(crate) mod witnessing;

/// The most orders in a batch.
pub(crate) const ORDERS_MAX: usize = 256;

/// The most hashes in a proof: two for each level of the largest tree.
const PROOF_MAX: usize = 130;
