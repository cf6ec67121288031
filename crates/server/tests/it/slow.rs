//! Clients that are slow, silent or many: each holds what one client may hold, for as long as one may, and nobody else
//! notices.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::Limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::raw::{PATIENCE, Speech, Way, besieged, rest};
use crate::site::{Identity, Plan, Site};
use crate::strangers::resident_bytes;

/// Long enough for everybody who is honest, on a machine that does much else.
const SHORT: Duration = Duration::from_millis(600);
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Sends a byte in every such moment until the server has had enough of it, which it must have; what it said.
pub(crate) async fn drip(stream: impl AsyncRead + AsyncWrite, first: &[u8], moment: Duration) -> String {
    let (mut from, mut to) = split(stream);
    to.write_all(first).await.unwrap();
    let mut said = Vec::new();
    let dripping = async {
        let mut buffer = [0; 1024];
        loop {
            match timeout(moment, from.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(length)) => said.extend_from_slice(&buffer[..length]),
                // A server that is closing takes no more, and says so with the next read.
                Err(_) => drop(to.write_all(b"x").await),
            }
        }
    };
    timeout(PATIENCE, dripping).await.expect("the server does not wait for ever");
    String::from_utf8_lossy(&said).into_owned()
}

/// Many connections, each of which drips; what each was told.
async fn drip_side_by_side(way: &Way, count: usize, first: &'static [u8]) -> Vec<String> {
    let mut dripping = JoinSet::new();
    for _ in 0..count {
        dripping.spawn(drip(way.connect().await, first, Duration::from_millis(20)));
    }
    dripping.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_drop_by_drop_hold_their_connections_no_longer_than_they_may() {
    let site = Site::open(Plan { limits: Limits { header: SHORT, ..Limits::default() }, ..Plan::default() });
    let way = Way::to(&site, Identity::Nobody, Speech::Http1);
    let before = resident_bytes();
    let (said, _) = besieged(&site, drip_side_by_side(&way, 200, b"GET /healthz HTTP/1.1\r\nhost: l")).await;
    assert!(said.iter().all(|said| !said.contains("200")), "{said:?}");
    assert!(resident_bytes().saturating_sub(before) < GROWTH_BYTES_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_come_drop_by_drop_are_waited_for_where_somebody_is_known_and_only_so_long() {
    let site = Site::open(Plan { limits: Limits { body: SHORT, ..Limits::default() }, ..Plan::default() });
    let first = b"POST /v1/requests HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 16000000\r\n\r\n{";
    let before = resident_bytes();
    for (identity, status) in [(Identity::First, "408"), (Identity::Nobody, "401")] {
        let way = Way::to(&site, identity, Speech::Http1);
        let (said, _) = besieged(&site, drip_side_by_side(&way, 100, first)).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(said.iter().all(|said| said.starts_with(&expected)), "{said:?}");
    }
    assert!(resident_bytes().saturating_sub(before) < GROWTH_BYTES_MAX, "what is announced takes no memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_stop_half_way_hold_no_more_than_their_places() {
    let limits = Limits { handshakes_max: 256, handshake: 5 * SHORT, ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    let way = Way::to(&site, Identity::Nobody, Speech::Http1);
    let hello = way.hello();
    // The server's turn, a record that never ends, half a hello, and nothing at all.
    let beginnings =
        [hello.clone(), vec![0x16, 3, 1, 0x40, 0], hello[..hello.len() / 2].to_vec(), Vec::new()];
    let before = resident_bytes();
    let attack = async {
        let mut held = Vec::new();
        for number in 0..800 {
            let mut stream = TcpStream::connect(site.addresses.listen).await.unwrap();
            // One that was crowded out already takes nothing.
            let _ = stream.write_all(&beginnings[number % beginnings.len()]).await;
            held.push(stream);
        }
        for mut stream in held {
            rest(&mut stream).await;
        }
    };
    besieged(&site, attack).await;
    assert!(resident_bytes().saturating_sub(before) < GROWTH_BYTES_MAX);
}

const IDLE: usize = 10_000;
/// What a connection may take that was opened and says nothing: TLS with a certificate that was asked for, HTTP, a task.
const IDLE_BYTES_MAX: u64 = 40 * 1024;
const IDLE_AT: &str = "AVOUCH_TEST_IDLE_AT";

/// Opens so many connections, some of them at a time, and says nothing on them.
pub(crate) async fn hold(way: &Way, count: usize) -> Vec<TlsStream<TcpStream>> {
    const AT_A_TIME: usize = 64;
    let (mut held, mut opening) = (Vec::with_capacity(count), JoinSet::new());
    for number in 0..count + AT_A_TIME {
        if number < count {
            let way = way.clone();
            opening.spawn(async move { way.connect().await });
        }
        if number >= AT_A_TIME {
            held.push(opening.join_next().await.unwrap().unwrap());
        }
    }
    held
}

/// In a process of its own, whose memory and file descriptors are not the server's.
async fn stay_idle(address: &str) {
    let ca_pem = std::fs::read_to_string(std::env::var("AVOUCH_TEST_IDLE_CA").unwrap()).unwrap();
    let way = Way::of_stranger(address.parse().unwrap(), &ca_pem, Speech::Http1);
    let held = hold(&way, IDLE).await;
    println!("\nheld {}", held.len());
    std::io::stdout().flush().unwrap();
    // Until the other process closes it.
    let mut line = String::new();
    tokio::task::block_in_place(|| std::io::stdin().read_line(&mut line)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_that_say_nothing_take_little_and_keep_nobody_out() {
    if let Ok(address) = std::env::var(IDLE_AT) {
        return stay_idle(&address).await;
    }
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let limits = Limits { connections_max: IDLE + 200, header: 3 * PATIENCE, ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    besieged(&site, async {}).await;
    let before = resident_bytes();
    let folder = testkit::temp_folder();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &site.credential.ca_pem).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("slow::ten_thousand_connections_that_say_nothing_take_little_and_keep_nobody_out")
        .env(IDLE_AT, site.addresses.listen.to_string())
        .env("AVOUCH_TEST_IDLE_CA", ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    let held = tokio::task::spawn_blocking(move || {
        said.lines().map_while(Result::ok).find(|line| line.starts_with("held"))
    });
    let (held, _) = besieged(&site, held).await;
    assert_eq!(held.unwrap(), Some(format!("held {IDLE}")), "the others are all there");
    let growth = resident_bytes().saturating_sub(before);
    besieged(&site, async {}).await;
    drop(child.stdin.take());
    child.wait().unwrap();
    eprintln!("{IDLE} idle connections take {} bytes each", growth / IDLE as u64);
    assert!(growth < IDLE as u64 * IDLE_BYTES_MAX, "grew by {growth} bytes");
}
