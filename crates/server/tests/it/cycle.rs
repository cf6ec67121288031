//! The signing cycle over HTTP.

use std::sync::Arc;
use std::time::Duration;

use api::RequestState;
use client::Wait;
use model::{Clock as _, Digest};
use signerd::SystemClock;
use verify::{Artifact, Expectations, Present, TimeSource, TrustRoot, verify_receipt};

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, Site};

const PATIENCE: Wait = Wait::Final(Duration::from_secs(60));

#[tokio::test(flavor = "multi_thread")]
async fn a_request_gets_receipts_that_verify_offline_and_a_repeat_gets_the_same() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    assert_eq!(view.keys.len(), 2);
    let submission = compose(&view, 1, b"an artifact");
    let done = client.submit(&submission, Some("key-1"), PATIENCE).await.unwrap();
    assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
    let [receipt] = done.receipts.as_slice() else { panic!("one file, one receipt") };

    let root = TrustRoot::parse(&site.public_client().trust_root().await.unwrap()).unwrap();
    let present = Present { at: SystemClock.now(), source: TimeSource::SystemClock };
    let verdict = |content: &[u8]| {
        let artifact = Artifact { digests: Digest::of(content).into(), name: Some("app.tar.gz".to_owned()) };
        verify_receipt(&artifact, receipt, &root, &Expectations::default(), present)
    };
    verdict(b"an artifact").unwrap();
    assert!(verdict(b"another artifact").is_err());

    assert_eq!(client.submit(&submission, Some("key-1"), PATIENCE).await.unwrap(), done);
    assert_eq!(client.request(&done.id, Wait::No).await.unwrap(), done);
    let content = client.content(&done.id).await.unwrap();
    assert_eq!((&content.request, &content.items), (&submission.request, &submission.items));
    let composed_anew = compose(&view, 1, b"an artifact");
    assert_eq!(client.submit(&composed_anew, None, PATIENCE).await.unwrap().receipts, done.receipts);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_says_which_profiles_one_may_use_and_why_not_the_others() {
    let key = crate::site::api_key(5, SystemClock.now().after(Duration::from_secs(600)));
    let site = Site::start_with(&[key.1]);
    let mine = site.first_client().whoami().await.unwrap();
    assert_eq!(mine.name, "build");
    assert!(mine.profiles.iter().all(|profile| profile.refused.is_none()), "{mine:?}");
    let keyed = site.client(client::Credential::ApiKey(key.0.expose())).whoami().await.unwrap();
    let refused: Vec<_> = keyed.profiles.into_iter().filter_map(|profile| profile.refused).collect();
    assert_eq!(refused, ["the API key of `build` is not for profile `default/other`: it is for `default`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_end_ends_and_the_next_one_has_its_receipts() {
    let mut site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let done = client.submit(&compose(&view, 1, b"an artifact"), None, PATIENCE).await.unwrap();
    let config = site.config.clone();
    let second = || server::run(config, Arc::new(SystemClock), |_| (), std::future::pending());
    let error = std::thread::spawn(second).join().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the server cannot be put together");
    assert!(told(&error).contains("two servers never share a folder"), "{}", told(&error));
    site.stop_server();
    assert!(client.whoami().await.is_err());
    let (addresses, stop, serving) = crate::site::serve(site.config.clone(), Arc::new(SystemClock));
    site.addresses = addresses;
    assert_eq!(site.first_client().request(&done.id, Wait::No).await.unwrap(), done);
    stop.send(()).unwrap();
    serving.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_server_says_so_and_its_metrics_count_what_happened() {
    let site = Site::start();
    let http = site.http(Identity::Nobody);
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    client.submit(&compose(&view, 1, b"an artifact"), None, PATIENCE).await.unwrap();
    let ready = http.get(site.monitor_url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
    let metrics = http.get(site.monitor_url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"avouch_request_seconds_count{profile="default",outcome="done"} 1"#,
        r#"avouch_http_call_seconds_count{route="/v1/requests",code="ok"} 1"#,
        "avouch_log_entries 2",
        "avouch_key_process_up 1",
        r#"avouch_stage_members_total{stage="sign",store="software"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\nis not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_policy_than_the_registrys_the_server_is_not_ready_and_signs_nothing() {
    let in_force = Digest::of(b"another policy");
    let site = Site::start_under(in_force, &[]);
    let http = site.http(Identity::Nobody);
    let ready = http.get(site.monitor_url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let loaded = policy::BuiltIn::digest();
    let text = ready.text().await.unwrap();
    let expected = format!(
        r#"{{"name":"key process","state":"fail","evidence":"policy {loaded} is loaded, and the registry says {in_force}: nothing is signed until they agree"}}"#
    );
    assert!(text.contains(&expected), "{text}");
    assert_eq!(http.get(site.monitor_url("/healthz")).send().await.unwrap().status(), 200);
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let error = client.submit(&compose(&view, 1, b"an artifact"), None, Wait::No).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, api::Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_each_their_own_receipt_and_no_entry_twice() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    let mut asking = tokio::task::JoinSet::new();
    for number in 1..=40_u8 {
        let (client, submission) = (client.clone(), compose(&view, number, &[number; 100]));
        asking.spawn(async move { client.submit(&submission, None, PATIENCE).await.unwrap() });
    }
    let mut indices = Vec::new();
    while let Some(done) = asking.join_next().await {
        let done = done.unwrap();
        assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
        let [receipt] = done.receipts.as_slice() else { panic!("one file, one receipt") };
        indices.extend(receipt.items.iter().map(|item| item.log.as_ref().unwrap().index));
    }
    indices.sort_unstable();
    assert_eq!(indices, (0..80).collect::<Vec<u64>>());
}

pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", told(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}
