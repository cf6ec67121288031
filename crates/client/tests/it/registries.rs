//! Registries that do what none should: every test is a server that lies, and what a client makes of it.

use std::sync::{Arc, Mutex};

use client::oci::{Listed, Login, OciError, REFERRERS_MAX, Reach, Referrers, RepositoryClient};
use formats::oci::{Attached, BUNDLE, Descriptor, Index, MEDIA_IMAGE, MEDIA_INDEX, Proof};
use model::{Digest, Instant};
use serde_json::json;
use testkit::{Asked, HttpSite, Reply, TlsPeriod, TlsRoot};

/// A repository at a site.
fn at(site: &HttpSite, login: Login) -> RepositoryClient {
    let repository = format!("{}/team/app", site.url().trim_start_matches("http://")).parse().unwrap();
    RepositoryClient::new(repository, &Reach { login, ..Reach::default() }).unwrap()
}

fn ada() -> Login {
    Login::Password { user: "ada".to_owned(), password: "secret".to_owned() }
}

fn manifest() -> Vec<u8> {
    let config = Descriptor::of("application/vnd.oci.empty.v1+json", b"{}");
    json!({"schemaVersion": 2, "mediaType": MEDIA_IMAGE, "config": config, "layers": []}).to_string().into()
}

fn said(kind: &str, body: Vec<u8>) -> Reply {
    Reply::Say(200, vec![format!("content-type: {kind}")], body)
}

/// CVE-2023-33959: a registry gave another artifact than was verified.
#[tokio::test]
async fn other_bytes_than_those_that_were_asked_for_by_their_digest_are_refused() {
    let site = HttpSite::serve(|asked| match asked.path() {
        path if path.contains("/blobs/") => said("application/octet-stream", b"evil".to_vec()),
        _ => said(MEDIA_IMAGE, manifest()),
    });
    let client = at(&site, Login::Anonymous);
    let good = Digest::of(&manifest());
    assert_eq!(client.manifest(&good).await.unwrap().unwrap().digest, good);
    let error = client.manifest(&Digest::of(b"another")).await.unwrap_err();
    assert!(matches!(error, OciError::OtherDigest { .. }), "{error}");
    let error = client.blob(&Descriptor::of(BUNDLE, b"good"), 1024).await.unwrap_err();
    assert!(matches!(error, OciError::OtherDigest { .. }), "{error}");
    // Neither is more read than a descriptor says, nor what one says that says too much.
    let error = client.blob(&Descriptor::of(BUNDLE, b"goo"), 1024).await.unwrap_err();
    assert!(matches!(error, OciError::TooLong { limit: 3, .. }), "{error}");
    let error = client.blob(&Descriptor::of(BUNDLE, &[0; 1025]), 1024).await.unwrap_err();
    assert!(matches!(error, OciError::TooLong { limit: 1024, .. }), "{error}");
}

#[tokio::test]
async fn what_is_too_long_or_is_no_manifest_or_is_two_of_them_is_not_taken() {
    let site = HttpSite::serve(|asked| match asked.path().rsplit('/').next().unwrap() {
        "huge" => said(MEDIA_IMAGE, vec![b' '; 4 * 1024 * 1024 + 1]),
        "other" => said(MEDIA_INDEX, manifest()),
        "page" => said("text/html", b"<html>".to_vec()),
        _ => Reply::status(404),
    });
    let client = at(&site, Login::Anonymous);
    assert!(matches!(client.tagged("huge").await, Err(OciError::TooLong { .. })));
    assert!(matches!(client.tagged("other").await, Err(OciError::Manifest { .. })));
    assert!(matches!(client.tagged("page").await, Err(OciError::Manifest { .. })));
    assert_eq!(client.tagged("none").await.unwrap(), None);
}

/// GO-2023-1829, GO-2023-1831: signatures without number were looked at.
#[tokio::test]
async fn a_list_without_end_is_given_up_and_its_pages_are_of_one_registry() {
    let index = || Index::empty().encode();
    let next = |to: &str| vec![format!("content-type: {MEDIA_INDEX}"), format!("link: <{to}>; rel=\"next\"")];
    let endless = HttpSite::serve(move |asked| Reply::Say(200, next(&asked.target), index()));
    let image = Digest::of(b"image");
    let error = at(&endless, Login::Anonymous).referrers(&image).await.unwrap_err();
    assert!(matches!(error, OciError::Endless { pages: 64, .. }), "{error}");
    assert_eq!(endless.asked(), 64);
    let mut many = Index::empty();
    many.manifests = vec![Descriptor::of(MEDIA_IMAGE, b"one"); REFERRERS_MAX + 1];
    let many = many.encode();
    let crowded = HttpSite::serve(move |_| said(MEDIA_INDEX, many.clone()));
    let error = at(&crowded, Login::Anonymous).referrers(&image).await.unwrap_err();
    assert!(matches!(error, OciError::Endless { pages: 1, .. }), "{error}");

    let elsewhere = HttpSite::serve(move |_| said(MEDIA_INDEX, index()));
    let away = format!("{}/v2/", elsewhere.url());
    let site = HttpSite::serve(move |_| Reply::Say(200, next(&away), index()));
    let error = at(&site, Login::Anonymous).referrers(&image).await.unwrap_err();
    assert!(matches!(error, OciError::Elsewhere { .. }), "{error}");
    assert_eq!(elsewhere.asked(), 0);
}

