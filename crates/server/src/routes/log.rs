//! The transparency log, as C2SP tlog-tiles has it read over HTTP: the one that grows, and those that were frozen.
//!
//! A frozen log is read at its origin, where that name leads here, and under `/shards/ORIGIN` in any case.

use std::sync::Arc;

use api::Code;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use store::{FrozenLogs, ShownLog};
use tlog::tile::TileFormatError;
use tlog::{TileError, TilePath, TileStore};

use crate::blocking::blocking;
use crate::problem::Refusal;

pub(crate) mod entries;
pub(crate) mod search;

/// Where logs are read: the signed checkpoint that is shown, and its tiles, which were there before it.
#[derive(Clone)]
pub(crate) struct LogReader {
    pub(crate) tiles: Arc<dyn TileStore>,
    pub(crate) frozen: FrozenLogs,
}

/// One log.
enum Shard {
    Newest(Arc<dyn TileStore>),
    Frozen(ShownLog),
}

/// `GET /api/v2/checkpoint`.
pub(crate) async fn checkpoint(
    State(log): State<LogReader>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    show_checkpoint(log.addressed(&uri, &headers)).await
}

/// `GET /api/v2/tile/…`.
pub(crate) async fn tile(
    State(log): State<LogReader>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    show_tile(log.addressed(&uri, &headers), &path).await
}

/// `GET /shards/{origin}/api/v2/checkpoint`.
pub(crate) async fn shard_checkpoint(
    State(log): State<LogReader>,
    Path(origin): Path<String>,
) -> Result<Response, Refusal> {
    show_checkpoint(log.named(origin).await?).await
}

/// `GET /shards/{origin}/api/v2/tile/…`.
pub(crate) async fn shard_tile(
    State(log): State<LogReader>,
    Path((origin, path)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    show_tile(log.named(origin).await?, &path).await
}

async fn show_checkpoint(shard: Shard) -> Result<Response, Refusal> {
    let note = blocking(move || shard.checkpoint()).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], note).into_response())
}

async fn show_tile(shard: Shard, path: &str) -> Result<Response, Refusal> {
    let path: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|error: TileFormatError| Refusal::new(Code::NotFound, error.to_string()))?;
    let bytes = blocking(move || shard.tile(path)).await?;
    // A path has one content, for ever.
    let headers =
        [(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, bytes).into_response())
}

impl LogReader {
    fn newest(&self) -> Shard {
        Shard::Newest(Arc::clone(&self.tiles))
    }

    /// The log at whose origin the call arrived; the newest, where it arrived at another name.
    fn addressed(&self, uri: &Uri, headers: &HeaderMap) -> Shard {
        frozen_at(&self.frozen, uri, headers).map_or_else(|| self.newest(), Shard::Frozen)
    }

    /// The log of an origin: a frozen one, or the one that grows.
    async fn named(&self, origin: String) -> Result<Shard, Refusal> {
        if let Some(frozen) = self.frozen.find(&origin) {
            return Ok(Shard::Frozen(frozen));
        }
        let newest = self.newest();
        blocking(move || match newest.checkpoint()?.lines().next() {
            Some(own) if own == origin => Ok(newest),
            _ => {
                let shown: String = origin.chars().take(200).collect();
                Err(Refusal::new(Code::NotFound, format!("there is no log `{shown}` here")))
            }
        })
        .await
    }
}

/// The frozen log at whose origin a call arrived.
fn frozen_at(frozen: &FrozenLogs, uri: &Uri, headers: &HeaderMap) -> Option<ShownLog> {
    let header = headers.get(HOST).and_then(|host| host.to_str().ok()?.split(':').next());
    header.or_else(|| uri.host()).and_then(|host| frozen.find(host))
}

impl Shard {
    fn checkpoint(&self) -> Result<String, Refusal> {
        let note = match self {
            Self::Newest(tiles) => tiles.published(),
            Self::Frozen(log) => log.checkpoint(),
        };
        match note {
            Ok(Some(note)) => Ok(note),
            Ok(None) => Err(Refusal::new(Code::NotFound, "the log has no signed checkpoint yet")),
            Err(error) => Err(Refusal::unavailable("the log's checkpoint cannot be read now", error)),
        }
    }

    fn tile(&self, path: TilePath) -> Result<Vec<u8>, Refusal> {
        let read = match self {
            Self::Newest(tiles) => tiles.read(&[path]).into_iter().next(),
            Self::Frozen(log) => Some(log.tile(path)),
        };
        match read {
            Some(Ok(bytes)) => Ok(bytes),
            None | Some(Err(TileError::Missing { .. })) => {
                Err(Refusal::new(Code::NotFound, format!("there is no `{path}`")))
            }
            Some(Err(error)) => Err(Refusal::unavailable("the tile cannot be read now", error)),
        }
    }
}
