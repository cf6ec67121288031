//! Attack test 20: strangers, as many as they like, while somebody signs.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::RequestState;
use client::Wait;
use engine::{Leaf, LeafKind};
use model::{Clock as _, Instant, RequestId};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use signerd::SystemClock;
use testkit::HandClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::asking::compose_with;
use crate::founder::space;
use crate::site::{Identity, Plan, Site, api_key};

/// How many come where `AVOUCH_STRANGERS` does not say another number.
const STRANGERS: u64 = 20_000;
/// How many come at a time.
const AT_A_TIME: u64 = 8;
/// How many connections each of them holds that say nothing.
const SILENT: usize = 40;
/// How often the clock moves on meanwhile, and how far.
const STEPS: u64 = 30;
const STEP: Duration = Duration::from_secs(10);
/// How much the whole test, strangers included, may grow once it has seen a fifth of them.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// One who has nothing to show.
struct Stranger {
    http: reqwest::Client,
    tls: TlsConnector,
    api: String,
    address: SocketAddr,
    unknown: String,
    expired: String,
    silent: VecDeque<TcpStream>,
}

impl Stranger {
    fn new(site: &Site, unknown: &str, expired: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(site.credential.ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        Self {
            http: site.http(Identity::Nobody),
            tls: TlsConnector::from(Arc::new(builder.with_no_client_auth())),
            api: site.url(""),
            address: site.addresses.listen,
            unknown: format!("Bearer {unknown}"),
            expired: format!("Bearer {expired}"),
            silent: VecDeque::new(),
        }
    }

    /// Tries the door once, each time another way; says as what it must be counted, where that is certain.
    async fn try_once(&mut self, number: u64) -> Option<&'static str> {
        match number % 100 {
            0 => self.within_tls(b"POST /v1/requests HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n{", "401").await,
            50 => self.within_tls(b"\0\x01 nothing that HTTP knows\r\n\r\n", "").await,
            turn if turn % 7 == 5 => self.garbage().await,
            turn if turn % 7 == 6 => self.half_open().await,
            turn => return self.call(turn % 6).await,
        }
        None
    }

    async fn call(&self, kind: u64) -> Option<&'static str> {
        let whoami = || self.http.get(format!("{}/v1/whoami", self.api));
        let submit = || self.http.post(format!("{}/v1/requests", self.api));
        let (request, status, word) = match kind {
            0 => (whoami(), 401, "no-credential"),
            1 => (whoami().header(AUTHORIZATION, &self.unknown), 401, "unknown-api-key"),
            2 => (submit().header(AUTHORIZATION, &self.expired), 401, "expired-api-key"),
            3 => (whoami().header(AUTHORIZATION, "Basic YTpi"), 401, "no-api-key"),
            4 => (self.http.get(format!("{}/v1/{kind}", self.api)), 404, "not-found"),
            _ => (
                submit().header(CONTENT_TYPE, "application/json").body(vec![b'{'; 20_000]),
                401,
                "no-credential",
            ),
        };
        // One that is crowded out by the others gets no answer, and is counted as that.
        let answer = request.send().await.ok()?;
        assert_eq!(answer.status(), status);
        Some(word)
    }

    async fn garbage(&self) {
        let Ok(mut stream) = TcpStream::connect(self.address).await else { return };
        let _ = stream.write_all(&[0x5a; 200]).await;
    }

    async fn half_open(&mut self) {
        let Ok(stream) = TcpStream::connect(self.address).await else { return };
        self.silent.push_back(stream);
        if self.silent.len() > SILENT {
            self.silent.pop_front();
        }
    }

    async fn within_tls(&self, sent: &[u8], expected: &str) {
        let name = ServerName::try_from("localhost").unwrap();
        let Ok(stream) = TcpStream::connect(self.address).await else { return };
        let Ok(mut stream) = self.tls.connect(name, stream).await else { return };
        let _ = stream.write_all(sent).await;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await.unwrap_or(0);
        assert!(length == 0 || String::from_utf8_lossy(&answer[..length]).contains(expected));
    }
}

