//! Issuers whose keys stand in no registry: they are asked for through a process of its own, and the server's word is taken.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use data_encoding::BASE64;
use identity::oidc::{Fetcher, Limits};
use model::{Algorithm, Clock as _, Form};
use pki::public_key_pem;
use pki::token::{IssuerKind, TokenIssuer, Verification};
use quorum::{Change, IdentityProof, KeyRecord};
use serde_json::{Value, json};
use signerd::SystemClock;
use testkit::{HandClock, HttpSite, IdentityProvider, Key, Reply, TlsPeriod, TlsRoot};
use tokio::sync::oneshot;

use crate::founder;
use crate::site::{Identity, Site};

const ADA: &str = "ada@example.com";

/// An issuer that changes its keys, or answers no more. It speaks TLS, by an authority that only this test knows.
struct Issuer {
    root: TlsRoot,
    site: HttpSite,
    now: Arc<Mutex<Option<Arc<IdentityProvider>>>>,
}

impl Issuer {
    fn new() -> Self {
        let now = Arc::new(Mutex::new(Some(provider("k1"))));
        let its = Arc::clone(&now);
        let root = TlsRoot::new();
        let site = HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), move |asked| {
            let url = format!("https://{}", asked.header("host").unwrap());
            let its = its.lock().unwrap();
            match (asked.path(), &*its) {
                ("/.well-known/openid-configuration", Some(_)) => {
                    Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
                }
                ("/keys", Some(provider)) => Reply::json(&provider.jwks()),
                _ => Reply::status(500),
            }
        });
        Self { root, site, now }
    }

    fn becomes(&self, provider: Option<&Arc<IdentityProvider>>) {
        *self.now.lock().unwrap() = provider.cloned();
    }
}

fn provider(key: &str) -> Arc<IdentityProvider> {
    Arc::new(IdentityProvider::new(key))
}

