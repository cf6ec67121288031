//! A server that may not write, and still shows what was said.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use api::{Code, NewPrincipal, RequestState, Submission};
use client::{ClientError, Shard, Wait};
use model::{Clock as _, Form};
use quorum::{Change, KeyState};
use reqwest::Method;
use reqwest::header::HOST;
use signer::Signer as _;
use signerd::SystemClock;
use store::Restoration;

use crate::asking::compose;
use crate::founder::{self, space};
use crate::site::{Identity, Site};

const WAIT: Wait = Wait::Final(Duration::from_secs(60));

/// A site with one signed request, which was stopped and marked as restored, and serves again.
async fn restored() -> (Site, Submission, model::RequestId) {
    let mut site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let asked = compose(&view, 1, b"an artifact");
    let done = client.submit(&asked, None, WAIT).await.unwrap();
    assert_eq!(done.state, RequestState::Done);
    let next = compose(&view, 2, b"another");
    site.stop_server();
    Restoration::Unchecked.write(&site.config.folder).unwrap();
    site.start_server();
    (site, next, done.id)
}

fn problem(error: ClientError) -> (Code, u16, String) {
    let problem = error.problem().unwrap_or_else(|| panic!("no problem: {error:?}"));
    (problem.code, problem.status, problem.detail.clone())
}

/// What clients of Rekor show of a log that takes nothing in any more.
const FROZEN: &str = "This log has been frozen, please switch to the latest log.";

/// What somebody is answered who brings nothing much to the log at this name.
async fn bring_an_entry(site: &Site, host: Option<&str>) -> (u16, String) {
    let call = site.http(Identity::Nobody).post(site.public_url("/api/v2/log/entries")).body("{}");
    let call = host.into_iter().fold(call, |call, host| call.header(HOST, host));
    let answer = call.send().await.unwrap();
    let status = answer.status().as_u16();
    let answer: serde_json::Value = answer.json().await.unwrap();
    (status, answer["message"].as_str().unwrap().to_owned())
}

