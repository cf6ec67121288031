//! What anybody reads: the log, timestamps, the trust root.

use std::fs;
use std::time::Duration;

use client::Wait;
use envelope::timestamp::{Authority, CertificateWish, Imprint, Request, Stamped, open, verify};
use model::Hash;
use pki::Certificate;
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, Site};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_as_tlog_tiles_has_it() {
    let site = Site::start();
    let client = site.first_client();
    let view = client.profile(&space("default")).await.unwrap();
    client
        .submit(&compose(&view, 1, b"an artifact"), None, Wait::Final(Duration::from_secs(60)))
        .await
        .unwrap();
    let http = site.http(Identity::Nobody);
    let read = async |path: &str| http.get(site.public_url(path)).send().await.unwrap();

    let checkpoint = read("/api/v2/checkpoint").await;
    assert_eq!(checkpoint.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(checkpoint.headers()[CACHE_CONTROL], "no-cache");
    let note = checkpoint.text().await.unwrap();
    assert!(note.starts_with("2026.log.localhost\n2\n"), "{note}");
    let tile = read("/api/v2/tile/0/000.p/2").await;
    assert_eq!(tile.headers()[CONTENT_TYPE], "application/octet-stream");
    assert_eq!(tile.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(tile.bytes().await.unwrap().len(), 64);
    assert_eq!(read("/api/v2/tile/entries/000.p/2").await.status(), 200);
    for path in ["/api/v2/tile/0/000.p/3", "/api/v2/tile/0/../../store.sqlite", "/api/v2/tile/9/000"] {
        let missing = read(path).await;
        assert_eq!(missing.status(), 404, "{path}");
        assert_eq!(missing.headers()[CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_are_given_for_der_and_for_json_and_verify_with_the_chain() {
    let site = Site::start();
    let http = site.http(Identity::Nobody);
    let chain = site.public_client().timestamp_chain().await.unwrap();
    let chain = Certificate::chain_from_pem(std::str::from_utf8(&chain).unwrap()).unwrap();
    let (root, leaf) = (chain.last().unwrap().clone(), chain.first().unwrap().clone());
    let ask = async |content_type: &str, body: Vec<u8>| {
        let url = site.public_url("/api/v1/timestamp");
        http.post(url).header(CONTENT_TYPE, content_type).body(body).send().await.unwrap()
    };
    let imprint = Imprint::of(Hash::Sha256, b"a signature");
    let query =
        Request { imprint, policy: None, nonce: Some(vec![0, 0xff]), certificate: CertificateWish::Embedded };
    let hash = data_encoding::BASE64.encode(&Hash::Sha256.digest(b"a signature"));
    let json =
        format!(r#"{{"artifactHash":"{hash}","hashAlgorithm":"sha256","certificates":true,"nonce":255}}"#);
    let bare = format!(r#"{{"artifactHash":"{hash}","hashAlgorithm":"sha256"}}"#);
    for (content_type, body, nonce, embedded) in [
        ("application/timestamp-query", query.encode().unwrap(), Some(vec![0, 0xff]), 1),
        ("application/json", json.into_bytes(), Some(vec![0, 0xff]), 1),
        ("application/json; charset=utf-8", bare.into_bytes(), None, 0),
    ] {
        let answer = ask(content_type, body).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/timestamp-reply");
        let token = open(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(token.tst_info().nonce, nonce);
        assert_eq!(token.certificates().len(), embedded);
        let (certificates, roots) = ([leaf.clone()], [root.clone()]);
        let authority = Authority { certificates: &certificates, roots: &roots };
        verify(&token, Stamped::Bytes(b"a signature"), authority).unwrap();
        assert!(verify(&token, Stamped::Bytes(b"another"), authority).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_timestamp_requests_get_a_rejection_in_der_or_a_problem() {
    let site = Site::start();
    let http = site.http(Identity::Nobody);
    let ask = async |content_type: &str, body: &str| {
        let url = site.public_url("/api/v1/timestamp");
        let answer =
            http.post(url).header(CONTENT_TYPE, content_type).body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    let (status, der) = ask("application/timestamp-query", "not DER").await;
    assert_eq!(status, 200);
    let text = open(&der).unwrap_err().to_string();
    assert_eq!(text, "the timestamp authority refused, with status 2: `not the DER of a timestamp request`");
    for (content_type, body, status, detail) in [
        (
            "text/plain",
            "x",
            415,
            "the body is of type `text/plain`; this path takes `application/timestamp-query` or `application/json`",
        ),
        (
            "application/json",
            "{",
            400,
            "the body is not the JSON of this path: EOF while parsing an object at line 1 column 1",
        ),
        (
            "application/json",
            r#"{"artifactHash":"AAAA","hashAlgorithm":"sha256"}"#,
            400,
            "`artifactHash` is not the base64 of 32 bytes, as sha256 has them",
        ),
        (
            "application/json",
            r#"{"artifactHash":"AAAA","hashAlgorithm":"md5"}"#,
            400,
            "`hashAlgorithm` is `md5`; known are sha256, sha384 and sha512",
        ),
    ] {
        let (found, body) = ask(content_type, body).await;
        let problem: api::Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((found, problem.detail.as_str()), (status, detail));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_asks_for_a_timestamp_and_accepts_it() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let site = Site::start();
    let folder = testkit::temp_folder();
    let run = |arguments: &[&str]| {
        openssl.command().current_dir(folder.path()).args(arguments).output().unwrap().status.success()
    };
    fs::write(folder.path().join("data"), "a signature").unwrap();
    assert!(run(&["ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query.tsq"]));
    let query = fs::read(folder.path().join("query.tsq")).unwrap();
    let url = site.public_url("/api/v1/timestamp");
    let request =
        site.http(Identity::Nobody).post(url).header(CONTENT_TYPE, "application/timestamp-query").body(query);
    let reply = request.send().await.unwrap().bytes().await.unwrap();
    fs::write(folder.path().join("reply.tsr"), &reply).unwrap();
    fs::write(folder.path().join("chain.pem"), site.public_client().timestamp_chain().await.unwrap())
        .unwrap();
    let verify = ["ts", "-verify", "-queryfile", "query.tsq", "-in", "reply.tsr", "-CAfile", "chain.pem"];
    assert!(run(&verify));
    let mut tampered = reply.to_vec();
    *tampered.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join("reply.tsr"), tampered).unwrap();
    assert!(!run(&verify));
}
