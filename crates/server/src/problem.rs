//! Refusals: the one place where whatever goes wrong becomes a problem that a client reads (RFC 9457).
//!
//! What a client did is told with its cause. What broke in here is told in one sentence, and its cause goes to the
//! trace, under the id that the client gets.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Problem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{StoreError, SubmitError};
use identity::AuthenticationError;
use serde::Serialize;
use store::ChangeError;

use crate::dialect::{Dialect, Status};

/// Why a call is not answered as it was meant. It becomes a response at the door, which knows the call's id.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) problem: Box<Problem>,
    retry_after: Option<Duration>,
    /// Where what was asked for is already.
    location: Option<HeaderValue>,
    /// As what it is counted, where whoever called proved nothing.
    pub(crate) stranger: Option<&'static str>,
    /// What only the trace may know.
    pub(crate) cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// When to come back where nobody knows better.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after = matches!(code, Code::Busy | Code::Unavailable).then_some(RETRY_AFTER);
        let problem = Box::new(Problem::new(code, detail));
        Self { problem, retry_after, location: None, stranger: None, cause: None }
    }

    /// A fault of avouch: the client learns that there is one, the trace learns what it is.
    pub(crate) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let detail = "avouch failed at this call; its log has the cause under the id of this answer";
        Self::new(Code::Internal, detail).because(Arc::new(cause))
    }

    /// Something that is needed cannot be reached.
    pub(crate) fn unavailable(detail: &str, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Code::Unavailable, format!("{detail}: try again")).because(Arc::new(cause))
    }

    /// Refused to whoever calls, before anybody asked who that is.
    pub(crate) fn unproven(self) -> Self {
        self.counted_as(None)
    }

    fn counted_as(self, word: Option<&'static str>) -> Self {
        let word = word.unwrap_or_else(|| self.problem.code.word());
        Self { stranger: Some(word), ..self }
    }

    fn because(self, cause: Arc<dyn Error + Send + Sync>) -> Self {
        Self { cause: Some(cause), ..self }
    }

    pub(crate) fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// What was asked for is there already, and here.
    pub(crate) fn at(self, location: HeaderValue) -> Self {
        Self { location: Some(location), ..self }
    }

    /// The response, for the call with this id.
    pub(crate) fn respond(mut self, call: &str, dialect: Dialect) -> Response {
        self.problem.request = Some(call.to_owned());
        let mut response = match dialect {
            Dialect::Problem => {
                let status =
                    StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                told(status, "application/problem+json", &self.problem)
            }
            Dialect::Status | Dialect::Log | Dialect::RekorV1 => {
                let (status, body) = Status::of(dialect, self.problem.code, &self.problem.detail);
                told(status, "application/json", &body)
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.problem.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"avouch\""));
        }
        if let Some(location) = self.location {
            headers.insert(header::LOCATION, location);
        }
        if let Some(after) = self.retry_after {
            // Rounded up: a client that comes back too early is turned away again.
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(after.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)),
            );
        }
        response
    }
}

