//! What others got wrong at their doors, tried at ours: each test names the advisories of which it is the lesson.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::{NewApiKey, Whoami};
use client::{Credential, Wait};
use model::{Clock as _, Instant};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use signerd::SystemClock;

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, PRINCIPAL, Site, profile};

const PATIENCE: Wait = Wait::Final(Duration::from_secs(60));

/// What would be the JSON of a request, and 64 KiB of spaces, by gzip.
const INFLATES: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff, 0xed, 0xc1, 1, 0xd, 0, 0, 0xc, 2, 0xa0, 0x2a, 0xef, 0xe9, 0xde,
    0x5d, 0x83, 0, 0xf9, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x80, 0x29, 0x4a, 0x43, 0xbe, 0x29, 2, 0, 1, 0,
];

/// GO-2023-1754: what a stranger had compressed was inflated without an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_not_inflated() {
    let site = Site::start();
    let http = site.http(Identity::First);
    for path in [site.url("/v1/requests"), site.public_url("/api/v1/timestamp")] {
        let sent = http.post(&path).header(CONTENT_TYPE, "application/json").header(CONTENT_ENCODING, "gzip");
        let answer = sent.body(INFLATES).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
        let text = answer.text().await.unwrap();
        assert!(text.contains("is not the JSON of this path") || text.contains("Encoding"), "{path}: {text}");
    }
}

/// CVE-2025-66506, CVE-2025-66564: a text of nothing but separators was split, for sixteen times its memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_nothing_but_separators_is_bounded_and_told_in_a_few_letters() {
    let site = Site::start();
    let http = site.http(Identity::First);
    let url = site.public_url("/api/v1/timestamp");
    let small = http.post(&url).header(CONTENT_TYPE, "/".repeat(4_000)).body("{}").send().await.unwrap();
    assert_eq!(small.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let text = small.text().await.unwrap();
    assert!(text.len() < 1_000, "{} bytes come back", text.len());
    for (name, byte) in [("content-type", ";"), ("authorization", "."), ("authorization", "_")] {
        let sent = http.post(site.url("/v1/requests")).header(name, byte.repeat(64 * 1024)).body("{}");
        // Refused by the first who reads it, whether or not the answer arrives before the connection ends.
        if let Ok(answer) = sent.send().await {
            assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{name}");
        }
    }
}

/// CVE-2025-54996, CVE-2025-64761: who could use an interface for identities made an administrator of themselves.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_reaches_no_administration() {
    let site = Site::start();
    let http = site.http(Identity::First);
    let bodies = [
        ("/v1/admin/principals", r#"{"name":"root","spaces":["platform"]}"#.to_owned()),
        ("/v1/admin/profiles", serde_json::to_string(&profile("default/mine")).unwrap()),
        ("/v1/admin/api-keys", format!(r#"{{"principal":"{PRINCIPAL}","spaces":["platform"]}}"#)),
        ("/v1/admin/registry/refresh", "{}".to_owned()),
    ];
    for (path, body) in &bodies {
        for url in [site.url(path), site.public_url(path), site.monitor_url(path)] {
            let sent = http.post(&url).header(CONTENT_TYPE, "application/json").body(body.clone());
            let status = sent.send().await.unwrap().status();
            assert_eq!(status, StatusCode::NOT_FOUND, "{url}");
        }
    }
    let admin = site.admin();
    assert_eq!(admin.profiles(None).await.unwrap().items.len(), 2);
    assert_eq!(admin.principals(None).await.unwrap().items.len(), 1);
}

/// CVE-2020-16250, CVE-2020-16251: a proof was read out of what the client had sent, and not put together again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_says_of_itself_in_a_header_is_not_believed() {
    let site = Site::start();
    let me: Whoami = site.first_client().whoami().await.unwrap();
    let other = "prn_00000000000000000000000000";
    let claims = [
        ("x-forwarded-client-cert", "Subject=\"CN=admin\""),
        ("x-ssl-client-cert", "admin"),
        ("x-remote-user", "admin"),
        ("x-forwarded-user", "admin"),
        ("forwarded", "for=127.0.0.1;host=localhost"),
        ("x-avouch-principal", other),
    ];
    let (nobody, first) = (site.http(Identity::Nobody), site.http(Identity::First));
    for (name, value) in claims {
        let ask = |http: &reqwest::Client| http.get(site.url("/v1/whoami")).header(name, value).send();
        assert_eq!(ask(&nobody).await.unwrap().status(), StatusCode::UNAUTHORIZED, "{name}");
        let told: Whoami = ask(&first).await.unwrap().json().await.unwrap();
        assert_eq!(told.requester.principal, me.requester.principal, "{name}");
    }
}

/// CVE-2025-62705: a field of bytes stood in the audit record as it was.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_caller_stands_in_any_book() {
    let mut site = Site::start();
    let expires: Instant = SystemClock.now().after(Duration::from_secs(600)).whole_second();
    let new = NewApiKey { principal: PRINCIPAL, spaces: vec![space("default")], profiles: None, expires };
    let issued = site.admin().issue_api_key(&new).await.unwrap();
    let client = site.client(Credential::ApiKey(issued.key.clone()));
    let view = client.profile(&space("default")).await.unwrap();
    client.submit(&compose(&view, 1, b"an artifact"), None, PATIENCE).await.unwrap();
    site.stop_server();
    let secret = issued.key.clone();
    let secret = secret.rsplit('_').next().unwrap();
    let raw = data_encoding::BASE32_NOPAD.decode(secret.to_uppercase().as_bytes()).unwrap();
    let id = issued.view.id.to_string();
    let id = id.rsplit('_').next().unwrap();
    let id_raw = data_encoding::BASE32_NOPAD.decode(id.to_uppercase().as_bytes()).unwrap();
    let mut named = false;
    for file in files(&site.config.folder) {
        let bytes = std::fs::read(&file).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(secret.as_bytes()) && !holds(&raw), "{}", file.display());
        named |= holds(&id_raw) || holds(id.as_bytes());
    }
    assert!(named, "the key's name stands nowhere: nothing was looked at");
}

/// Every file below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}
