//! The transparency log, as C2SP tlog-tiles has it read over HTTP.

use std::sync::Arc;

use api::Code;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use tlog::tile::TileFormatError;
use tlog::{TileError, TilePath, TileStore};

use crate::blocking::blocking;
use crate::problem::Refusal;

/// Where the log is read: the signed checkpoint that is shown, and its tiles, which were there before it.
#[derive(Clone)]
pub(crate) struct LogReader {
    pub(crate) tiles: Arc<dyn TileStore>,
}

/// `GET /api/v2/checkpoint`.
pub(crate) async fn checkpoint(State(log): State<LogReader>) -> Result<Response, Refusal> {
    let note = blocking(move || log.checkpoint()).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], note).into_response())
}

/// `GET /api/v2/tile/…`.
pub(crate) async fn tile(
    State(log): State<LogReader>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let path: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|error: TileFormatError| Refusal::new(Code::NotFound, error.to_string()))?;
    let bytes = blocking(move || log.tile(path)).await?;
    // A path has one content, for ever.
    let headers =
        [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, bytes).into_response())
}

impl LogReader {
    fn checkpoint(&self) -> Result<String, Refusal> {
        match self.tiles.published() {
            Ok(Some(note)) => Ok(note),
            Ok(None) => Err(Refusal::new(Code::NotFound, "the log has no signed checkpoint yet")),
            Err(error) => Err(Refusal::unavailable("the log's checkpoint cannot be read now", error)),
        }
    }

    fn tile(&self, path: TilePath) -> Result<Vec<u8>, Refusal> {
        match self.tiles.read(&[path]).into_iter().next() {
            Some(Ok(bytes)) => Ok(bytes),
            None | Some(Err(TileError::Missing { .. })) => {
                Err(Refusal::new(Code::NotFound, format!("there is no `{path}`")))
            }
            Some(Err(error)) => Err(Refusal::unavailable("the tile cannot be read now", error)),
        }
    }
}
