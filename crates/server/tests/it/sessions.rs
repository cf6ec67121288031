//! Sessions that are resumed, and connections that are kept: whoever came with a client certificate stays who they
//! are, and not for longer than the certificate may.

use std::sync::Arc;
use std::time::Duration;

use model::Clock as _;
use pki::Certificate;
use rustls::HandshakeKind;
use signerd::SystemClock;
use testkit::HandClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::raw::{Speech, Way};
use crate::site::{Identity, Plan, Site};

const ASK: &[u8] = b"GET /v1/whoami HTTP/1.1\r\nhost: localhost\r\n\r\n";
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Asks who asks, and reads the whole answer: its status, and its body.
async fn whoami(stream: &mut TlsStream<TcpStream>) -> (u16, serde_json::Value) {
    stream.write_all(ASK).await.unwrap();
    let mut answer = Vec::new();
    let end = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.push(byte[0]);
        if answer.ends_with(b"\r\n\r\n") {
            break answer.len();
        }
    };
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_slice(&body).unwrap())
}

fn kind(stream: &TlsStream<TcpStream>) -> Option<HandshakeKind> {
    stream.get_ref().1.handshake_kind()
}

/// A connection with a full handshake, and one that resumes its session.
async fn twice(site: &Site) -> [TlsStream<TcpStream>; 2] {
    let way = Way::to(site, Identity::First, Speech::Http1);
    let mut first = way.connect().await;
    // The tickets come with the first answer.
    assert_eq!(whoami(&mut first).await.0, 200);
    let second = way.connect().await;
    assert_eq!([kind(&first), kind(&second)], [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    [first, second]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_resumes_a_session_is_who_began_it_and_a_revoked_certificate_ends_both() {
    let site = Site::start();
    let [mut first, mut second] = twice(&site).await;
    let (status, who) = whoami(&mut second).await;
    assert_eq!((status, &who), (200, &whoami(&mut first).await.1));
    assert_eq!(who["requester"]["proven"], "client-certificate");

    let shown = Certificate::chain_from_pem(&site.credential.certificate_pem).unwrap();
    site.admin().revoke_certificate(&shown[0].public_key().unwrap().id()).await.unwrap();
    for stream in [&mut first, &mut second] {
        let (status, problem) = whoami(stream).await;
        assert_eq!((status, &problem["code"]), (401, &"unauthenticated".into()));
        assert!(problem["detail"].as_str().unwrap().contains("was revoked at"), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_does_not_outlive_its_end_on_a_connection_or_in_a_session() {
    let clock = Arc::new(HandClock::at(SystemClock.now()));
    let site = Site::open(Plan { clock: clock.clone(), ..Plan::default() });
    let [mut first, mut second] = twice(&site).await;
    clock.advance(TEN_YEARS);
    for stream in [&mut first, &mut second] {
        let (status, problem) = whoami(stream).await;
        assert_eq!((status, &problem["code"]), (401, &"unauthenticated".into()));
        assert!(problem["detail"].as_str().unwrap().contains("expired at"), "{problem}");
    }
}