/// A platform that takes its server's word for the tokens of this issuer, and the process that asks for its keys.
struct World {
    site: Site,
    issuer: Issuer,
    clock: Arc<HandClock>,
    feed: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl World {
    fn new(identity: IdentityProof) -> Self {
        let (site, issuer) = (Site::start(), Issuer::new());
        let record = TokenIssuer {
            version: 1,
            url: issuer.site.url(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: Vec::new(),
        };
        let orders = signer::Client::new(&site.config.signer_socket);
        let socket = site.config.signer_socket.with_file_name("admin.sock");
        let key =
            founder::record_at(&socket, "platform/holders-asserted", Form::Certificate, SystemClock.now());
        let key = KeyRecord { identity: Some(identity), ..key };
        for change in [Change::Issuer(record), Change::Key(key)] {
            founder::enter(&orders, &socket, &SystemClock, change);
        }
        let clock = Arc::new(HandClock::at(SystemClock.now()));
        let mut world = Self { site, issuer, clock, feed: None };
        world.begin_feed();
        world
    }

    fn begin_feed(&mut self) {
        self.begin_feed_believing(&self.issuer.root.pem());
    }

    /// The process that asks, which believes issuers whom this authority vouches for.
    fn begin_feed_believing(&mut self, pem: &str) {
        let fetcher = Fetcher::new(Some(pem), Limits::default()).unwrap();
        let (ready, is_ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let signer = Arc::new(signer::Client::new(&self.site.config.signer_socket));
        let folder = self.site.config.folder.join(server::ISSUERS);
        let clock = Arc::<HandClock>::clone(&self.clock);
        let running = std::thread::spawn(move || {
            let stop = async { drop(stopped.await) };
            server::run_issuer_feed(&folder, signer, fetcher, clock, || ready.send(()).unwrap(), stop)
                .unwrap();
        });
        is_ready.recv_timeout(Duration::from_secs(60)).unwrap();
        self.feed = Some((stop, running));
    }

    fn end_feed(&mut self) {
        let Some((stop, running)) = self.feed.take() else { return };
        let _ = stop.send(());
        running.join().unwrap();
    }

    /// Asks for a certificate with a token of this provider.
    async fn ask(&self, provider: &IdentityProvider) -> (u16, Value) {
        let now = SystemClock.now();
        let claims = json!({"iss": self.issuer.site.url(), "aud": "sigstore", "sub": "1", "iat": now.seconds(),
            "exp": now.seconds() + 300, "email": ADA, "email_verified": true, "jti": now.nanoseconds().to_string()});
        let key = Key::generate(Algorithm::EcdsaP256);
        let asked = json!({"publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": public_key_pem(&key.public())},
            "proofOfPossession": BASE64.encode(&key.sign(ADA.as_bytes())),
        }});
        let url = self.site.public_url("/api/v2/signingCert");
        let asking =
            self.site.http(Identity::Nobody).post(url).bearer_auth(provider.token(&claims)).json(&asked);
        let answer = asking.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_feed();
    }
}

fn said(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_stand_in_no_registry_are_asked_for_followed_when_they_change_and_believed_for_a_while() {
    let world = World::new(IdentityProof::Asserted);
    // A key of the right name is not yet the key.
    let (status, answer) = world.ask(&provider("k1")).await;
    assert!(status == 400 && said(&answer).contains("signature"), "{status} {answer}");
    let provider = provider("k2");
    world.issuer.becomes(Some(&provider));
    world.clock.advance(identity::oidc::PAUSE);
    assert_eq!(world.ask(&provider).await.0, 200, "a key that is not known yet is looked for");
    let asked = world.issuer.site.asked();
    assert_eq!(world.ask(&provider).await.0, 200);
    assert_eq!(world.issuer.site.asked(), asked, "and then it is kept");
    // An issuer that answers no more is believed by its last keys, and not for ever.
    world.issuer.becomes(None);
    world.clock.advance(identity::oidc::FRESH);
    assert_eq!(world.ask(&provider).await.0, 200);
    world.clock.advance(identity::oidc::STALE_MAX);
    let (status, answer) = world.ask(&provider).await;
    assert!(status == 503 && said(&answer).contains("keys cannot be had"), "{status} {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_process_that_asks_nobody_is_certified_and_it_is_taken_up_again() {
    let mut world = World::new(IdentityProof::Asserted);
    let provider = provider("k7");
    world.issuer.becomes(Some(&provider));
    world.end_feed();
    let (status, answer) = world.ask(&provider).await;
    assert!(status == 503 && said(&answer).contains("issuer"), "{status} {answer}");
    world.begin_feed();
    assert_eq!(world.ask(&provider).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_whose_certificate_nobody_vouches_for_is_not_believed_whatever_keys_it_publishes() {
    let mut world = World::new(IdentityProof::Asserted);
    let provider = provider("k7");
    world.issuer.becomes(Some(&provider));
    world.end_feed();
    world.begin_feed_believing(&TlsRoot::new().pem());
    let (status, answer) = world.ask(&provider).await;
    assert!(status == 503 && said(&answer).contains("keys cannot be had"), "{status} {answer}");
    assert_eq!(world.issuer.site.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_record_of_the_key_asks_for_proof_the_servers_word_is_not_taken() {
    let world = World::new(IdentityProof::Proven);
    let provider = provider("k7");
    world.issuer.becomes(Some(&provider));
    let (status, answer) = world.ask(&provider).await;
    assert!(status == 400, "{status} {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_asks_calls_no_issuer_that_the_registry_does_not_name_whoever_wants_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new(IdentityProof::Asserted);
    let other = Issuer::new();
    for issuer in [other.site.url(), "http://169.254.169.254/latest".to_owned()] {
        let socket = world.site.config.folder.join("issuers/feed.sock");
        let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
        stream.write_all(format!("{}\n", json!({"issuer": issuer, "key": null})).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("no active issuer of that name"), "{answer}");
    }
    assert_eq!(other.site.asked(), 0);
}