const TO_CLIENTS: &str = "this server only reads until it agrees with its key process, and nothing was recorded: ask its operator, whom `avouch doctor` tells the way forward";

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_shows_everything_and_takes_nothing() {
    let (site, next, done) = restored().await;
    let files = |name: &str| fs::read(site.config.folder.join(name)).unwrap();
    let before = (files("store.sqlite"), files("store.closed"));
    let (client, public) = (site.first_client(), site.public_client());

    let seen = client.request(&done, Wait::No).await.unwrap();
    assert_eq!((seen.state, seen.receipts.len()), (RequestState::Done, 1));
    assert_eq!(client.content(&done).await.unwrap().items.len(), 2);
    client.profile(&space("default")).await.unwrap();
    let note = public.checkpoint(&Shard::Newest).await.unwrap();
    assert!(note.starts_with(b"2026.log.localhost\n2\n"));
    public.tile(&Shard::Newest, "tile/entries/000.p/2").await.unwrap();
    public.trust_root().await.unwrap();
    public.timestamp_chain().await.unwrap();

    let refused = problem(client.submit(&next, None, WAIT).await.unwrap_err());
    assert_eq!(refused, (Code::ReadOnly, 503, TO_CLIENTS.to_owned()));
    assert_eq!(problem(client.withdraw(&done).await.unwrap_err()).0, Code::ReadOnly);
    assert_eq!(problem(client.endorse(&done, "{}").await.unwrap_err()).0, Code::ReadOnly);
    let new = NewPrincipal { name: "ci".to_owned(), person: None, spaces: vec![space("default")] };
    let (code, _, detail) = problem(site.admin().add_principal(&new).await.unwrap_err());
    assert_eq!(code, Code::ReadOnly);
    assert!(detail.contains("run `avouch fsck` on the data folder, then start again"), "{detail}");
    let http = site.http(Identity::Nobody);
    let stamped = http.request(Method::POST, site.public_url("/api/v1/timestamp")).body("x").send();
    assert_eq!(stamped.await.unwrap().status(), 503);
    assert_eq!(bring_an_entry(&site, None).await, (405, FROZEN.to_owned()));
    let found = http.get(site.public_url("/v1/log/search?since=2026-01-01T00:00:00Z")).send().await.unwrap();
    assert_eq!(
        found.json::<api::LogSearch>().await.unwrap().entries.len(),
        1,
        "what has a certificate tells a time"
    );

    let ready = http.get(site.monitor_url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let ready = ready.text().await.unwrap();
    assert!(
        ready.contains(r#""name":"agreement","state":"fail","evidence":"this server only reads: "#),
        "{ready}"
    );
    let metrics = http.get(site.monitor_url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\navouch_read_only 1\n"), "{metrics}");
    assert_eq!((files("store.sqlite"), files("store.closed")), before, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_whose_books_were_checked_goes_on() {
    let (mut site, next, done) = restored().await;
    site.stop_server();
    Restoration::Checked.write(&site.config.folder).unwrap();
    site.start_server();
    let client = site.first_client();
    let signed = client.submit(&next, None, WAIT).await.unwrap();
    assert_eq!(signed.state, RequestState::Done, "{:?}", signed.reasons);
    assert_eq!(client.request(&done, Wait::No).await.unwrap().state, RequestState::Done);
    let ready = site.http(Identity::Nobody).get(site.monitor_url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
}

fn copy(from: PathBuf, to: PathBuf) {
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(entry.path(), target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The key of the log is taken away: by one person, at once, and not for good.
fn suspend_the_log(site: &Site) {
    let signer = signer::Client::new(&site.config.signer_socket);
    let registry = signer.state().unwrap().replay().unwrap();
    let key = registry.platform_key(Form::Checkpoint).unwrap().record.id();
    let (state, reason) = (KeyState::Suspended, "looked at".to_owned());
    let suspended = Change::KeyState { key, state, since: SystemClock.now(), reason };
    let admin_socket = site.config.signer_socket.with_file_name("admin.sock");
    founder::enter(&signer, &admin_socket, &SystemClock, suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_put_back_is_named_also_while_the_key_of_its_log_is_suspended() {
    let mut site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    client.submit(&compose(&view, 1, b"an artifact"), None, WAIT).await.unwrap();
    site.stop_server();
    let (folder, backup) = (site.config.folder.clone(), site.config.folder.with_extension("backup"));
    copy(folder.clone(), backup.clone());
    site.start_server();
    site.first_client().submit(&compose(&view, 2, b"another"), None, WAIT).await.unwrap();
    site.stop_server();
    fs::remove_dir_all(&folder).unwrap();
    copy(backup, folder);
    suspend_the_log(&site);
    site.start_server();
    let ready = site.http(Identity::Nobody).get(site.monitor_url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let said = ready.text().await.unwrap();
    let named = "signed a checkpoint of `2026.log.localhost` for 4 entries, and the store knows 2";
    assert!(said.contains(named), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_log_is_read_by_its_name_and_at_its_origin() {
    let mut site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    client.submit(&compose(&view, 1, b"an artifact"), None, WAIT).await.unwrap();
    site.stop_server();
    // What an adoption freezes is what was served: here it is said of another log.
    let frozen = site.config.folder.join("shards/2025.log.localhost");
    copy(site.config.folder.join("tiles"), frozen.clone());
    let note = fs::read_to_string(frozen.join("checkpoint")).unwrap();
    fs::write(frozen.join("checkpoint"), note.replace("2026.log", "2025.log")).unwrap();
    site.start_server();
    let client = site.first_client();
    client.submit(&compose(&view, 2, b"another"), None, WAIT).await.unwrap();

    let public = site.public_client();
    let (old, new) = (Shard::Of("2025.log.localhost".to_owned()), Shard::Of("2026.log.localhost".to_owned()));
    assert!(public.checkpoint(&old).await.unwrap().starts_with(b"2025.log.localhost\n2\n"));
    assert!(public.checkpoint(&new).await.unwrap().starts_with(b"2026.log.localhost\n4\n"));
    assert_eq!(public.tile(&old, "tile/0/000.p/2").await.unwrap().len(), 64);
    assert!(public.tile(&old, "tile/0/000.p/4").await.is_err(), "it grows no more");
    let unknown = public.checkpoint(&Shard::Of("2024.log.localhost".to_owned())).await.unwrap_err();
    assert_eq!(
        problem(unknown),
        (Code::NotFound, 404, "there is no log `2024.log.localhost` here".to_owned())
    );

    let http = site.http(Identity::Nobody);
    let at = async |host: &str, path: &str| {
        let asked = http.get(site.public_url(path)).header(HOST, host);
        asked.send().await.unwrap().text().await.unwrap()
    };
    assert!(at("2025.log.localhost:7444", "/api/v2/checkpoint").await.starts_with("2025.log.localhost\n"));
    assert!(at("elsewhere", "/api/v2/checkpoint").await.starts_with("2026.log.localhost\n"));
    assert_eq!(bring_an_entry(&site, Some("2025.log.localhost")).await, (405, FROZEN.to_owned()));
    assert_eq!(
        bring_an_entry(&site, Some("2026.log.localhost")).await.0,
        400,
        "it is no entry, and it was read"
    );
    let escaped = at("localhost", "/shards/..%2Ftiles/api/v2/checkpoint").await;
    assert!(escaped.contains("there is no log"), "{escaped}");
}
