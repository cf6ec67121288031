//! Whatever the public may ask is bounded: with no place for anybody, no path of the document does any work.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use server::Limits;

use crate::site::{Identity, Plan, Site};

/// What looks nothing up, and so needs no bound.
const UNBOUNDED: [&str; 2] = ["/healthz", "/v1/openapi.json"];

/// What the other listener has, for callers alone.
const OF_CALLERS: [&str; 3] = ["/v1/requests", "/v1/profiles", "/v1/whoami"];

/// Every method of every path of the document, and a path that fits it.
fn paths(document: &Value) -> Vec<(Method, String, String)> {
    let mut paths = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let mut asked = path.clone();
        while let (Some(from), Some(to)) = (asked.find('{'), asked.find('}')) {
            asked.replace_range(from..=to, "1");
        }
        for method in methods.as_object().unwrap().keys() {
            paths.push((method.to_uppercase().parse().unwrap(), path.clone(), asked.clone()));
        }
    }
    paths
}

async fn document(site: &Site) -> Value {
    let path = UNBOUNDED[1];
    site.http(Identity::Nobody).get(site.public_url(path)).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_for_anybody_turns_away_whoever_finds_no_place_before_it_does_anything() {
    let limits =
        Limits { reads_max: 0, timestamps_max: 0, certificates_max: 0, entries_max: 0, ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    let http = site.http(Identity::Nobody);
    let mut turned_away = 0;
    for (method, path, asked) in paths(&document(&site).await) {
        let call = http.request(method.clone(), site.public_url(&asked));
        let call = if method == Method::POST { call.body("{") } else { call };
        let answer = call.send().await.unwrap();
        let expected = match path.as_str() {
            path if UNBOUNDED.contains(&path) => 200,
            path if OF_CALLERS.iter().any(|prefix| path.starts_with(prefix)) => 404,
            _ => 503,
        };
        assert_eq!(answer.status().as_u16(), expected, "{method} {path}");
        if expected == 503 {
            assert!(answer.headers().contains_key(RETRY_AFTER), "{method} {path}");
            turned_away += 1;
        }
    }
    assert!(turned_away >= 25, "{turned_away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_answered_leaves_their_place_to_the_next() {
    let limits =
        Limits { reads_max: 1, timestamps_max: 1, certificates_max: 1, entries_max: 1, ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    let http = site.http(Identity::Nobody);
    for round in 0..2 {
        for (method, path, asked) in paths(&document(&site).await) {
            let call = http.request(method.clone(), site.public_url(&asked)).timeout(Duration::from_secs(60));
            let call = if method == Method::POST { call.body("{") } else { call };
            let status = call.send().await.unwrap().status().as_u16();
            assert_ne!(status, 503, "{round}: {method} {path}");
        }
    }
}
