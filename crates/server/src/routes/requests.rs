//! `/v1/requests`: submitted, looked at, endorsed, withdrawn.

use std::string::FromUtf8Error;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, EndorsementSubmission, Page, RequestContent, RequestLine, RequestState, Submission};
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use engine::{Repeat, SubmitError, View};
use model::{RequestId, Space};
use serde::Deserialize;
use store::{ListedRequest, RequestFilter};

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::body;
use crate::problem::Refusal;
use crate::signing::Signing;
use crate::views;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `POST /v1/requests?wait=`.
pub(crate) async fn submit(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut place = signing.callers.turnstile.admit()?;
    let caller = signing.callers.of(&headers, peer).await?;
    let wait = wait(&uri, signing.limits.wait)?;
    let idempotency_key = idempotency_key(&headers)?;
    let (bytes_max, limit) = (body::SUBMISSION_BYTES_MAX, signing.limits.body);
    let sent: Submission = body::json_within(&mut place, &headers, body, bytes_max, limit).await?;
    let submission = engine::Submission {
        request: sent.request.into_bytes(),
        items: sent.items.into_iter().map(String::into_bytes).collect(),
        idempotency_key,
        repeat: if sent.again { Repeat::Again } else { Repeat::Same },
    };
    signing.submit(caller, submission, wait, place).await.map(answer)
}

/// Which requests are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Option<RequestState>,
    profile: Option<Space>,
    after: Option<RequestId>,
}

/// `GET /v1/requests?state=&profile=&after=`.
pub(crate) async fn list(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Page<RequestLine>>, Refusal> {
    let caller = signing.callers.of(&headers, peer).await?;
    let query = Query::<ListQuery>::try_from_uri(&uri);
    let Query(query) = query.map_err(|error| Refusal::new(Code::Malformed, list_words(&error)))?;
    let ListQuery { state, profile, after } = query;
    let filter = RequestFilter { state, profile, after };
    let store = Arc::clone(&signing.store);
    let may_see = move |one: &ListedRequest| engine::sees(&caller, &one.requester, &one.profile);
    let page = blocking(move || store.request_page(&filter, may_see)).await?;
    let items = page.requests.into_iter().map(views::line).collect();
    Ok(Json(Page { items, next: page.next.map(|id| id.to_string()) }))
}

/// What is wrong with a query, without the words of whoever reads it.
fn list_words(error: &QueryRejection) -> String {
    let text = error.body_text();
    let text = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, what)| what);
    format!("{text}; this path takes `state`, `profile` and `after`")
}

/// `GET /v1/requests/{id}?wait=`.
pub(crate) async fn look(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = signing.callers.of(&headers, peer).await?;
    let wait = wait(&uri, signing.limits.wait)?;
    signing.look(caller, request_id(&id)?, wait).await.map(answer)
}

/// `GET /v1/requests/{id}/content`.
pub(crate) async fn content(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<RequestContent>, Refusal> {
    let caller = signing.callers.of(&headers, peer).await?;
    let row = signing.content(caller, request_id(&id)?).await?;
    let content = || {
        let request = String::from_utf8(row.request)?;
        let texts =
            |many: Vec<Vec<u8>>| many.into_iter().map(String::from_utf8).collect::<Result<Vec<_>, _>>();
        Ok(RequestContent { request, items: texts(row.items)?, endorsements: texts(row.endorsements)? })
    };
    content().map(Json).map_err(|error: FromUtf8Error| Refusal::internal(error))
}

/// `POST /v1/requests/{id}/endorsements`.
pub(crate) async fn endorse(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut place = signing.callers.turnstile.admit()?;
    let caller = signing.callers.of(&headers, peer).await?;
    let id = request_id(&id)?;
    let (bytes_max, limit) = (body::SMALL_BYTES_MAX, signing.limits.body);
    let sent: EndorsementSubmission = body::json_within(&mut place, &headers, body, bytes_max, limit).await?;
    signing.endorse(caller, id, sent.endorsement.into_bytes(), place).await.map(answer)
}

/// `POST /v1/requests/{id}/withdrawal`.
pub(crate) async fn withdraw(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let place = signing.callers.turnstile.admit()?;
    let caller = signing.callers.of(&headers, peer).await?;
    signing.withdraw(caller, request_id(&id)?, place).await.map(answer)
}

/// `200` for what is final, `202` for what goes on.
fn answer(view: View) -> Response {
    let status = if view.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(views::request(view))).into_response()
}

fn request_id(text: &str) -> Result<RequestId, Refusal> {
    let shown: String = text.chars().take(64).collect();
    text.parse()
        .map_err(|_| Refusal::new(Code::NotFound, format!("`{shown}` is not the id of a request: `req_…`")))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let text = headers.get(IDEMPOTENCY_KEY).map(|value| value.to_str().map(str::to_owned));
    text.transpose().map_err(|_| SubmitError::IdempotencyKey.into())
}

/// How long the client wants to wait: whole seconds, no longer than it may.
fn wait(uri: &Uri, longest: Duration) -> Result<Duration, Refusal> {
    let mut asked = Duration::ZERO;
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).take(8) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name != "wait" {
            let name: String = name.chars().take(64).collect();
            return Err(Refusal::new(
                Code::Malformed,
                format!("`{name}` is not known here; this path takes `wait`"),
            ));
        }
        let seconds: u64 = value.parse().map_err(|_| {
            Refusal::new(Code::Malformed, "`wait` must be a number of seconds, such as `wait=30`")
        })?;
        asked = Duration::from_secs(seconds);
    }
    Ok(asked.min(longest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use super::*;

    #[test]
    fn a_wait_is_whole_seconds_within_bounds() {
        let ask = |uri: &'static str| {
            wait(&Uri::from_static(uri), Duration::from_secs(60)).map_err(|refusal| refusal.problem.detail)
        };
        assert_eq!(ask("/v1/requests"), Ok(Duration::ZERO));
        assert_eq!(ask("/v1/requests?wait=30"), Ok(Duration::from_secs(30)));
        assert_eq!(ask("/v1/requests?wait=9000"), Ok(Duration::from_secs(60)));
        assert_eq!(
            ask("/v1/requests?wait=-1").unwrap_err(),
            "`wait` must be a number of seconds, such as `wait=30`"
        );
        assert_eq!(
            ask("/v1/requests?waste=1").unwrap_err(),
            "`waste` is not known here; this path takes `wait`"
        );
    }
}