/// Sends them all, the clock moving on meanwhile; what they were answered, by kind.
async fn send_strangers(site: &Site, clock: &HandClock, expired: &str) -> BTreeMap<&'static str, u64> {
    let total = std::env::var("AVOUCH_STRANGERS").map_or(STRANGERS, |text| text.parse().unwrap());
    let unknown = api_key(6, Instant::EPOCH).0.expose();
    let (mut answered, mut settled) = (BTreeMap::new(), 0);
    for step in 0..STEPS {
        let mut strangers = JoinSet::new();
        for first in 0..AT_A_TIME {
            let mut stranger = Stranger::new(site, &unknown, expired);
            let numbers = (step * total / STEPS..(step + 1) * total / STEPS).skip(first as usize);
            strangers.spawn(async move {
                let mut words = Vec::new();
                for number in numbers.step_by(AT_A_TIME as usize) {
                    words.extend(stranger.try_once(number).await);
                }
                words
            });
        }
        while let Some(words) = strangers.join_next().await {
            words.unwrap().into_iter().for_each(|word| *answered.entry(word).or_default() += 1);
        }
        clock.advance(STEP);
        if step == STEPS / 5 {
            settled = resident_bytes();
        }
    }
    let growth = resident_bytes().saturating_sub(settled);
    assert!(growth < GROWTH_BYTES_MAX, "grew by {growth} bytes");
    answered
}

/// How much memory this process holds; 0 where the system does not say.
pub(crate) fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// The whole ledger of a server that has ended.
fn ledger(site: &Site) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let reader = store::Reader::open(&site.config.folder).unwrap();
    reader.ledger(|leaf| leaves.push(leaf.unwrap().1)).unwrap();
    leaves
}

/// Signs again and again, each time over a new connection, until it is told that the strangers are gone.
async fn sign_meanwhile(site: &Site, gone: &AtomicBool) -> u64 {
    let mut signed = 0;
    while !gone.load(Ordering::Relaxed) || signed < 3 {
        signed += 1;
        let client = site.first_client();
        let view = client.profile(&space("default")).await.unwrap();
        let submission = compose_with(&view, 1, format!("file {signed}").as_bytes(), |request| {
            request.id = RequestId::new(u128::from(signed).to_be_bytes());
        });
        let done = client.submit(&submission, None, Wait::Final(Duration::from_secs(60))).await.unwrap();
        assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
    }
    signed
}

/// CVE-2026-5807: strangers held a place without which nobody else could act.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_a_million_bad_requests_neither_fills_the_ledger_nor_stops_a_signature() {
    let clock = Arc::new(HandClock::at(SystemClock.now()));
    let (expired, record) = api_key(5, Instant::from_seconds(1_700_000_000));
    let limits = server::Limits { connections_max: 256, ..server::Limits::default() };
    let plan = Plan { clock: clock.clone(), keys: vec![record], limits, ..Plan::default() };
    let mut site = Site::open(plan);
    let gone = AtomicBool::new(false);
    let strangers = async {
        let answered = send_strangers(&site, &clock, &expired.expose()).await;
        gone.store(true, Ordering::Relaxed);
        answered
    };
    let (answered, signed) = tokio::join!(strangers, sign_meanwhile(&site, &gone));
    site.stop_server();

    let leaves = ledger(&site);
    let (recorded, requests): (Vec<_>, Vec<_>) =
        leaves.into_iter().partition(|leaf| leaf.kind == LeafKind::Strangers);
    assert_eq!(requests.len() as u64, 3 * signed, "submission, intent and outcome, and nothing else");
    let minutes = STEPS * STEP.as_secs() / 60;
    let most = usize::try_from(minutes).unwrap() + 1;
    assert!((1..=most).contains(&recorded.len()), "{} leaves in {minutes} minutes", recorded.len());
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for leaf in &recorded {
        assert!(leaf.record.len() < 1_000, "{}", String::from_utf8_lossy(&leaf.record));
        let record: serde_json::Value = serde_json::from_slice(&leaf.record).unwrap();
        for (kind, count) in record["refused"].as_object().unwrap() {
            *sums.entry(kind.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    // Each that got an answer is counted under its kind; those that got none may be counted as well.
    for (word, count) in answered {
        assert!(sums[word] >= count, "{word}: {count} were answered and {} recorded", sums[word]);
    }
    assert!(sums["handshake"] > 0 && sums["not-http"] > 0, "{sums:?}");
}
