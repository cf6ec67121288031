//! The log of certificates, as C2SP static-ct-api has monitors read it: `/ctlog/SHARD/…`, where SHARD is the last part of
//! the log's origin: the one that grows, and those that it succeeded.

use std::sync::Arc;

use api::Code;
use authority::CertificateAuthority;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use model::Digest;
use store::FrozenLogs;
use tlog::tile::TileFormatError;
use tlog::{TileError, TilePath, TileStore};

use crate::blocking::blocking;
use crate::problem::Refusal;

/// What has one content for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Where the log of certificates is read.
#[derive(Clone)]
pub(crate) struct CertificateLogReader {
    pub(crate) tiles: Arc<dyn TileStore>,
    /// Those that came before it, by the last parts of their origins.
    pub(crate) frozen: FrozenLogs,
    pub(crate) authority: Arc<CertificateAuthority>,
}

/// `GET /ctlog/{shard}/checkpoint`.
pub(crate) async fn checkpoint(
    State(log): State<CertificateLogReader>,
    Path(shard): Path<String>,
) -> Result<Response, Refusal> {
    let note = blocking(move || log.shown(&shard)).await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], note).into_response())
}

/// `GET /ctlog/{shard}/tile/…`.
pub(crate) async fn tile(
    State(log): State<CertificateLogReader>,
    Path((shard, path)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let path: TilePath = format!("tile/{path}")
        .parse()
        .map_err(|error: TileFormatError| Refusal::new(Code::NotFound, error.to_string()))?;
    let bytes = blocking(move || log.tile(&shard, path)).await?;
    Ok(([(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// `GET /ctlog/{shard}/issuer/{fingerprint}`: a certificate that entries name.
pub(crate) async fn issuer(
    State(log): State<CertificateLogReader>,
    Path((shard, fingerprint)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let none = || Refusal::new(Code::NotFound, "no entry of this log names such an issuer");
    let fingerprint: Digest = fingerprint.parse().map_err(|_| none())?;
    let der = blocking(move || {
        log.shown(&shard)?;
        let found = log.authority.certificate(&fingerprint).map_err(Refusal::from)?;
        found.map(|certificate| certificate.der().to_vec()).ok_or_else(none)
    })
    .await?;
    Ok(([(CONTENT_TYPE, "application/pkix-cert"), (CACHE_CONTROL, FOR_EVER)], der).into_response())
}

impl CertificateLogReader {
    /// The checkpoint that this shard shows.
    fn shown(&self, shard: &str) -> Result<String, Refusal> {
        let read = match self.frozen.find(shard) {
            Some(frozen) => frozen.checkpoint(),
            None => self.tiles.published(),
        };
        let note =
            read.map_err(|error| Refusal::unavailable("the log's checkpoint cannot be read now", error))?;
        let is_of = |note: &String| {
            let origin = note.lines().next().unwrap_or_default();
            origin.rsplit('/').next() == Some(shard)
        };
        note.filter(is_of).ok_or_else(|| {
            let shown: String = shard.chars().take(64).collect();
            Refusal::new(Code::NotFound, format!("there is no log of certificates `{shown}` here"))
        })
    }

    fn tile(&self, shard: &str, path: TilePath) -> Result<Vec<u8>, Refusal> {
        self.shown(shard)?;
        let read = match self.frozen.find(shard) {
            Some(frozen) => Some(frozen.tile(path)),
            None => self.tiles.read(&[path]).into_iter().next(),
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