fn told(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

impl IntoResponse for Refusal {
    /// An empty response that carries the refusal to the door.
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AuthenticationError> for Refusal {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Unavailable(_) => {
                Self::new(Code::Unavailable, error.to_string()).because(Arc::new(error))
            }
            error => Self::new(Code::Unauthenticated, error.to_string()).counted_as(error.word()),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { .. } => Self::internal(error),
            error => Self::unavailable("the store cannot be read or written now", error),
        }
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Taken { .. } => Self::new(Code::Conflict, error.to_string()),
            ChangeError::Unknown { .. } => Self::new(Code::NotFound, error.to_string()),
            ChangeError::Store(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        let text = words(&error);
        match error {
            SubmitError::Busy { retry_after } | SubmitError::Draining { retry_after } => {
                Self::new(Code::Busy, text).after(retry_after)
            }
            SubmitError::Request(_)
            | SubmitError::Items(_)
            | SubmitError::NotSigning
            | SubmitError::IdempotencyKey
            | SubmitError::OtherItems { .. }
            | SubmitError::Item { .. }
            | SubmitError::Field { .. }
            | SubmitError::Period { .. }
            | SubmitError::Time { .. }
            | SubmitError::Endorsement(_)
            | SubmitError::Excluded(_) => Self::new(Code::BadRequest, text),
            SubmitError::NoProfile { .. } | SubmitError::NotFound { .. } => Self::new(Code::NotFound, text),
            SubmitError::Stale { profile, .. } => {
                let mut refusal = Self::new(Code::Stale, text);
                refusal.problem.profile = Some(crate::views::profile(*profile));
                refusal
            }
            SubmitError::Conflict { .. } => Self::new(Code::Conflict, text),
            SubmitError::NotWaiting { .. } | SubmitError::TooManyEndorsements { .. } => {
                Self::new(Code::NotWaiting, text)
            }
            SubmitError::NotRequester { .. } => Self::new(Code::Forbidden, text),
            SubmitError::Policy { .. } => Self::new(Code::Unavailable, text),
            SubmitError::Unavailable { ref source, .. } => {
                let cause = Arc::clone(source);
                Self::new(Code::Unavailable, error.to_string()).because(cause)
            }
            error => Self::internal(error),
        }
    }
}

/// An error and its causes in one line, for whoever made it happen.
pub(crate) fn words(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        match error.downcast_ref::<serde_json::Error>() {
            Some(error) => text.push_str(&json_words(error)),
            None => text.push_str(&error.to_string()),
        }
        next = error.source();
    }
    text
}

/// What is wrong with JSON, without the names that types have in here.
pub(crate) fn json_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!("at line {} column {}", error.line(), error.column());
    let said = text.split(" at line ").next().unwrap_or_default();
    // What was found is the client's own; what was expected is the name of a type.
    let said = if said.starts_with("invalid ") {
        said.split(", expected ").next().unwrap_or_default()
    } else {
        said
    };
    if error.line() == 0 { said.to_owned() } else { format!("{said} {at}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use super::*;

    #[test]
    fn what_is_wrong_with_json_is_told_without_the_names_of_types() {
        let table = [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{}", "missing field `request` at line 1 column 2"),
            ("[]", "invalid length 0 at line 1 column 2"),
            ("7", "invalid type: integer `7` at line 1 column 1"),
            (r#"{"request":7,"items":[]}"#, "invalid type: integer `7` at line 1 column 12"),
            (
                r#"{"request":"","items":[],"again":"yes"}"#,
                "invalid type: string \"yes\" at line 1 column 38",
            ),
            (
                r#"{"request":"","items":[],"more":1}"#,
                "unknown field `more`, expected one of `request`, `items`, `again` at line 1 column 31",
            ),
            (r#"{"request":"","request":""}"#, "duplicate field `request` at line 1 column 23"),
        ];
        for (json, expected) in table {
            let error = serde_json::from_str::<api::Submission>(json).unwrap_err();
            assert_eq!(json_words(&error), expected, "{json}");
            assert!(!json_words(&error).contains("struct"), "{json}");
        }
    }

    #[test]
    fn a_full_queue_says_when_to_come_back_and_a_stranger_what_to_bring() {
        let busy = Refusal::from(SubmitError::Busy { retry_after: Duration::from_millis(1_200) })
            .respond("call", Dialect::Problem);
        assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(busy.headers()[header::RETRY_AFTER], "2");
        assert_eq!(busy.headers()[header::CONTENT_TYPE], "application/problem+json");
        let stranger = Refusal::from(AuthenticationError::Missing).respond("call", Dialect::Problem);
        assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(stranger.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"avouch\"");
        assert_eq!(stranger.headers().get(header::RETRY_AFTER), None);
    }

    #[test]
    fn what_broke_in_here_goes_to_the_trace_and_not_to_the_client() {
        let cause = std::io::Error::other("/var/lib/avouch/store.sqlite: disk I/O error");
        let error = SubmitError::Unavailable { what: "the store", source: Arc::new(cause) };
        let refusal = Refusal::from(error);
        assert_eq!(
            refusal.problem.detail,
            "signing is not possible now: the store cannot do its part; ask again later, it stays the same request"
        );
        assert!(refusal.cause.is_some());
    }
}
