//! The door: every call gets an id, a line in the trace and a count; every refusal becomes a problem here.

use std::sync::Arc;
use std::time::Instant;

use api::Code;
use aws_lc_rs::rand;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use tracing::{Instrument, error, info, info_span, warn};

use crate::dialect::Dialect;
use crate::problem::{Refusal, words};
use crate::strangers::Strangers;
use crate::telemetry::Telemetry;

const CALL_ID: HeaderName = HeaderName::from_static("x-request-id");
const CALL_ID_BYTES_MAX: usize = 64;

/// What stands at a door.
#[derive(Clone)]
pub(crate) struct Sentry {
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) visitors: Visitors,
    pub(crate) access: Access,
}

/// What is let through.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Everything.
    Full,
    /// What only reads; and why.
    Reads(Arc<str>),
}

/// Who comes through a door.
#[derive(Clone)]
pub(crate) enum Visitors {
    /// Callers, who prove who they are; who does not is counted.
    Callers(Arc<Strangers>),
    /// Anybody: whoever is refused is counted.
    Public(Arc<Strangers>),
    /// Nobody but whoever runs this server.
    Own,
}

/// Sees every call in and out.
pub(crate) async fn pass(State(sentry): State<Sentry>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let call = call_id(request.headers());
    let route = route(&request);
    let dialect = Dialect::of(request.uri().path());
    let span = info_span!("call", id = %call, method = %request.method(), route);
    let mut response = match sentry.turn_away(request.method()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).instrument(span.clone()).await,
    };
    let refusal = response.extensions_mut().remove::<Refusal>().or_else(|| unreadable(&response));
    let code = refusal.as_ref().map_or("ok", |refusal| refusal.problem.code.word());
    if let Some(refusal) = refusal {
        span.in_scope(|| trace(&refusal));
        sentry.visitors.count(&refusal);
        // What the router says of the methods that a path has.
        let allow = response.headers_mut().remove(ALLOW);
        response = refusal.respond(&call, dialect);
        allow.and_then(|allow| response.headers_mut().insert(ALLOW, allow));
    }
    let took = began.elapsed();
    sentry.telemetry.call(route, code, took);
    span.in_scope(|| {
        info!(status = response.status().as_u16(), code, took_us = took.as_micros(), "answered")
    });
    if let Ok(value) = HeaderValue::from_str(&call) {
        response.headers_mut().insert(CALL_ID, value);
    }
    response
}

impl Sentry {
    /// INVARIANT: where a server only reads, nothing that writes, signs or orders a signature gets past its doors.
    fn turn_away(&self, method: &Method) -> Option<Refusal> {
        let Access::Reads(why) = &self.access else { return None };
        if matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let detail = match self.visitors {
            Visitors::Own => format!("this server only reads: {why}"),
            // How the server is kept is no business of its callers.
            Visitors::Callers(_) | Visitors::Public(_) => {
                "this server only reads until it agrees with its key process, and nothing was recorded: ask its operator, whom `avouch doctor` tells the way forward".to_owned()
            }
        };
        Some(Refusal::new(Code::ReadOnly, detail))
    }
}

impl Visitors {
    fn count(&self, refusal: &Refusal) {
        match self {
            Self::Callers(strangers) => {
                refusal.stranger.inspect(|word| strangers.count(word));
            }
            // What we could not do is no refusal.
            Self::Public(_) if refusal.problem.status >= 500 => {}
            Self::Public(strangers) => strangers.count(refusal.problem.code.word()),
            Self::Own => {}
        }
    }
}

/// The router's own refusal of a path that it cannot decode, which is no problem of ours otherwise.
fn unreadable(response: &Response) -> Option<Refusal> {
    let is_router = response.status().is_client_error();
    is_router.then(|| Refusal::new(Code::NotFound, "the path is not text in UTF-8").unproven())
}

/// What is answered where there is no such path.
pub(crate) async fn no_such_path(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    Refusal::new(Code::NotFound, format!("there is no `{path}` here")).unproven().into_response()
}

/// What is answered where a path has no such method.
pub(crate) async fn no_such_method(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let detail = format!("`{path}` does not take `{}`", request.method());
    Refusal::new(Code::MethodNotAllowed, detail).unproven().into_response()
}

fn trace(refusal: &Refusal) {
    let detail = refusal.problem.detail.as_str();
    match &refusal.cause {
        Some(cause) if refusal.problem.code == Code::Internal => {
            error!(detail, cause = words(&**cause), "a call failed");
        }
        Some(cause) => warn!(detail, cause = words(&**cause), "a call could not be served"),
        None => info!(detail, "a call was refused"),
    }
}

/// The path as it is written in the router: a bounded set of names, whatever clients ask for.
fn route(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned()
}

/// The client's own id for its call, if it is a harmless one, else a new one.
fn call_id(headers: &HeaderMap) -> String {
    let harmless = |text: &&str| {
        (1..=CALL_ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if let Some(id) = headers.get(CALL_ID).and_then(|value| value.to_str().ok()).filter(harmless) {
        return id.to_owned();
    }
    let mut random = [0; 16];
    // Without randomness the id is a plain one: it names a line of the trace, and guards nothing.
    let _ = rand::fill(&mut random);
    HEXLOWER.encode(&random)
}