/// CVE-2020-15157: whoever a registry redirected to was told the password.
#[tokio::test]
async fn a_redirect_to_another_host_takes_no_login_along() {
    let told: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let heard = Arc::clone(&told);
    let store = HttpSite::serve(move |asked| {
        heard.lock().unwrap().push(asked.clone());
        said("application/octet-stream", b"good".to_vec())
    });
    let away = format!("location: {}/store", store.url());
    let site = HttpSite::serve(move |asked| match asked.header("authorization") {
        None => Reply::Say(401, vec!["www-authenticate: Basic realm=\"r\"".to_owned()], Vec::new()),
        Some(_) => Reply::Say(307, vec![away.clone()], Vec::new()),
    });
    let bytes = at(&site, ada()).blob(&Descriptor::of(BUNDLE, b"good"), 1024).await.unwrap();
    assert_eq!(bytes, b"good");
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0].header("authorization").is_none(), "{told:?}");
}

#[tokio::test]
async fn a_redirect_goes_not_round_in_circles_and_to_no_other_kind_of_address() {
    for to in ["/v2/again", "file:///etc/passwd", "ftp://127.0.0.1/", "http://user:pass@127.0.0.1/", ""] {
        let site = HttpSite::serve(move |_| Reply::Say(302, vec![format!("location: {to}")], Vec::new()));
        let error = at(&site, Login::Anonymous).tagged("a").await.unwrap_err();
        assert!(matches!(error, OciError::Elsewhere { .. }), "{to}: {error}");
        assert!(site.asked() <= 4, "{to}");
    }
}

#[tokio::test]
async fn whoever_a_registry_sends_those_who_log_in_to_is_told_nothing_where_they_are_not_its_own() {
    let authority = HttpSite::serve(|_| Reply::json(&json!({"token": "t"})));
    let realm = format!("{}/token", authority.url().replace("127.0.0.1", "localhost"));
    let challenge = format!("www-authenticate: Bearer realm=\"{realm}\",service=\"s\"");
    let site = HttpSite::serve(move |asked| match asked.header("authorization") {
        Some("Bearer t") => said(MEDIA_IMAGE, manifest()),
        _ => Reply::Say(401, vec![challenge.clone()], Vec::new()),
    });
    let error = at(&site, ada()).tagged("a").await.unwrap_err();
    assert!(matches!(error, OciError::ForeignRealm { .. }), "{error}");
    assert!(error.to_string().contains("--registry-realm"), "{error}");
    assert_eq!(authority.asked(), 0);
    // Whoever names it means it; and whoever does not log in has nothing to lose.
    let repository = at(&site, Login::Anonymous).repository().clone();
    let named = Reach { login: ada(), realm: Some(realm), ..Reach::default() };
    assert!(RepositoryClient::new(repository, &named).unwrap().tagged("a").await.unwrap().is_some());
    assert!(at(&site, Login::Anonymous).tagged("a").await.unwrap().is_some());
    // A realm in plain text, elsewhere, or that is no address at all is asked by nobody.
    for realm in ["http://auth.example.com/token", "/token", "file:///etc/passwd"] {
        let challenge = format!("www-authenticate: Bearer realm=\"{realm}\"");
        let site = HttpSite::serve(move |_| Reply::Say(401, vec![challenge.clone()], Vec::new()));
        let error = at(&site, Login::Anonymous).tagged("a").await.unwrap_err();
        assert!(matches!(error, OciError::ForeignRealm { .. }), "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_token_is_for_what_is_done_and_for_no_more_than_that_whatever_the_registry_asks() {
    let asked_for: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&asked_for);
    let site = HttpSite::serve(move |asked| {
        if asked.path() == "/token" {
            heard.lock().unwrap().push(asked.target.clone());
            return Reply::json(&json!({"access_token": "t"}));
        }
        let host = asked.header("host").unwrap();
        let challenge = format!(
            "www-authenticate: Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:other:pull,push\""
        );
        match asked.header("authorization") {
            Some("Bearer t") => said(MEDIA_IMAGE, manifest()),
            _ => Reply::Say(401, vec![challenge], Vec::new()),
        }
    });
    let client = at(&site, ada());
    client.tagged("a").await.unwrap();
    client.tagged("b").await.unwrap();
    let asked_for = asked_for.lock().unwrap();
    assert_eq!(*asked_for, ["/token?service=s&scope=repository%3Ateam%2Fapp%3Apull"]);
}

#[tokio::test]
async fn a_registry_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let calls: Mutex<u32> = Mutex::default();
    let site = HttpSite::serve(move |_| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        match *calls {
            1 => Reply::Say(429, vec!["retry-after: 0".to_owned()], Vec::new()),
            2 => Reply::Say(503, vec!["retry-after: 0".to_owned()], Vec::new()),
            _ => said(MEDIA_IMAGE, manifest()),
        }
    });
    assert!(at(&site, Login::Anonymous).tagged("a").await.unwrap().is_some());
    let denied = json!({"errors": [{"code": "DENIED", "message": "not you"}]}).to_string().into_bytes();
    let site = HttpSite::serve(move |_| Reply::Say(403, Vec::new(), denied.clone()));
    let error = at(&site, Login::Anonymous).tagged("a").await.unwrap_err();
    assert!(error.to_string().contains("refuses whoever does not log in: not you (DENIED)"), "{error}");
    assert_eq!(site.asked(), 1);
}

