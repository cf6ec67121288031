//! A server that is full says so before it has done anything for the call: no credential is looked up, no body read.

use std::time::Duration;

use client::Wait;
use model::Instant;
use server::Limits;
use tokio::io::AsyncWriteExt as _;

use crate::asking::compose;
use crate::flood::Gate;
use crate::founder::space;
use crate::raw::{PATIENCE, Speech, Way, rest};
use crate::site::{Identity, Plan, Site, api_key};

/// What is announced, and does not come.
const SUBMISSION: &str = "POST /v1/requests HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 16000000\r\n";

/// What the server says to the head of a call, whose body never comes.
async fn told(way: &Way, more: &str) -> String {
    let mut stream = way.connect().await;
    stream.write_all(format!("{SUBMISSION}{more}\r\n").as_bytes()).await.unwrap();
    String::from_utf8(rest(&mut stream).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_says_so_before_it_looks_up_a_credential_or_reads_a_body() {
    let limits = Limits { submissions_max: 1, body: PATIENCE * 3, ..Limits::default() };
    let mut site = Site::open(Plan { limits, ..Plan::default() });
    let view = site.first_client().profile(&space("default")).await.unwrap();
    let submission = compose(&view, 1, b"an artifact");
    site.stop_server();
    let key_process = site.config.signer_socket.clone();
    let socket = key_process.with_file_name("gate.sock");
    // The order that the first submission becomes carries the request, and so its nonce.
    let gate = Gate::before(&key_process, &socket, "01".repeat(32).into_bytes());
    site.config.signer_socket = socket;
    site.start_server();

    let client = site.first_client();
    let first = tokio::spawn({
        let (client, submission) = (client.clone(), submission.clone());
        async move { client.submit(&submission, None, Wait::Final(Duration::from_secs(60))).await.unwrap() }
    });
    tokio::task::block_in_place(|| gate.until_held());
    let unknown = format!("authorization: Bearer {}\r\n", api_key(6, Instant::EPOCH).0.expose());
    let (known, stranger) =
        (Way::to(&site, Identity::First, Speech::Http1), Way::to(&site, Identity::Nobody, Speech::Http1));
    for (way, more) in [(&known, ""), (&stranger, ""), (&stranger, unknown.as_str())] {
        let said = told(way, more).await;
        assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
        assert!(said.contains("\r\nretry-after: 1\r\n") && said.contains(r#""code":"busy""#), "{said}");
    }
    // Looking is no submission.
    assert!(client.whoami().await.is_ok());

    gate.open();
    first.await.unwrap();
    let said = told(&stranger, &unknown).await;
    assert!(said.starts_with("HTTP/1.1 401 "), "there is room again: {said}");
}
