//! Requests in which somebody between client and server could read another length than the server does: whatever
//! hides behind one of them is never taken for a request of its own.

use tokio::io::AsyncWriteExt as _;

use crate::raw::{Speech, Way, besieged, rest};
use crate::site::{Identity, Site};

/// What would be smuggled: it answers `200`, and nothing else here does.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// What is sent, and the statuses that may come back: of the outer request, and no other.
struct Row {
    what: &'static str,
    sent: String,
    answers: &'static [&'static str],
}

fn row(what: &'static str, head: &str, body: &str, answers: &'static [&'static str]) -> Row {
    Row { what, sent: format!("{head}\r\nhost: localhost\r\n{body}"), answers }
}

/// Requests that are read as the RFC says, and are the last ones on their connection.
fn last_ones() -> Vec<Row> {
    let post = "POST /v1/whoami HTTP/1.1";
    let length = HIDDEN.len();
    vec![
        row(
            "CL.TE",
            post,
            &format!("content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}", length + 5),
            &["405"],
        ),
        row(
            "TE.CL",
            post,
            &format!(
                "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n{HIDDEN}"
            ),
            &["405"],
        ),
        row(
            "two codings, the last is chunked",
            post,
            &format!("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
            &["405", "400"],
        ),
        row("chunked alone", post, &format!("transfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"), &["405"]),
        row(
            "a GET with a body",
            "GET /v1/whoami HTTP/1.1",
            &format!("content-length: {length}\r\n\r\n{HIDDEN}{HIDDEN}"),
            &["401"],
        ),
        row(
            "a length behind a bare line feed",
            "GET /v1/whoami HTTP/1.1",
            &format!("x: y\ncontent-length: {length}\r\n\r\n{HIDDEN}{HIDDEN}"),
            &["401", "400"],
        ),
    ]
}

/// Requests that have no meaning, and get none.
fn senseless() -> Vec<Row> {
    let post = "POST /v1/whoami HTTP/1.1";
    let length = HIDDEN.len();
    let of = |what, fields: &str| row(what, post, &format!("{fields}\r\n\r\n0\r\n\r\n{HIDDEN}"), &["400"]);
    vec![
        of("TE.TE, the last is none", "transfer-encoding: chunked\r\ntransfer-encoding: x"),
        of("chunked, and another after it", "transfer-encoding: chunked, identity"),
        of("nearly chunked", "transfer-encoding: xchunked"),
        of("a space before the colon", "transfer-encoding : chunked"),
        of("a folded line", "transfer-encoding:\r\n chunked\r\nx: y\r\n z"),
        of("a control in the value", "transfer-encoding: \x0bchunked"),
        of("two lengths", &format!("content-length: 5\r\ncontent-length: {length}")),
        of("a list of lengths", &format!("content-length: 5, {length}")),
        of("a signed length", "content-length: +5"),
        of("a length in another base", "content-length: 0x5"),
        of("a length beyond all", "content-length: 18446744073709551616"),
        of("a carriage return alone", "x: y\rcontent-length: 5"),
        of("a null in a name", "x\0: y\r\ncontent-length: 5"),
        row(
            "HTTP/1.0 with chunks",
            "POST /v1/whoami HTTP/1.0",
            &format!("transfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
            &["400"],
        ),
    ]
}

/// Chunks that are none, sent by somebody whose body is read.
fn broken_chunks() -> Vec<Row> {
    let of = |what, chunks: &str| {
        let fields = "content-type: application/json\r\ntransfer-encoding: chunked";
        row(what, "POST /v1/requests HTTP/1.1", &format!("{fields}\r\n\r\n{chunks}{HIDDEN}"), &["400"])
    };
    vec![
        of("a size that ends in a bare line feed", "5\n{\"a\":\r\n0\r\n\r\n"),
        of("a chunk that ends in a bare line feed", "5\r\n{\"a\":\n0\r\n\r\n"),
        of("a line feed in an extension", "5;a\nb\r\n{\"a\":\r\n0\r\n\r\n"),
        of("a negative size", "-5\r\n{\"a\":\r\n0\r\n\r\n"),
        of("a size beyond all", "fffffffffffffffff\r\n{\"a\":\r\n0\r\n\r\n"),
        of("a chunk longer than its size", "3\r\n{\"a\":\r\n0\r\n\r\n"),
    ]
}

/// The statuses that came back, in order.
fn statuses(answer: &[u8]) -> Vec<String> {
    let answer = String::from_utf8_lossy(answer);
    answer.split("HTTP/1.1 ").skip(1).map(|rest| rest.chars().take(3).collect()).collect()
}

async fn try_all(way: &Way, rows: Vec<Row>) {
    for Row { what, sent, answers } in rows {
        let mut stream = way.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        let found = statuses(&answer);
        let is_fine = match found.as_slice() {
            [one] => answers.contains(&one.as_str()),
            _ => false,
        };
        assert!(
            is_fine,
            "{what}: {found:?} where one of {answers:?} is due\n{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_behind_a_request_whose_length_can_be_read_two_ways() {
    let site = Site::start();
    let stranger = Way::to(&site, Identity::Nobody, Speech::Http1);
    let known = Way::to(&site, Identity::First, Speech::Http1);
    let attack = async {
        try_all(&stranger, last_ones()).await;
        try_all(&stranger, senseless()).await;
        try_all(&known, broken_chunks()).await;
    };
    besieged(&site, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_one_plain_length_follow_one_another_on_a_connection() {
    let site = Site::start();
    let mut stream = Way::to(&site, Identity::First, Speech::Http1).connect().await;
    let body = r#"{"request":"","items":[]}"#;
    let post = format!(
        "POST /v1/requests HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let last = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{HIDDEN}{post}{last}").as_bytes()).await.unwrap();
    assert_eq!(statuses(&rest(&mut stream).await), ["200", "400", "200"]);
}
