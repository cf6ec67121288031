//! Requests in pages, for those who may see them.

use std::time::Duration;

use api::{Code, NewApiKey, NewPrincipal, RequestState};
use client::{Client, Credential, Wait};
use model::{Clock as _, Instant, RequestId, Space};
use signerd::SystemClock;

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, Site};

const WAIT: Wait = Wait::Final(Duration::from_secs(60));

async fn sign(client: &Client, profile: &Space, number: u8) -> RequestId {
    let view = client.profile(profile).await.unwrap();
    let done = client.submit(&compose(&view, number, &[number]), None, WAIT).await.unwrap();
    assert_eq!(done.state, RequestState::Done, "{:?}", done.reasons);
    done.id
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_newest_first_by_state_and_profile_to_those_who_may_see_them() {
    let site = Site::start();
    let client = site.first_client();
    let first = sign(&client, &space("default"), 1).await;
    let second = sign(&client, &space("default/other"), 2).await;
    let third = sign(&client, &space("default"), 3).await;
    let ids = async |client: &Client, state, profile: Option<&Space>, after: Option<&str>| {
        let page = client.requests(state, profile, after).await.unwrap();
        assert_eq!(page.next, None);
        page.items.into_iter().map(|line| line.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&client, None, None, None).await, [third, second, first]);
    assert_eq!(ids(&client, None, Some(&space("default/other")), None).await, [second]);
    assert_eq!(ids(&client, Some(RequestState::Done), None, Some(&third.to_string())).await, [second, first]);
    assert_eq!(ids(&client, Some(RequestState::Waiting), None, None).await, []);
    // Somebody else sees what they may ask for themselves.
    let (admin, spaces) = (site.admin(), vec![space("default/other")]);
    let new = NewPrincipal { name: "ci".to_owned(), person: None, spaces: spaces.clone() };
    let principal = admin.add_principal(&new).await.unwrap().id;
    let expires = SystemClock.now().after(Duration::from_secs(600)).whole_second();
    let new = NewApiKey { principal, spaces, profiles: None, expires };
    let other = site.client(Credential::ApiKey(admin.issue_api_key(&new).await.unwrap().key));
    assert_eq!(ids(&other, None, None, None).await, [second]);
    assert_eq!(ids(&other, None, Some(&space("default")), None).await, []);
    let line = client.requests(None, None, None).await.unwrap().items.remove(1);
    assert_eq!(
        (line.profile, line.state, line.reasons.len()),
        (space("default/other"), RequestState::Done, 0)
    );
    assert!(Instant::EPOCH < line.submitted && line.submitted < line.deadline);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_asked_for_in_words_that_it_knows() {
    let site = Site::start();
    let http = site.http(Identity::First);
    for (query, expected) in [
        ("state=gone", "unknown variant `gone`, expected one of `waiting`, "),
        ("space=default", "unknown field `space`, expected one of `state`, `profile`, `after`"),
        ("after=req_1", "`req_1`"),
    ] {
        let answer = http.get(site.url(&format!("/v1/requests?{query}"))).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        let problem: api::Problem = answer.json().await.unwrap();
        assert_eq!(problem.code, Code::Malformed);
        assert!(problem.detail.contains(expected), "{query}: {}", problem.detail);
        assert!(problem.detail.ends_with("; this path takes `state`, `profile` and `after`"));
    }
}
