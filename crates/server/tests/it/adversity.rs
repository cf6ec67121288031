//! What is wrong around the server, and not with a request: it is told in its own words, and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use api::{Code, RequestState};
use client::{Client, ClientError, Wait};
use model::{Algorithm, Clock as _};
use signer::{AdminAnswer, AdminClient, AdminMessage};
use signerd::SystemClock;
use testkit::HandClock;

use crate::asking::{compose, compose_with};
use crate::disk::{SmallDisk, Writable};
use crate::founder::space;
use crate::site::{Identity, Plan, Site};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const PATIENCE: Wait = Wait::Final(Duration::from_secs(60));

async fn profile(client: &Client) -> api::ProfileView {
    client.profile(&space("default")).await.unwrap()
}

fn told(error: &ClientError) -> (Code, String) {
    let problem = error.problem().unwrap_or_else(|| panic!("no problem: {error:?}"));
    (problem.code, problem.detail.clone())
}

/// What the server says of the state that it is in.
async fn readiness(site: &Site) -> (u16, String) {
    let answer = site.http(Identity::Nobody).get(site.monitor_url("/readyz")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_clock_is_a_day_off_is_told_both_times() {
    let clock = Arc::new(HandClock::at(SystemClock.now().whole_second()));
    let site = Site::open(Plan { clock: clock.clone(), ..Plan::default() });
    let client = site.first_client();
    let view = profile(&client).await;
    let now = clock.now();
    for (number, created) in [(1, now.before(DAY)), (2, now.after(DAY))] {
        let deadline = created.after(Duration::from_secs(600));
        let off = compose_with(&view, number, b"an artifact", |request| {
            (request.created, request.deadline) = (created, deadline);
        });
        let text = format!(
            "it is {now} here, outside the request's time from {created} to {deadline}: compare the clocks"
        );
        assert_eq!(told(&client.submit(&off, None, Wait::No).await.unwrap_err()), (Code::BadRequest, text));
    }
    let done = client.submit(&compose(&view, 3, b"an artifact"), None, PATIENCE).await.unwrap();
    assert_eq!(done.state, RequestState::Done, "the same file, with the right time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_process_whose_clock_jumps_a_day_signs_nothing_until_it_is_back_and_then_all() {
    let now = SystemClock.now();
    let clocks = || Arc::new(HandClock::at(now));
    let (clock, key_clock) = (clocks(), clocks());
    let site = Site::open(Plan { clock, key_clock: Some(key_clock.clone()), ..Plan::default() });
    let client = site.first_client();
    let view = profile(&client).await;
    for (number, jumped) in [(1, now.after(DAY)), (2, now.before(DAY))] {
        key_clock.set_now(jumped);
        let submission = compose(&view, number, &[number; 100]);
        let waiting = client.submit(&submission, None, Wait::No).await.unwrap();
        assert_eq!(waiting.state, RequestState::Intended, "it is recorded, and neither refused nor lost");
        let (status, text) = readiness(&site).await;
        let evidence = format!(
            r#"{{"name":"sign software","state":"fail","evidence":"the key process cannot do its part now: the clock says {jumped}, where about {now} is expected; set it right, or start the key process again"}}"#
        );
        assert!(status == 503 && text.contains(&evidence), "{status}: {text}");
        key_clock.set_now(now);
        let done = client.submit(&submission, None, PATIENCE).await.unwrap();
        assert_eq!((done.id, done.state), (waiting.id, RequestState::Done), "{:?}", done.reasons);
    }
    is_ready_again(&site).await;
}

/// A client is told a moment before the stage that told it is noted as good: so it is asked more than once.
async fn is_ready_again(site: &Site) {
    let mut last = String::new();
    for _ in 0..1_000 {
        let (status, text) = readiness(site).await;
        if status == 200 {
            return;
        }
        last = text;
    }
    panic!("it is not ready: {last}");
}

/// What a server says at once, without a client that asks again.
async fn submit_once(site: &Site, submission: &api::Submission) -> (u16, serde_json::Value) {
    let request = site.http(Identity::First).post(site.url("/v1/requests")).json(submission);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_once_there_is_room_every_request_has_its_one_receipt() {
    let Some(disk) = SmallDisk::or_skip() else { return };
    let mut site = Site::open(Plan { disk: Some(disk), ..Plan::default() });
    let client = site.first_client();
    let view = profile(&client).await;
    let (mut refused, mut stuck, mut signed) = (0, 0, 0);
    // With so much room left, one step after the other is the first that finds none.
    for left in [0, 32, 48, 64, 96] {
        signed += 1;
        let submission = compose(&view, signed, &[signed; 100]);
        site.disk.as_ref().unwrap().fill(left * 1024);
        let (status, answer) = submit_once(&site, &submission).await;
        let (ready, text) = readiness(&site).await;
        if status == 503 {
            refused += 1;
            assert_eq!(answer["code"], "unavailable");
            assert_eq!(
                answer["detail"],
                "signing is not possible now: the store cannot do its part; ask again later, it stays the same request"
            );
            let evidence = r#"{"name":"submit","state":"fail","evidence":"the store cannot do its part now: cannot write requests: database or disk is full: Error code 13: database or disk is full"}"#;
            assert!(ready == 503 && text.contains(evidence), "{ready}: {text}");
        } else if status == 202 {
            stuck += 1;
            let named = text.contains("No space left on device") || text.contains("database or disk is full");
            assert!(ready == 503 && named, "{ready}: {text}");
        }
        site.disk.as_ref().unwrap().empty();
        let done = client.submit(&submission, None, PATIENCE).await.unwrap();
        assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
        assert_eq!(client.request(&done.id, Wait::No).await.unwrap(), done);
    }
    assert!(refused > 0 && stuck > 0, "{refused} were refused, {stuck} were stuck on their way");
    is_ready_again(&site).await;
    site.stop_server();
    let reader = store::Reader::open(&site.config.folder).unwrap();
    assert_eq!(reader.ledger_head().unwrap().size, 3 * u64::from(signed), "each has its three leaves, once");
    let note = String::from_utf8(reader.published(store::LogName::Transparency).unwrap()).unwrap();
    assert_eq!(note.lines().nth(1).unwrap(), (2 * signed).to_string(), "each has its two entries, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_is_named_at_the_start_and_nothing_on_it_is_lost() {
    let Some(disk) = SmallDisk::or_skip() else { return };
    let mut site = Site::open(Plan { disk: Some(disk), ..Plan::default() });
    let client = site.first_client();
    let view = profile(&client).await;
    let done = client.submit(&compose(&view, 1, b"an artifact"), None, PATIENCE).await.unwrap();
    site.stop_server();
    site.disk.as_ref().unwrap().set_writable(Writable::No);
    let config = site.config.clone();
    let start = move || server::run(config, Arc::new(SystemClock), |_| (), std::future::pending());
    let error = std::thread::spawn(start).join().unwrap().unwrap_err();
    let lock = site.config.folder.join("store.lock");
    assert_eq!(
        crate::cycle::told(&error),
        format!(
            "the server cannot be put together: the log cannot be gone on with: the store cannot be opened: cannot open `{}`: Read-only file system (os error 30)",
            lock.display()
        )
    );
    site.disk.as_ref().unwrap().set_writable(Writable::Yes);
    site.start_server();
    assert_eq!(site.first_client().request(&done.id, Wait::No).await.unwrap(), done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_process_whose_disk_is_full_signs_with_the_keys_it_has_makes_none_and_loses_nothing() {
    let Some(disk) = SmallDisk::or_skip() else { return };
    let site = Site::open(Plan { key_disk: Some(disk), ..Plan::default() });
    let client = site.first_client();
    let view = profile(&client).await;
    let admin = AdminClient::new(&site.config.signer_socket.with_file_name("admin.sock"));
    let generate = || {
        admin.send(&AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::EcdsaP256 })
    };
    let disk = site.key_disk.as_ref().unwrap();
    disk.fill(0);
    // The journal lies in room that was taken when it began.
    for number in 1..=20 {
        let done = client.submit(&compose(&view, number, &[number]), None, PATIENCE).await.unwrap();
        assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
    }
    is_ready_again(&site).await;
    let Ok(AdminAnswer::Refused(refusal)) = generate() else { panic!("a key that lies nowhere") };
    let (before, rest) = refusal.text.split_once("`key_").unwrap();
    let (_id, after) = rest.split_once(".sealed`").unwrap();
    assert_eq!(
        (before, after),
        ("cannot reach the key files: cannot replace ", ": No space left on device (os error 28)")
    );
    disk.empty();
    assert!(matches!(generate(), Ok(AdminAnswer::Generated { .. })));
    for number in 1..=20 {
        let again = client.submit(&compose(&view, number, &[number]), None, PATIENCE).await.unwrap();
        assert_eq!(again.state, RequestState::Done, "what was signed has its receipt");
    }
}
