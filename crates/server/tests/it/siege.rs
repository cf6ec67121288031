//! How long honest clients wait while others attack: a measurement, and no test. `docs/measured/edge.md` says how it is
//! run and what it printed.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use client::{Client, Wait};
use model::RequestId;
use server::Limits;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::asking::compose_with;
use crate::founder::space;
use crate::http2;
use crate::raw::{PATIENCE, Speech, Way};
use crate::site::{Plan, Site};
use crate::slow;

const ATTACK: &str = "AVOUCH_TEST_SIEGE";
const ADDRESS: &str = "AVOUCH_TEST_SIEGE_AT";
const ROOT: &str = "AVOUCH_TEST_SIEGE_CA";
/// How long each of the phases is.
const PHASE: Duration = Duration::from_secs(15);
/// Honest clients, and how often each asks.
const CLIENTS: u8 = 4;
const PACE: Duration = Duration::from_millis(150);

/// What is attempted, and the beginning of its line in the table.
const ATTACKS: [(&str, &str); 5] = [
    ("idle", "10,000 idle connections"),
    ("headers", "1,000 headers that come a byte a second"),
    ("handshakes", "500 handshakes a second that stop half way"),
    ("resets", "200 connections a second that open and reset streams"),
    ("oversized", "200 oversized headers a second"),
];

/// One of the attacks, in a process of its own, until the other one closes its input.
async fn attack(kind: &str) {
    let address: SocketAddr = std::env::var(ADDRESS).unwrap().parse().unwrap();
    let ca_pem = std::fs::read_to_string(std::env::var(ROOT).unwrap()).unwrap();
    let way = |speech| Way::of_stranger(address, &ca_pem, speech);
    let mut attacking = JoinSet::new();
    let mut idle = Vec::new();
    match kind {
        "idle" => idle = slow::hold(&way(Speech::Http1), 10_000).await,
        "headers" => {
            for _ in 0..1_000 {
                let stream = way(Speech::Http1).connect().await;
                attacking.spawn(async move {
                    slow::drip(stream, b"GET / HTTP/1.1\r\nhost: ", Duration::from_secs(1)).await.len()
                });
            }
        }
        "handshakes" => {
            let hello = way(Speech::Http1).hello();
            attacking.spawn(again(500, move || {
                let hello = hello.clone();
                async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let _ = stream.write_all(&hello).await;
                    // Held for as long as the server holds it.
                    crate::raw::rest(&mut stream).await.len()
                }
            }));
        }
        "resets" => {
            let way = way(Speech::Http2);
            attacking.spawn(again(200, move || {
                let way = way.clone();
                async move { http2::flood(way.connect().await, http2::Reading::Yes, http2::resets()).await.1 }
            }));
        }
        _ => {
            let way = way(Speech::Http1);
            attacking.spawn(again(200, move || {
                let way = way.clone();
                async move {
                    let mut stream = way.connect().await;
                    let _ = stream.write_all(&b"GET / HTTP/1.1\r\nx: y\r\n".repeat(2_000)).await;
                    crate::raw::rest(&mut stream).await.len()
                }
            }));
        }
    }
    println!("\nready");
    let mut line = String::new();
    tokio::task::block_in_place(|| std::io::stdin().read_line(&mut line)).unwrap();
    drop(idle);
}

/// Does something so often a second, each in a task of its own.
async fn again<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    per_second: u32,
    one: impl Fn() -> F,
) -> usize {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = JoinSet::new();
    loop {
        ticks.tick().await;
        running.spawn(one());
        while running.try_join_next().is_some() {}
    }
}

/// A process that attacks; dropping its input ends it.
fn attacker(site: &Site, ca: &std::path::Path, kind: &str) -> (Child, ChildStdin) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "siege::how_long_honest_clients_wait_while_others_attack",
        ])
        .env(ATTACK, kind)
        .env(ADDRESS, site.addresses.listen.to_string())
        .env(ROOT, ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "the attacker of `{kind}` is not ready");
    let input = child.stdin.take().unwrap();
    (child, input)
}

/// Asks for signatures at a steady pace; how long each took, from when it was due.
async fn honest(client: Client, number: u8, phase: u8) -> Vec<Duration> {
    let view = client.profile(&space("default")).await.unwrap();
    let (mut ticks, mut took, until) = (interval(PACE), Vec::new(), Instant::now() + PHASE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for call in 0_u64.. {
        let due = ticks.tick().await.into_std();
        if due > until {
            break;
        }
        let submission = compose_with(&view, number, &[number, phase], |request| {
            let id = [&[number, phase][..], &[0; 6], &call.to_be_bytes()].concat();
            request.id = RequestId::new(id.try_into().unwrap());
        });
        let submission = api::Submission { again: true, ..submission };
        let done = client.submit(&submission, None, Wait::Final(PATIENCE));
        timeout(PATIENCE, done).await.expect("an honest call is answered").unwrap();
        took.push(due.elapsed());
    }
    took
}

/// What honest clients see for a while: the median and the 99th of a hundred, in milliseconds.
async fn phase(site: &Site, phase: u8) -> (usize, f64, f64) {
    let mut asking = JoinSet::new();
    for number in 0..CLIENTS {
        asking.spawn(honest(site.first_client(), number, phase));
    }
    let mut took: Vec<Duration> = asking.join_all().await.into_iter().flatten().collect();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    (took.len(), at(0.5), at(0.99))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and takes three minutes"]
async fn how_long_honest_clients_wait_while_others_attack() {
    if let Ok(kind) = std::env::var(ATTACK) {
        return attack(&kind).await;
    }
    let limits = Limits { connections_max: 10_200, header: Duration::from_secs(120), ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    let folder = testkit::temp_folder();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &site.credential.ca_pem).unwrap();
    phase(&site, 0).await;
    println!(
        "| attack | calls | p50, ms | p99, ms | p99, calm before and after, ms | ratio |\n|---|--:|--:|--:|--:|--:|"
    );
    let mut number = 1;
    let (_, _, mut before) = phase(&site, number).await;
    for (kind, what) in ATTACKS {
        let (mut child, input) = attacker(&site, &ca, kind);
        let (calls, median, p99) = phase(&site, number + 1).await;
        drop(input);
        child.wait().unwrap();
        let (_, _, after) = phase(&site, number + 2).await;
        number += 2;
        let calm = f64::midpoint(before, after);
        println!(
            "| {what} | {calls} | {median:.1} | {p99:.1} | {before:.1}, {after:.1} | {:.2} |",
            p99 / calm
        );
        before = after;
    }
}
