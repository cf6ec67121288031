//! Entries of the transparency log, as they are found again.

use model::{Base64, Digest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// `GET /v1/log/search`: entries that fit, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSearch {
    /// The signed checkpoint under which every entry is proven (C2SP tlog-checkpoint).
    pub checkpoint: String,
    /// Of the log's first entries, so many were looked through: the server says that it left out none of them that fits.
    /// Whoever does not take its word reads those entries; all are public.
    pub complete_to: u64,
    /// The entries.
    pub entries: Vec<FoundEntry>,
    /// Where to go on, as `from`; absent where there is nothing more. A page may be empty and say this all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<u64>,
}

/// One of them, with its inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundEntry {
    /// Its index in the log.
    pub index: u64,
    /// The leaf: the canonical Rekor v2 body.
    #[schema(value_type = schema::Base64)]
    pub body: Base64,
    /// The inclusion path to the root that the checkpoint names.
    #[schema(value_type = Vec<schema::Digest>)]
    pub path: Vec<Digest>,
}
