//! The paths of the issuer for development (OpenID Connect Core 1.0 §3.1, with proof keys), and one that gives tests a
//! token at once.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use model::Clock;
use serde::Deserialize;
use serde_json::json;

use crate::development::{DevelopmentIssuer, PATH, Wish};

/// The issuer and its clock.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) issuer: Arc<DevelopmentIssuer>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a browser is sent to log in with.
#[derive(Debug, Deserialize)]
struct Login {
    client_id: String,
    redirect_uri: String,
    state: String,
    response_type: String,
    #[serde(default)]
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
    /// In whose name; the first time nobody has said.
    #[serde(default)]
    email: Option<String>,
}

/// What somebody wants a token by.
#[derive(Debug, Deserialize)]
#[serde(tag = "grant_type")]
enum Grant {
    #[serde(rename = "authorization_code")]
    Code { code: String, client_id: String, redirect_uri: String, code_verifier: String },
    /// For tests: a name is enough.
    #[serde(rename = "urn:avouch:development")]
    Name { email: String, client_id: String },
}

pub(crate) fn router(desk: Desk) -> Router {
    let at = |path: &str| format!("{PATH}{path}");
    Router::new()
        .route(&at("/.well-known/openid-configuration"), get(discover))
        .route(&at("/keys"), get(keys))
        .route(&at("/auth"), get(log_in))
        .route(&at("/token"), post(token))
        .with_state(desk)
}

/// The issuer's URL, by the port at which it is called.
///
/// INVARIANT: it is called as loopback and never by another name: a page of somebody else's whose name leads here (DNS
/// rebinding) is not answered.
fn own_url(headers: &HeaderMap) -> Result<String, Bad> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    match host.rsplit_once(':') {
        Some(("localhost" | "127.0.0.1" | "[::1]", port)) if port.parse::<u16>().is_ok() => {
            Ok(format!("http://localhost:{port}{PATH}"))
        }
        _ => Err(bad("the issuer for development is called at `localhost` and a port")),
    }
}

/// What is answered to a call that nobody makes by mistake twice.
type Bad = (StatusCode, &'static str);

const fn bad(detail: &'static str) -> Bad {
    (StatusCode::BAD_REQUEST, detail)
}

async fn discover(headers: HeaderMap) -> Result<Response, Bad> {
    let url = own_url(&headers)?;
    let document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
    });
    Ok(Json(document).into_response())
}

async fn keys(State(desk): State<Desk>) -> Response {
    Json(desk.issuer.jwks()).into_response()
}

async fn log_in(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Query(login): Query<Login>,
) -> Result<Response, Bad> {
    own_url(&headers)?;
    if !is_loopback(&login.redirect_uri) {
        return Err(bad("the issuer for development sends codes to loopback alone"));
    }
    if login.response_type != "code" || login.code_challenge_method != "S256" {
        return Err(bad("the issuer for development gives codes, bound by `S256`"));
    }
    let Some(email) = login.email.clone().filter(|email| !email.is_empty()) else { return Ok(page(&login)) };
    let wish = Wish { email, client: login.client_id, nonce: login.nonce };
    let code = desk.issuer.code(wish, &login.redirect_uri, &login.code_challenge, desk.clock.now());
    let joint = if login.redirect_uri.contains('?') { '&' } else { '?' };
    let back = format!("{}{joint}code={code}&state={}", login.redirect_uri, escape_query(&login.state));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, back)]).into_response())
}

async fn token(State(desk): State<Desk>, headers: HeaderMap, body: String) -> Result<Response, Bad> {
    let url = own_url(&headers)?;
    let now = desk.clock.now();
    // A form is written as a query is.
    let uri: Option<Uri> = format!("/?{body}").parse().ok();
    let grant = uri.and_then(|uri| Query::<Grant>::try_from_uri(&uri).ok());
    let Some(Query(grant)) = grant else { return Ok(refused("invalid_request")) };
    let wish = match grant {
        Grant::Code { code, client_id, redirect_uri, code_verifier } => {
            desk.issuer.redeem(&code, &client_id, &redirect_uri, &code_verifier, now)
        }
        Grant::Name { email, client_id } => Some(Wish { email, client: client_id, nonce: None }),
    };
    let token = wish.and_then(|wish| desk.issuer.token(&url, &wish, now));
    let Some(token) = token else { return Ok(refused("invalid_grant")) };
    let answer =
        json!({"id_token": token, "access_token": "none", "token_type": "Bearer", "expires_in": 300});
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// RFC 6749 §5.2.
fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

fn is_loopback(redirect: &str) -> bool {
    let host = redirect.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next());
    let host = host.and_then(|host| host.rsplit_once(':')).map(|(host, _)| host);
    matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
        && redirect.chars().all(|c| c.is_ascii_graphic())
}

/// Asks in whose name. Everything that came is sent along again.
fn page(login: &Login) -> Response {
    let field = |name: &str, value: &str| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape_html(value))
    };
    let mut fields = [
        field("client_id", &login.client_id),
        field("redirect_uri", &login.redirect_uri),
        field("state", &login.state),
        field("response_type", &login.response_type),
        field("code_challenge", &login.code_challenge),
        field("code_challenge_method", &login.code_challenge_method),
    ]
    .concat();
    fields.extend(login.nonce.iter().map(|nonce| field("nonce", nonce)));
    let html = format!(
        "<!doctype html><title>avouch: development</title><h1>Who are you today?</h1>\
         <p>This issuer is for development: it believes everybody.</p>\
         <form>{fields}<input name=\"email\" type=\"email\" required autofocus placeholder=\"ada@example.com\">\
         <button>Log in</button></form>"
    );
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")], html).into_response()
}

fn escape_html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut all, c| {
        match c {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            '\'' => all.push_str("&#39;"),
            c => all.push(c),
        }
        all
    })
}

fn escape_query(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut all, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            _ => all.push_str(&format!("%{byte:02X}")),
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_to_loopback_alone() {
        for good in ["http://localhost:1/auth/callback", "http://127.0.0.1:99/", "http://[::1]:1/x"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "https://localhost:1/",
            "http://localhost.example.com:1/",
            "http://localhost@example.com:1/",
            "http://example.com/localhost:1/",
            "http://localhost:1/\r\nset-cookie: a=b",
            "",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn nothing_that_came_is_markup() {
        assert_eq!(escape_html("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
