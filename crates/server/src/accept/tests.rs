#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::Extension;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use model::Instant;
use pki::Validity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use testkit::{HandClock, TempFolder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::body;
use crate::tls::Tls;
use crate::tls_authority::{Credential, TlsAuthority};

/// A server of one listener, whose certificates are valid for as long as tests will be run.
struct Site {
    folder: TempFolder,
    authority: TlsAuthority,
    ca_pem: String,
    address: SocketAddr,
    tls: Arc<Tls>,
    strangers: Arc<Strangers>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

fn for_ever() -> Validity {
    Validity::new(Instant::EPOCH, Instant::from_seconds(32_000_000_000)).unwrap()
}

fn quick() -> Limits {
    let short = Duration::from_millis(150);
    Limits { handshake: short, header: short, ..Limits::default() }
}

fn write_tls(folder: &Path) -> (TlsAuthority, String) {
    let (authority, ca) = TlsAuthority::found("localhost", for_ever()).unwrap();
    let server = authority.issue_server(vec!["localhost".parse().unwrap()], for_ever()).unwrap();
    let tls = folder.join("tls");
    fs::create_dir(&tls).unwrap();
    fs::write(tls.join("ca.pem"), ca.certificate.to_pem()).unwrap();
    fs::write(tls.join("server.pem"), server.certificate.to_pem()).unwrap();
    fs::write(tls.join("server.key"), server.key_pem).unwrap();
    (authority, ca.certificate.to_pem())
}

async fn open(router: Router, limits: Limits) -> Site {
    let folder = testkit::temp_folder();
    let (authority, ca_pem) = write_tls(folder.path());
    let tls = Arc::new(Tls::open(folder.path()).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let strangers = Arc::new(Strangers::new(Arc::new(HandClock::default())));
    let handshakes = Arc::new(Handshakes::start(&limits).unwrap());
    let door = Door::Tls(TlsDoor { listener, tls: tls.api(), handshakes, strangers: Arc::clone(&strangers) });
    let serving = tokio::spawn(serve(door, router, limits, stopped));
    Site { folder, authority, ca_pem, address, tls, strangers, stop, serving }
}

impl Site {
    async fn connect(&self, credential: Option<&Credential>) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_with(&self.connector(credential)).await
    }

    async fn connect_with(&self, connector: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    /// Returns once so many were sent away for others. They see their end before they are counted.
    async fn crowded_out(&self, least: u64) {
        while self.strangers.counted(strangers::CROWDED_OUT) < least {
            tokio::task::yield_now().await;
        }
    }

    /// One client, who remembers sessions.
    fn connector(&self, credential: Option<&Credential>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match credential {
            None => builder.with_no_client_auth(),
            Some(Credential { certificate, key_pem }) => {
                let chain = vec![CertificateDer::from(certificate.der().to_vec())];
                let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

/// What the server sends until it closes; what it does to end the connection is not looked at.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    rest(stream).await
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn a_header_that_comes_drop_by_drop_is_not_waited_for() {
    let site = open(hello(), quick()).await;
    let mut stream = site.connect(None).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: local").await.unwrap();
    assert!(!rest(&mut stream).await.contains("hello"));
    let mut silent = site.connect(None).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let read = |headers: HeaderMap, body: Body| async move {
        let refusal = body::read(&headers, body, 100, Duration::from_millis(150)).await.unwrap_err();
        refusal.problem.code.word()
    };
    let site = open(Router::new().route("/", post(read)), Limits::default()).await;
    let mut stream = site.connect(None).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nslow").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("timed-out"));
}

#[tokio::test]
async fn a_body_without_a_length_is_read_no_further_than_it_may_be_long() {
    let read = |headers: HeaderMap, body: Body| async move {
        let refusal = body::read(&headers, body, 3, Duration::from_secs(9)).await.unwrap_err();
        refusal.problem.code.word()
    };
    let site = open(Router::new().route("/", post(read)), Limits::default()).await;
    let mut stream = site.connect(None).await.unwrap();
    let request = b"POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nlong\r\n";
    stream.write_all(request).await.unwrap();
    assert!(rest(&mut stream).await.ends_with("too-large"));
}

#[tokio::test]
async fn a_handshake_that_does_not_begin_is_cut_off_and_holds_up_nobody() {
    let site = open(hello(), quick()).await;
    let mut silent = TcpStream::connect(site.address).await.unwrap();
    let mut other = site.connect(None).await.unwrap();
    assert!(ask(&mut other).await.ends_with("hello"));
    assert_eq!(rest(&mut silent).await, "");
}

#[tokio::test]
async fn a_client_certificate_is_known_by_its_key_and_one_of_another_authority_is_refused() {
    let who = |Extension(peer): Extension<Peer>| async move {
        peer.certificate.map_or_else(|| "nobody".to_owned(), |certificate| certificate.key.to_string())
    };
    let site = open(Router::new().route("/", get(who)), Limits::default()).await;
    let known = site.authority.issue_client("build", for_ever()).unwrap();
    let key = known.certificate.public_key().unwrap().id().to_string();
    assert!(ask(&mut site.connect(Some(&known)).await.unwrap()).await.ends_with(&key));
    assert!(ask(&mut site.connect(None).await.unwrap()).await.ends_with("nobody"));
    let (stranger, _) = TlsAuthority::found("localhost", for_ever()).unwrap();
    let foreign = stranger.issue_client("build", for_ever()).unwrap();
    // In TLS 1.3 the client is done before the server has looked at its certificate.
    if let Ok(mut stream) = site.connect(Some(&foreign)).await {
        assert_eq!(rest(&mut stream).await, "");
    }
    let expired = Validity::new(Instant::EPOCH, Instant::from_seconds(1)).unwrap();
    let expired = site.authority.issue_client("build", expired).unwrap();
    if let Ok(mut stream) = site.connect(Some(&expired)).await {
        assert_eq!(rest(&mut stream).await, "");
    }
}

#[tokio::test]
async fn a_shutdown_finishes_what_is_in_flight_and_takes_nothing_new() {
    let (release, held) = oneshot::channel::<()>();
    let (began, begins) = oneshot::channel::<()>();
    let once = Arc::new(std::sync::Mutex::new(Some((began, held))));
    let slow = move || {
        let (began, held) = once.lock().unwrap().take().unwrap();
        async move {
            began.send(()).unwrap();
            held.await.unwrap();
            "finished"
        }
    };
    let site = open(Router::new().route("/", get(slow)), Limits::default()).await;
    let mut stream = site.connect(None).await.unwrap();
    let asking = tokio::spawn(async move { ask(&mut stream).await });
    begins.await.unwrap();
    site.stop.send(true).unwrap();
    while TcpStream::connect(site.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!site.serving.is_finished());
    release.send(()).unwrap();
    assert!(asking.await.unwrap().ends_with("finished"));
    site.serving.await.unwrap();
}

#[tokio::test]
async fn strangers_who_say_nothing_make_room_for_who_comes_after_them() {
    let few = Limits { connections_max: 4, ..Limits::default() };
    let site = open(hello(), few).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(site.address).await.unwrap());
    }
    let mut other = site.connect(None).await.unwrap();
    assert!(ask(&mut other).await.ends_with("hello"));
    assert_eq!(rest(&mut silent[0]).await, "");
    site.crowded_out(37).await;
}

#[tokio::test]
async fn what_is_not_tls_and_what_is_not_http_is_counted_as_a_strangers() {
    let site = open(hello(), quick()).await;
    let mut garbage = TcpStream::connect(site.address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(!rest(&mut garbage).await.contains("hello"));
    let mut garbage = site.connect(None).await.unwrap();
    garbage.write_all(b"\0\x01\x02 no HTTP\r\n\r\n").await.unwrap();
    assert!(!rest(&mut garbage).await.contains("hello"));
    site.stop.send(true).unwrap();
    site.serving.await.unwrap();
    assert_eq!(site.strangers.counted(strangers::HANDSHAKE), 1);
    assert_eq!(site.strangers.counted(strangers::NOT_HTTP), 1);
}

#[tokio::test]
async fn a_reload_shows_the_new_certificate_to_who_comes_and_a_bad_one_changes_nothing() {
    let mut site = open(hello(), Limits::default()).await;
    let mut before = site.connect(None).await.unwrap();
    let tls = site.folder.path().join("tls");
    fs::write(tls.join("server.pem"), "no certificate").unwrap();
    let error = site.tls.reload().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` and `{}` do not go together",
            tls.join("server.pem").display(),
            tls.join("server.key").display()
        )
    );
    assert!(ask(&mut site.connect(None).await.unwrap()).await.ends_with("hello"));
    fs::remove_dir_all(&tls).unwrap();
    let old = std::mem::take(&mut site.ca_pem);
    (site.authority, site.ca_pem) = write_tls(site.folder.path());
    site.tls.reload().unwrap();
    assert!(ask(&mut site.connect(None).await.unwrap()).await.ends_with("hello"));
    let known = site.authority.issue_client("build", for_ever()).unwrap();
    assert!(ask(&mut site.connect(Some(&known)).await.unwrap()).await.ends_with("hello"));
    assert!(ask(&mut before).await.ends_with("hello"), "who is there stays");
    site.ca_pem = old;
    assert!(site.connect(None).await.is_err());
}

#[tokio::test]
async fn a_session_is_resumed_until_a_reload_has_every_certificate_looked_at_again() {
    let site = open(hello(), Limits::default()).await;
    let known = site.authority.issue_client("build", for_ever()).unwrap();
    let connector = site.connector(Some(&known));
    let mut kinds = Vec::new();
    for round in 0..3 {
        if round == 2 {
            site.tls.reload().unwrap();
        }
        let mut stream = site.connect_with(&connector).await.unwrap();
        assert!(ask(&mut stream).await.ends_with("hello"));
        kinds.extend(stream.get_ref().1.handshake_kind());
    }
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Full]);
}

#[tokio::test]
async fn a_crowd_of_half_open_handshakes_costs_the_oldest_of_them_its_place_and_no_other() {
    let few = Limits { handshakes_max: 4, ..Limits::default() };
    let site = open(hello(), few).await;
    let mut inside = site.connect(None).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(site.address).await.unwrap());
    }
    let mut other = site.connect(None).await.unwrap();
    assert!(ask(&mut other).await.ends_with("hello"));
    assert!(ask(&mut inside).await.ends_with("hello"), "who is in is no part of the crowd");
    assert_eq!(rest(&mut silent[0]).await, "");
    site.crowded_out(1).await;
}

#[tokio::test]
async fn who_takes_nothing_of_what_they_are_sent_is_cut_off() {
    let long = || async { vec![b'a'; 64 * 1024 * 1024] };
    let limits = Limits { stall: Duration::from_millis(150), ..Limits::default() };
    let site = open(Router::new().route("/", get(long)), limits).await;
    let mut stream = site.connect(None).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    site.stop.send(true).unwrap();
    // Nothing more is read, and the server does not wait for it.
    site.serving.await.unwrap();
    assert!(rest(&mut stream).await.len() < 64 * 1024 * 1024);
}
