//! `GET /v1/log/search`: entries of the log by what they tell, each with its inclusion proof.

use std::sync::Arc;

use api::{Code, FoundEntry, LogSearch};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use model::{Base64, Digest, Instant, KeyId};
use serde::Deserialize;
use store::{LogQuery, Store};
use tlog::{Checkpoint, PublishedLog, TileStore};
use tokio::sync::Semaphore;

use crate::blocking::blocking;
use crate::problem::Refusal;

/// Entries on a page.
const PAGE_MAX: usize = 64;
/// A text that is looked for.
const TEXT_BYTES_MAX: usize = 2_048;

/// Searches at a time. Who comes after them is told to come back.
const SEARCHES_MAX: usize = 4;

/// Searches the log for anybody, a few at a time.
#[derive(Clone)]
pub(crate) struct SearchCounter {
    store: Arc<Store>,
    places: Arc<Semaphore>,
}

impl SearchCounter {
    pub(crate) fn over(store: Arc<Store>) -> Self {
        Self { store, places: Arc::new(Semaphore::new(SEARCHES_MAX)) }
    }
}

/// What is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    identity: Option<String>,
    issuer: Option<String>,
    digest: Option<String>,
    key: Option<String>,
    since: Option<Instant>,
    until: Option<Instant>,
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

/// `GET /v1/log/search`.
pub(crate) async fn search(
    State(counter): State<SearchCounter>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(wanted) = wanted.map_err(|error| Refusal::new(Code::BadRequest, error.body_text()))?;
    let query = wanted.read()?;
    let place = Arc::clone(&counter.places).try_acquire_owned();
    let place =
        place.map_err(|_| Refusal::new(Code::Busy, "the log is being searched by others: try again"))?;
    let found = blocking(move || {
        let found = find(&counter.store, &query);
        drop(place);
        found
    })
    .await?;
    Ok(([(CACHE_CONTROL, "no-cache")], Json(found)).into_response())
}

impl Wanted {
    fn read(self) -> Result<LogQuery, Refusal> {
        let bad = |detail: &str| Refusal::new(Code::BadRequest, detail);
        let Self { identity, issuer, digest, key, since, until, from, limit } = self;
        if [&identity, &issuer].into_iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(bad("no identity and no issuer is as long as that"));
        }
        let digest = digest.map(|text| read_digest(&text)).transpose()?;
        let key = key.map(|text| read_key(&text)).transpose()?;
        let texts = identity.is_some() || issuer.is_some() || digest.is_some();
        if !texts && key.is_none() && since.is_none() && until.is_none() {
            return Err(bad(
                "name what is looked for: `identity`, `issuer`, `digest`, `key`, `since` or `until`",
            ));
        }
        let count = limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        Ok(LogQuery { identity, issuer, digest, key, since, until, from, count })
    }
}

/// A digest in hexadecimal, with or without the name of its hash.
fn read_digest(text: &str) -> Result<Vec<u8>, Refusal> {
    let digits = text.rsplit(':').next().unwrap_or_default();
    let digest = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
    digest.filter(|digest| [32, 48, 64].contains(&digest.len())).ok_or_else(|| {
        Refusal::new(Code::BadRequest, "`digest` is hexadecimal, such as `sha256:` and 64 digits")
    })
}

/// A key by the SHA-256 of its SubjectPublicKeyInfo: in hexadecimal, as an id of ours, or as bundles hint at it.
fn read_key(text: &str) -> Result<KeyId, Refusal> {
    let digits = text.strip_prefix("key_").unwrap_or(text);
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).or_else(|_| BASE64.decode(text.as_bytes()));
    let digest = bytes.ok().and_then(|bytes| Digest::from_slice(&bytes));
    digest.map(KeyId::new).ok_or_else(|| {
        Refusal::new(
            Code::BadRequest,
            "`key` is the SHA-256 of a SubjectPublicKeyInfo, in hexadecimal or base64",
        )
    })
}

fn find(store: &Store, query: &LogQuery) -> Result<LogSearch, Refusal> {
    let unreadable = |error| Refusal::unavailable("the log cannot be read now", error);
    let note =
        store.published().map_err(|error| Refusal::unavailable("the log cannot be read now", error))?;
    let note = note.ok_or_else(|| Refusal::new(Code::NotFound, "the log has no signed checkpoint yet"))?;
    let text = tlog::note::Note::parse(&note).map_err(Refusal::internal)?;
    let checkpoint = Checkpoint::parse(text.text()).map_err(Refusal::internal)?;
    let finds = store.search_log(checkpoint.origin(), checkpoint.size(), query)?;
    let log = PublishedLog::new(store, checkpoint);
    let mut entries = Vec::with_capacity(finds.indices.len());
    for index in finds.indices {
        let (body, path) = log.entry(index).map_err(unreadable)?;
        entries.push(FoundEntry { index, body: Base64(body), path });
    }
    Ok(LogSearch { checkpoint: note, complete_to: finds.reach, entries, next: finds.next })
}
