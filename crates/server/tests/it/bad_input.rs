//! Bad input: each kind is refused in its own words, and nothing is lost by it.

use api::Problem;
use client::Wait;
use model::{Instant, RequestId};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};

use crate::asking::{compose, compose_with};
use crate::founder::space;
use crate::site::{Identity, Site, api_key};

const PATIENCE: Wait = Wait::Final(std::time::Duration::from_secs(60));

/// What is sent, and the problem that must come back.
struct Row {
    what: &'static str,
    path: &'static str,
    content_type: &'static str,
    body: String,
    status: u16,
    code: &'static str,
    detail: String,
}

fn row(what: &'static str, body: impl Into<String>, status: u16, code: &'static str, detail: &str) -> Row {
    let (path, content_type) = ("/v1/requests", "application/json");
    Row { what, path, content_type, body: body.into(), status, code, detail: detail.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_submissions_are_refused_each_in_its_own_words() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let good = compose(&view, 1, b"an artifact");
    let json = |submission: &api::Submission| serde_json::to_string(submission).unwrap();
    let spaced = api::Submission { request: good.request.replacen(':', ": ", 1), ..good.clone() };
    let fewer = api::Submission { items: good.items[..1].to_vec(), ..good.clone() };
    let short = api::Submission {
        items: good.items.iter().map(|item| item.replacen("\"sha256\":\"", "\"sha256\":\"00", 1)).collect(),
        ..good.clone()
    };
    let renamed = compose_with(&view, 2, b"an artifact", |request| {
        if let model::Kind::Sign(signing) = &mut request.kind {
            signing.profile = space("nowhere");
        }
    });
    let old = compose_with(&view, 3, b"an artifact", |request| {
        (request.created, request.deadline) = (Instant::from_seconds(1), Instant::from_seconds(2));
    });
    let rows = [
        row(
            "no JSON",
            "{",
            400,
            "malformed",
            "the body is not the JSON of this path: EOF while parsing an object at line 1 column 1",
        ),
        row(
            "JSON of something else",
            "[1]",
            400,
            "malformed",
            "the body is not the JSON of this path: invalid type: integer `1` at line 1 column 2",
        ),
        row(
            "an unknown field",
            r#"{"request":"","items":[],"more":1}"#,
            400,
            "malformed",
            "the body is not the JSON of this path: unknown field `more`, expected one of `request`, `items`, `again` at line 1 column 31",
        ),
        row(
            "too large",
            " ".repeat(16 * 1024 * 1024 + 1),
            413,
            "too-large",
            "the body is larger than the 16777216 bytes that this path takes",
        ),
        Row {
            content_type: "text/plain",
            ..row(
                "the wrong type",
                json(&good),
                415,
                "unsupported-media-type",
                "the body is of type `text/plain`; this path takes `application/json`",
            )
        },
        Row {
            path: "/v1/requests?wait=soon",
            ..row(
                "a wait that is no number",
                json(&good),
                400,
                "malformed",
                "`wait` must be a number of seconds, such as `wait=30`",
            )
        },
        Row {
            path: "/v1/request",
            ..row("no such path", "{}", 404, "not-found", "there is no `/v1/request` here")
        },
        Row {
            path: "/v1/whoami",
            ..row("no such method", "{}", 405, "method-not-allowed", "`/v1/whoami` does not take `POST`")
        },
        row(
            "a request that is not canonical",
            json(&spaced),
            400,
            "bad-request",
            "the request cannot be read: not a request: JSON that is not in the canonical form of RFC 8785: it differs at byte 11",
        ),
        row(
            "a digest of the wrong length",
            json(&short),
            400,
            "bad-request",
            "the items cannot be read: not an item: not the JSON that is expected here: a SHA-256 digest is 64 lower-case hexadecimal digits at line 1 column ",
        ),
        row(
            "fewer items than the request names",
            json(&fewer),
            400,
            "bad-request",
            "the items are not those of the request: their tree's root is `",
        ),
        row(
            "an unknown profile",
            json(&renamed),
            404,
            "not-found",
            "there is no signing profile `nowhere` that you can use; `avouch whoami` lists them",
        ),
        row("a time that has passed", json(&old), 400, "bad-request", "it is "),
    ];
    let http = site.http(Identity::First);
    for Row { what, path, content_type, body, status, code, detail } in rows {
        let request =
            http.post(site.url(path)).header(CONTENT_TYPE, content_type).header("x-request-id", "call-7");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json", "{what}");
        assert_eq!(answer.headers()["x-request-id"], "call-7", "{what}");
        let problem: Problem = answer.json().await.unwrap();
        assert_eq!((problem.status, problem.code.word()), (status, code), "{what}: {}", problem.detail);
        assert!(problem.detail.starts_with(&detail), "{what}: {}", problem.detail);
        assert_eq!(problem.request.as_deref(), Some("call-7"), "{what}");
    }
    // Nothing was lost: the good request is signed.
    let done = client.submit(&good, None, PATIENCE).await.unwrap();
    assert_eq!(done.state, api::RequestState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_credentials_are_refused_each_in_its_own_words() {
    let (expired, record) = api_key(5, Instant::from_seconds(1_700_000_000));
    let site = Site::start_with(&[record]);
    let http = site.http(Identity::Nobody);
    let expired_text = format!(
        "API key `{}` expired at 2023-11-14T22:13:20Z: ask an administrator for a new one",
        expired.id()
    );
    let unknown = api_key(6, Instant::EPOCH).0;
    let unknown_text = format!(
        "API key `{}` is unknown, or its secret is wrong: ask an administrator for a new one",
        unknown.id()
    );
    for (header, detail) in [
        (
            None,
            "no credential was presented: send an API key as `Authorization: Bearer avk_…`, or connect with a client certificate",
        ),
        (
            Some("Basic YTpi".to_owned()),
            "the `Authorization` header holds no API key: it must read `Bearer avk_<id>_<secret>`",
        ),
        (Some(format!("Bearer {}", expired.expose())), expired_text.as_str()),
        (Some(format!("Bearer {}", unknown.expose())), unknown_text.as_str()),
    ] {
        for request in [http.get(site.url("/v1/whoami")), http.post(site.url("/v1/requests")).body("{")] {
            let request = match &header {
                Some(header) => request.header(AUTHORIZATION, header),
                None => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer realm=\"avouch\"");
            let problem: Problem = answer.json().await.unwrap();
            assert_eq!((problem.status, problem.detail.as_str()), (401, detail));
        }
    }
    // Nothing was lost: who has a good one signs.
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let done = client.submit(&compose(&view, 1, b"an artifact"), None, PATIENCE).await.unwrap();
    assert_eq!(done.state, api::RequestState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_that_was_used_for_something_else_is_a_conflict() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let first = client.submit(&compose(&view, 1, b"an artifact"), Some("key"), PATIENCE).await.unwrap();
    let id = RequestId::new([1; 16]);
    let replayed = client.submit(&compose(&view, 1, b"another artifact"), None, Wait::No).await.unwrap_err();
    let problem = replayed.problem().unwrap();
    assert_eq!(problem.status, 409);
    assert_eq!(
        problem.detail,
        format!("request id `{id}`, or the idempotency key, was used for something else: use a new one")
    );
    let keyed = client.submit(&compose(&view, 2, b"a third"), Some("key"), Wait::No).await.unwrap_err();
    assert_eq!(keyed.problem().unwrap().code, api::Code::Conflict);
    let unknown = client.request(&RequestId::new([8; 16]), Wait::No).await.unwrap_err();
    assert_eq!(
        unknown.problem().unwrap().detail,
        format!("there is no request `{}` that you can see", RequestId::new([8; 16]))
    );
    // Nothing was lost: the first is what it was.
    assert_eq!(client.request(&id, Wait::No).await.unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_out_of_date_comes_back_with_what_it_takes_to_compose_it_anew() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let outdated = compose_with(&view, 1, b"an artifact", |request| request.policy = model::Digest::ZERO);
    let error = client.submit(&outdated, None, Wait::No).await.unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!((problem.status, problem.code), (409, api::Code::Stale));
    assert_eq!(problem.detail, "the request's `policy` is out of date: compose it once more");
    let anew = compose(problem.profile.as_ref().unwrap(), 2, b"an artifact");
    client.submit(&anew, None, Wait::No).await.unwrap();
}
