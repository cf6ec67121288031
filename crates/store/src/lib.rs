//! What the server keeps: SQLite for rows, ledger, lease and the newest checkpoint; files for tiles.
//!
//! **In scope**: [`Store`], which implements the traits of those who call it (`engine`'s `RequestStore`, `Ledger` and
//! `Directory`, `tlog`'s `TileStore` and `CheckpointLock`, `identity`'s `KeySet`), the same of the log
//! of certificates as [`CertificateLog`] and of that of Rekor v1 as [`PromisedRows`], the schema with its migrations,
//! the lease, and the rows of profiles, principals, grants and credentials. All SQL is text under `sql/`, one file a
//! statement.
//!
//! **Out of scope**: what a row means, and every decision about it.
//!
//! Specifications: SQLite's write-ahead log with `synchronous=FULL` (every transaction that returned is on the disk),
//! C2SP `tlog-tiles` for the names of the files under `tiles/`.

mod checkpoint;
mod closed;
mod credentials;
mod directory;
mod error;
mod index;
mod index_reader;
mod lease;
mod ledger;
mod listing;
mod logs;
mod principals;
mod profiles;
mod promised;
mod reader;
mod requests;
mod restoration;
mod row;
mod schema;
mod search;
mod shards;
mod sqlite;
mod tiles;

pub use error::{ChangeError, OpenError};
pub use index_reader::{IndexReader, IndexedLog};
pub use lease::Lease;
pub use listing::{ListedRequest, RequestFilter, RequestPage};
pub use logs::{CertificateLog, LogName};
pub use promised::PromisedRows;
pub use reader::{Reader, StoredRequest};
pub use restoration::Restoration;
pub use schema::Schema;
pub use search::{LogFinds, LogQuery};
pub use shards::{FrozenLogs, ShownLog};
pub use sqlite::{DATABASE, Store};
