//! Entries that others ask for: Rekor v2's `POST /api/v2/log/entries`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use api::Code;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use engine::{Engine, EntryError};
use envelope::rekor::{SUBMISSION_BYTES_MAX, SubmittedBody, SubmittedError, answer};
use model::receipt::LogEntry;
use store::FrozenLogs;
use tokio::sync::oneshot;

use crate::accept::Peer;
use crate::blocking::{AT_ONCE_BYTES_MAX, blocking};
use crate::body;
use crate::caller::Callers;
use crate::config::{Limits, LogSubmissions};
use crate::dialect::FROZEN;
use crate::problem::{Refusal, words};
use crate::sources::Sources;
use crate::strangers::Strangers;
use crate::turnstile::{Place, Turnstile};

/// Takes entries from outside.
#[derive(Clone)]
pub(crate) struct EntryCounter {
    pub(crate) engine: Engine,
    pub(crate) callers: Callers,
    pub(crate) sources: Arc<Sources>,
    /// Bounds what is on its way: signatures stand in one queue with entries, behind no more of them than this lets in.
    pub(crate) turnstile: Arc<Turnstile>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) frozen: FrozenLogs,
    pub(crate) limits: Limits,
}

/// `POST /api/v2/log/entries`.
pub(crate) async fn log_entry(
    State(counter): State<EntryCounter>,
    uri: Uri,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if super::frozen_at(&counter.frozen, &uri, &parts.headers).is_some() {
        return Err(Refusal::new(Code::ReadOnly, FROZEN));
    }
    let place = counter.admit(&parts.headers, peer).await?;
    let entry = counter.log(place, &parts.headers, body).await?;
    let key =
        counter.engine.log_key_of(&entry.checkpoint).ok_or_else(|| Refusal::new(Code::ReadOnly, FROZEN))?;
    let json = answer(&key.log_id(), &entry).map_err(Refusal::internal)?;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, json).into_response())
}

impl EntryCounter {
    /// A place for an entry of whoever calls, if they may bring one now. Asked before anything is read.
    pub(crate) async fn admit(&self, headers: &HeaderMap, peer: Peer) -> Result<Place, Refusal> {
        let source = peer.source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        match self.limits.entries_from {
            LogSubmissions::Anybody => {}
            LogSubmissions::Callers => drop(self.callers.of(headers, peer).await?),
            LogSubmissions::Nobody => {
                let detail =
                    "this log takes no entries but those of the signatures that its own platform makes";
                return Err(Refusal::new(Code::Forbidden, detail));
            }
        }
        self.sources.admit(source).map_err(|after| {
            Refusal::new(Code::TooMany, "this address brings more entries than the log takes from one")
                .after(after)
        })?;
        self.turnstile.admit_from(Some(source))
    }

    async fn log(&self, mut place: Place, headers: &HeaderMap, body: Body) -> Result<LogEntry, Refusal> {
        let bytes = body::within(&mut place, headers, body, SUBMISSION_BYTES_MAX, self.limits.body).await?;
        let (told, answered) = oneshot::channel();
        let (engine, length) = (self.engine.clone(), bytes.len());
        let log = move || {
            let body = SubmittedBody::parse(&bytes)?;
            drop(bytes);
            engine.log(
                body,
                Box::new(move |entry| {
                    // Whoever has gone away asks again, or does not want it; the place is free only now.
                    drop(place);
                    let _ = told.send(entry);
                }),
            );
            Ok::<_, SubmittedError>(())
        };
        if length <= AT_ONCE_BYTES_MAX {
            log()?
        } else {
            blocking(log).await?
        }
        let entry = answered
            .await
            .map_err(|_| Refusal::new(Code::Unavailable, "the log is going down: try again"))??;
        self.strangers.count_logged();
        Ok(entry)
    }
}

impl From<SubmittedError> for Refusal {
    fn from(error: SubmittedError) -> Self {
        Self::new(Code::BadRequest, words(&error))
    }
}

impl From<EntryError> for Refusal {
    fn from(error: EntryError) -> Self {
        let text = error.to_string();
        match error {
            EntryError::Busy { retry_after } | EntryError::Closed { retry_after } => {
                Self::new(Code::Busy, text).after(retry_after)
            }
            error => Self::unavailable("the log cannot be written now", error),
        }
    }
}
