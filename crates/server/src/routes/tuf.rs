//! The TUF repository, below `/tuf`: files that any web server or mirror could have as well.

use std::sync::Arc;

use api::Code;
use authority::{TufRepository, TufRepositoryError};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::trust_root::TrustRootShelf;
use crate::blocking::blocking;
use crate::problem::Refusal;

/// `GET /tuf/{file}`.
pub(crate) async fn metadata(
    State(shelf): State<Arc<TrustRootShelf>>,
    Path(file): Path<String>,
) -> Result<Response, Refusal> {
    serve(shelf.repository(), file).await
}

/// `GET /tuf/targets/{file}`.
pub(crate) async fn target(
    State(shelf): State<Arc<TrustRootShelf>>,
    Path(file): Path<String>,
) -> Result<Response, Refusal> {
    serve(shelf.repository(), format!("targets/{file}")).await
}

async fn serve(repository: Arc<TufRepository>, path: String) -> Result<Response, Refusal> {
    // The one file whose contents change; all others are named by version or digest.
    let caching = if path == "timestamp.json" { "no-cache" } else { "public, max-age=31536000, immutable" };
    let shown: String = path.chars().filter(|character| !character.is_control()).take(128).collect();
    let found = blocking(move || repository.file(&path)).await?;
    let none = || Refusal::new(Code::NotFound, format!("the TUF repository has no `{shown}`"));
    let bytes = found.ok_or_else(none)?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, caching)], bytes.to_vec()).into_response())
}

impl From<TufRepositoryError> for Refusal {
    fn from(error: TufRepositoryError) -> Self {
        Self::unavailable("the TUF repository cannot be read now", error)
    }
}
