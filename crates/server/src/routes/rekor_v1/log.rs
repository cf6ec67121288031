//! The log of Rekor v1 itself: its head, its key, and that it only grew.

use api::Code;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use model::Digest;
use pki::public_key_pem;
use serde::{Deserialize, Serialize};

use super::{RekorV1Counter, json};
use crate::blocking::blocking;
use crate::problem::Refusal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    root_hash: String,
    signed_tree_head: String,
    #[serde(rename = "treeID")]
    tree: String,
    tree_size: u64,
    inactive_shards: [(); 0],
}

/// Between which sizes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sizes {
    #[serde(default = "one")]
    first_size: u64,
    last_size: u64,
}

const fn one() -> u64 {
    1
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    hashes: Vec<String>,
    root_hash: String,
}

/// `GET /api/v1/log`.
pub(crate) async fn head(State(counter): State<RekorV1Counter>) -> Result<Response, Refusal> {
    let head = blocking(move || counter.log.head()).await?;
    Ok(json(&Shown {
        root_hash: head.checkpoint.root().to_string(),
        signed_tree_head: head.note,
        tree: head.tree.to_string(),
        tree_size: head.checkpoint.size(),
        inactive_shards: [],
    }))
}

/// `GET /api/v1/log/proof`.
pub(crate) async fn proof(
    State(counter): State<RekorV1Counter>,
    sizes: Result<Query<Sizes>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Sizes { first_size, last_size }) =
        sizes.map_err(|error| Refusal::new(Code::BadRequest, error.body_text()))?;
    let (path, root) = blocking(move || {
        let size = counter.log.head()?.checkpoint.size();
        if first_size == 0 || first_size > last_size || last_size > size {
            let text = format!(
                "the log has {size} entries: name two sizes with 1 ≤ `firstSize` ≤ `lastSize` ≤ {size}"
            );
            return Err(Refusal::new(Code::BadRequest, text));
        }
        Ok(counter.log.consistency(first_size, last_size)?)
    })
    .await?;
    Ok(json(&Proof { hashes: path.iter().map(Digest::to_string).collect(), root_hash: root.to_string() }))
}

/// `GET /api/v1/log/publicKey`.
pub(crate) async fn public_key(State(counter): State<RekorV1Counter>) -> Result<Response, Refusal> {
    let head = blocking(move || counter.log.head()).await?;
    let headers = [(CONTENT_TYPE, "application/x-pem-file"), (CACHE_CONTROL, "max-age=60")];
    Ok((headers, public_key_pem(&head.key)).into_response())
}
