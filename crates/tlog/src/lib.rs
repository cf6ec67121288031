//! The transparency log: tiles, proofs, notes, checkpoints and cosignatures, and one append-only log over two
//! storage traits.
//!
//! **In scope**: the growing Merkle tree ([`RightEdge`]), proofs that are made and checked ([`proof`]), the names and
//! contents of tiles and entry bundles ([`tile`]), signed notes and verifier keys ([`note`]), checkpoints and the
//! cosignatures on them, what a witness is asked and answers ([`witness`]), and [`Log`], which stages entries, takes the
//! checkpoint's signature and makes both durable in an order that no crash can turn into a fork.
//!
//! **Out of scope**: storing anything (the two traits [`TileStore`] and [`CheckpointLock`] are implemented above),
//! signing anything (a checkpoint's text goes out, a signature comes in), serving over HTTP, keeping
//! what a witness saw, what an entry means.
//!
//! Specifications: RFC 6962 §2 and RFC 9162 §2.1 (trees and proofs), and of C2SP: `tlog-tiles`, `signed-note`,
//! `tlog-checkpoint`, `tlog-witness`, `tlog-cosignature` (its Ed25519 kind, `cosignature/v1`), `static-ct-api` (its
//! checkpoints and its entries, of precertificates).

mod certificate_entry;
mod checkpoint;
mod edge;
mod entries;
mod growth;
mod log;
pub mod note;
pub mod proof;
mod storage;
pub mod tile;
pub mod tree_head;
pub mod witness;

pub use certificate_entry::CertificateEntry;
pub use checkpoint::{Checkpoint, CheckpointError, Cosignature, SignedCheckpoint};
pub use edge::{EdgeError, RightEdge};
pub use growth::{Followed, Growth};
pub use log::{Committed, ENTRIES_MAX, Log, LogError, Logged, Pending, PublishedLog, Staged};
pub use note::VerifierKey;
pub use proof::{Consistent, Included, ProofError};
pub use storage::{
    CheckpointLock, Durability, LockError, Locked, NoteStoreError, StagedTile, TileError, TileStore,
};
pub use tile::TilePath;

/// The largest tree. Clients hold indices in signed sixty-four-bit integers.
pub const SIZE_MAX: u64 = (1 << 63) - 1;