/// A registry that keeps no list, and loses what is put under the tag so many times.
fn forgetful(times: u32) -> HttpSite {
    let state: Mutex<(u32, Option<Vec<u8>>)> = Mutex::default();
    HttpSite::serve(move |asked| {
        let mut state = state.lock().unwrap();
        let is_list = asked.path().contains("/manifests/sha256-");
        match (asked.method.as_str(), is_list) {
            ("HEAD", _) => Reply::status(200),
            ("PUT", true) => {
                state.0 += 1;
                if state.0 > times {
                    state.1 = Some(asked.body.clone());
                }
                Reply::status(201)
            }
            ("PUT", false) => Reply::status(201),
            (_, true) => state.1.clone().map_or(Reply::status(404), |list| said(MEDIA_INDEX, list)),
            _ => Reply::status(404),
        }
    })
}

#[tokio::test]
async fn what_others_write_over_is_listed_again_and_in_the_end_it_is_said_that_it_is_lost() {
    let image = Digest::of(&manifest());
    let subject = Descriptor::of(MEDIA_IMAGE, &manifest());
    let attached =
        Attached::new(&subject, Proof::Bundle, b"{}", "https://example.com/t", Instant::from_seconds(1));
    let site = forgetful(1);
    let client = at(&site, Login::Anonymous);
    let (digest, listed) = client.attach(&image, &attached).await.unwrap();
    assert_eq!(listed, Listed::Tag(format!("sha256-{image}")));
    let Referrers::Tag(referrers) = client.referrers(&image).await.unwrap() else { panic!("a tag") };
    let [one] = &referrers[..] else { panic!("{referrers:?}") };
    assert_eq!(one.digest.sha256(), Some(&digest));
    assert_eq!(one.artifact_type.as_deref(), Some(BUNDLE));
    // Once more changes nothing.
    client.attach(&image, &attached).await.unwrap();
    assert_eq!(client.referrers(&image).await.unwrap().manifests().len(), 1);

    let error = at(&forgetful(9), Login::Anonymous).attach(&image, &attached).await.unwrap_err();
    assert!(matches!(error, OciError::Contended { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_is_believed_by_the_certificates_that_are_named_and_no_others() {
    let root = TlsRoot::new();
    let answer = |_: &Asked| said(MEDIA_IMAGE, manifest());
    let good = HttpSite::serve_tls(root.server("127.0.0.1", TlsPeriod::Now), answer);
    let expired = HttpSite::serve_tls(root.server("127.0.0.1", TlsPeriod::Past), answer);
    let elsewhere = HttpSite::serve_tls(root.server("registry.example.com", TlsPeriod::Now), answer);
    let ask = |site: &HttpSite, ca: &TlsRoot| {
        let (_, host) = site.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let port = host.rsplit(':').next().unwrap();
        let repository = format!("127.0.0.1:{port}/team/app").parse().unwrap();
        RepositoryClient::new(repository, &Reach { ca_pem: Some(ca.pem()), ..Reach::default() }).unwrap()
    };
    assert!(ask(&good, &root).tagged("a").await.unwrap().is_some());
    for (what, client) in [
        ("of another authority", ask(&good, &TlsRoot::new())),
        ("expired", ask(&expired, &root)),
        ("of another host", ask(&elsewhere, &root)),
    ] {
        let error = client.tagged("a").await.unwrap_err();
        assert!(matches!(error, OciError::Unreachable { .. }), "{what}: {error}");
    }
}
