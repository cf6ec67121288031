//! The API of Rekor v1, as far as clients use it that know no later one: `hashedrekord` 0.0.1, in a log of its own. There is
//! nothing here unless the registry has a key of form `set`.

use std::sync::Arc;

use api::Code;
use authority::{Appended, Promised, PromisedError, PromisedLog};
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use envelope::rekor::SUBMISSION_BYTES_MAX;
use envelope::rekor_v1::{Answer, EntryId, NotAnEntryId, ProposedEntry, ProposedError, answer};
use serde::{Deserialize, Serialize};
use signer::RefusalCode;
use store::Store;

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::body;
use crate::problem::{Refusal, words};
use crate::routes::log::entries::EntryCounter;

pub(crate) mod log;
pub(crate) mod search;

/// Takes and shows entries of the log of Rekor v1.
#[derive(Clone)]
pub(crate) struct RekorV1Counter {
    pub(crate) log: Arc<PromisedLog>,
    /// Where entries are found by what they tell.
    pub(crate) store: Arc<Store>,
    /// Lets in who may bring entries: the same as of the transparency log, and out of the same bounds.
    pub(crate) entries: EntryCounter,
}

/// Which entry.
#[derive(Deserialize)]
pub(crate) struct At {
    #[serde(rename = "logIndex")]
    index: u64,
}

/// `POST /api/v1/log/entries`.
pub(crate) async fn create(
    State(counter): State<RekorV1Counter>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let entries = &counter.entries;
    let mut place = entries.admit(&parts.headers, peer).await?;
    let bytes =
        body::within(&mut place, &parts.headers, body, SUBMISSION_BYTES_MAX, entries.limits.body).await?;
    let log = Arc::clone(&counter.log);
    let appended = blocking(move || {
        let appended = log.append(ProposedEntry::parse(&bytes)?)?;
        drop(place);
        Ok::<_, Refusal>(appended)
    })
    .await?;
    match appended {
        Appended::New(promised) => {
            entries.strangers.count_logged();
            let answered = answered(&promised)?;
            let at = [(LOCATION, location(&promised.id)), (ETAG, header(&promised.id.to_string()))];
            Ok((StatusCode::CREATED, at, json(&answered)).into_response())
        }
        // Clients follow the header to it.
        Appended::Before(id) => {
            let text = format!("an equivalent entry already exists in the transparency log with UUID {id}");
            Err(Refusal::new(Code::Conflict, text).at(location(&id)))
        }
    }
}

/// `GET /api/v1/log/entries?logIndex=…`.
pub(crate) async fn at_index(
    State(counter): State<RekorV1Counter>,
    at: Result<Query<At>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(At { index }) = at.map_err(|error| Refusal::new(Code::BadRequest, error.body_text()))?;
    let found = blocking(move || counter.log.entry(index)).await?;
    let found = found.ok_or_else(|| Refusal::new(Code::NotFound, format!("the log has no entry {index}")))?;
    Ok(json(&answered(&found)?))
}

/// `GET /api/v1/log/entries/{id}`.
pub(crate) async fn named(
    State(counter): State<RekorV1Counter>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id: EntryId =
        id.parse().map_err(|error: NotAnEntryId| Refusal::new(Code::BadRequest, words(&error)))?;
    let found = blocking(move || counter.log.find(&id)).await?;
    let found = found.ok_or_else(|| Refusal::new(Code::NotFound, format!("the log has no entry {id}")))?;
    Ok(json(&answered(&found)?))
}

/// The entry as clients read it.
fn answered(promised: &Promised) -> Result<Answer, Refusal> {
    answer(promised.id, &promised.log, &promised.entry, &promised.promise).map_err(Refusal::internal)
}

fn json(body: &impl Serialize) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (headers, serde_json::to_vec(body).unwrap_or_default()).into_response()
}

fn location(id: &EntryId) -> HeaderValue {
    header(&format!("/api/v1/log/entries/{id}"))
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("hexadecimal digits in a path can stand in a header")
}

impl From<ProposedError> for Refusal {
    fn from(error: ProposedError) -> Self {
        Self::new(Code::BadRequest, words(&error))
    }
}

impl From<PromisedError> for Refusal {
    fn from(error: PromisedError) -> Self {
        const NOT_NOW: &str = "the log of Rekor v1 cannot answer now";
        match error {
            PromisedError::Off => Self::new(Code::NotFound, error.to_string()),
            // A key that was rotated or suspended a moment ago is not the one that is looked at next.
            PromisedError::Refused(ref refusal)
                if refusal.code.is_transient() || refusal.code == RefusalCode::Key =>
            {
                Self::unavailable(NOT_NOW, error)
            }
            PromisedError::Unreachable(_)
            | PromisedError::Store(_)
            | PromisedError::Log(_)
            | PromisedError::Index
            | PromisedError::Disagreement { .. } => Self::unavailable(NOT_NOW, error),
            error => Self::internal(error),
        }
    }
}
