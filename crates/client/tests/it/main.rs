//! What a client does when the other side does not do what it should: a scripted server on a Unix socket.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop where it stands"
)]

mod registries;

use std::path::PathBuf;
use std::time::Duration;

use api::{Code, NewPrincipal, Problem};
use client::{AdminClient, Client, ClientError, Context, Credential, Kind};
use testkit::TempFolder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// What the server does with one connection.
#[derive(Debug, Clone)]
enum Act {
    /// Answers the one call on it.
    Answer(String),
    /// Reads the call and hangs up.
    HangUp,
}

/// A server that does one act a connection, and then counts how many calls it read.
struct Script {
    _folder: TempFolder,
    socket: PathBuf,
    calls: JoinHandle<usize>,
}

fn play(acts: Vec<Act>) -> Script {
    let folder = testkit::temp_folder();
    let socket = folder.path().join("admin.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let calls = tokio::spawn(async move {
        let mut calls = 0;
        for act in acts {
            let waited = tokio::time::timeout(Duration::from_secs(2), listener.accept()).await;
            let Ok(Ok((mut stream, _))) = waited else { break };
            let mut buffer = vec![0; 64 * 1024];
            calls += usize::from(stream.read(&mut buffer).await.unwrap() > 0);
            if let Act::Answer(answer) = act {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        calls
    });
    Script { _folder: folder, socket, calls }
}

fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

fn busy() -> Act {
    let problem =
        serde_json::to_string(&Problem::new(Code::Busy, "the queue is full: try again in 0 s")).unwrap();
    answer("503 Service Unavailable", "retry-after: 0\r\n", &problem)
}

fn page() -> Act {
    answer("200 OK", "", r#"{"items":[]}"#)
}

fn new_principal() -> NewPrincipal {
    NewPrincipal { name: "ci".to_owned(), person: None, spaces: Vec::new() }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_question_survives_a_broken_connection() {
    let script = play(vec![busy(), Act::HangUp, page()]);
    let admin = AdminClient::new(&script.socket).unwrap();
    assert_eq!(admin.principals(None).await.unwrap().items, []);
    assert_eq!(script.calls.await.unwrap(), 3);
}

#[tokio::test]
async fn a_change_is_repeated_where_it_was_turned_away_and_not_where_nobody_knows() {
    let script = play(vec![busy(), Act::HangUp, page()]);
    let admin = AdminClient::new(&script.socket).unwrap();
    let error = admin.add_principal(&new_principal()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(script.calls.await.unwrap(), 2);
}

#[tokio::test]
async fn a_server_that_stays_busy_is_left_alone_after_five_calls() {
    let script = play(vec![busy(); 9]);
    let admin = AdminClient::new(&script.socket).unwrap();
    let error = admin.principals(None).await.unwrap_err();
    assert_eq!(error.to_string(), "the queue is full: try again in 0 s");
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(script.calls.await.unwrap(), 5);
}

#[tokio::test]
async fn an_answer_that_avouch_does_not_give_is_called_foreign() {
    for act in [
        answer("200 OK", "", "<html>"),
        answer("502 Bad Gateway", "", "no"),
        answer("302 Found", "location: /\r\n", ""),
    ] {
        let script = play(vec![act; 5]);
        let error = AdminClient::new(&script.socket).unwrap().principals(None).await.unwrap_err();
        assert!(error.to_string().contains("with something that avouch does not say"), "{error}");
        script.calls.abort();
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let script = play(vec![answer("200 OK", "", &" ".repeat(5 * 1024 * 1024))]);
    let error = AdminClient::new(&script.socket).unwrap().principals(None).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLong { limit: 4_194_304, .. }), "{error:?}");
    script.calls.abort();
}

#[test]
fn a_context_that_cannot_work_is_refused_before_anything_is_sent() {
    let context = |url: &str, ca_pem: &str, credential| {
        let (url, ca_pem) = (url.to_owned(), ca_pem.to_owned());
        Client::new(&Context { url, ca_pem, credential }).unwrap_err()
    };
    for url in
        ["http://localhost", "localhost:7443", "https://localhost/path", "https://", "https://user@localhost"]
    {
        let error = context(url, "", Credential::None);
        assert_eq!(
            error.to_string(),
            format!("`{url}` is not the address of a server: it must read `https://HOST:PORT`")
        );
        assert_eq!(error.kind(), Kind::Usage);
    }
    let error = context("https://localhost", "", Credential::None);
    assert_eq!(error.to_string(), "the certificate authority's file holds no certificate: it must be in PEM");
}

#[test]
fn every_problem_means_something_to_the_command_line() {
    for code in Code::ALL {
        let kind = ClientError::Problem(Box::new(Problem::new(*code, "text"))).kind();
        let expected = match code.status() {
            401 | 403 | 409 => Kind::Refused,
            408 | 500 | 503 => Kind::Unreachable,
            _ => Kind::Usage,
        };
        assert_eq!(kind, expected, "{}", code.word());
    }
}

#[test]
fn a_credential_keeps_its_secret_when_it_is_printed() {
    assert_eq!(format!("{:?}", Credential::ApiKey("avk_a_b".to_owned())), "API key");
}
