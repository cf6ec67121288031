//! Entries that others bring to the log, over plain HTTP, as clients of Sigstore do.

use std::num::NonZeroU32;

use api::LogSearch;
use data_encoding::{BASE64, HEXLOWER};
use envelope::ToBeSigned;
use envelope::rekor::{Body, Verifier};
use identity::ApiKeyRecord;
use model::merkle::leaf_hash;
use model::{Algorithm, Digest, Instant};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};
use server::{Limits, LogSubmissions};
use testkit::Key;
use tlog::proof::verify_inclusion;
use tlog::{SignedCheckpoint, VerifierKey};

use crate::site::{Identity, Plan, Site, api_key};

const PATH: &str = "/api/v2/log/entries";

/// A request for an entry by somebody's own key.
fn request(key: &Key, message: &[u8]) -> Value {
    let to_be_signed = ToBeSigned::Message(message.to_vec());
    let verifier = Verifier::PublicKey(key.public());
    let body = Body::new(&to_be_signed, &key.sign(message), verifier).unwrap().encode();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let spec = &body["spec"]["hashedRekordV002"];
    json!({ "hashedRekordRequestV002": { "digest": spec["data"]["digest"], "signature": spec["signature"] } })
}

async fn post(site: &Site, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = site.http(Identity::Nobody).post(site.public_url(PATH)).body(body);
    let answer = request.header(CONTENT_TYPE, "application/json").send().await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
    (status, answer.json().await.unwrap())
}

fn base64(value: &Value) -> Vec<u8> {
    BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

/// Checks an entry as a client would that knows the log's key alone; gives its index.
fn verify(entry: &Value, key: &VerifierKey) -> u64 {
    let integer = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(entry["kindVersion"], json!({ "kind": "hashedrekord", "version": "0.0.2" }));
    assert_eq!((&entry["integratedTime"], &entry["inclusionPromise"]), (&json!("0"), &json!(null)));
    assert_eq!(base64(&entry["logId"]["keyId"]), key.log_id().as_bytes());
    let proof = &entry["inclusionProof"];
    let checkpoint = SignedCheckpoint::open(proof["checkpoint"]["envelope"].as_str().unwrap(), key).unwrap();
    assert_eq!(base64(&proof["rootHash"]), checkpoint.root().as_bytes());
    assert_eq!(integer(&proof["treeSize"]), checkpoint.size());
    assert_eq!(proof["logIndex"], entry["logIndex"]);
    let hashes = proof["hashes"].as_array().unwrap();
    let path: Vec<Digest> = hashes.iter().map(|hash| Digest::from_slice(&base64(hash)).unwrap()).collect();
    let (index, leaf) = (integer(&entry["logIndex"]), leaf_hash(&base64(&entry["canonicalizedBody"])));
    verify_inclusion(&leaf, index, checkpoint.size(), checkpoint.root(), &path).unwrap();
    index
}

async fn log_key(site: &Site) -> VerifierKey {
    let root = site.public_client().trust_root().await.unwrap();
    let root = ::verify::TrustRoot::parse(&root).unwrap();
    root.logs().next().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_answered_with_its_proof_and_whoever_asks_again_gets_the_same_one() {
    let mut site = Site::start();
    let (key, log) = (Key::generate(Algorithm::EcdsaP256), log_key(&site).await);
    let (first, second) = (request(&key, b"first").to_string(), request(&key, b"second").to_string());
    let (status, entry) = post(&site, first.clone()).await;
    assert_eq!((status, verify(&entry, &log)), (201, 0), "{entry}");
    let many = (0..16).map(|_| post(&site, second.clone()));
    for (status, entry) in futures_of(many).await {
        assert_eq!((status, verify(&entry, &log)), (201, 1), "{entry}");
    }
    site.stop_server();
    site.start_server();
    let (status, entry) = post(&site, first).await;
    assert_eq!((status, verify(&entry, &log)), (201, 0), "{entry}");
    let checkpoint = site.http(Identity::Nobody).get(site.public_url("/api/v2/checkpoint"));
    let note = checkpoint.send().await.unwrap().text().await.unwrap();
    assert!(note.starts_with("2026.log.localhost\n2\n"), "{note}");
}

/// A value of a query.
fn escape(value: &str) -> String {
    value.replace('%', "%25").replace('+', "%2B").replace('=', "%3D").replace('&', "%26")
}

async fn futures_of<T>(many: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = many.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_told_in_the_words_of_grpc() {
    let site = Site::start();
    let good = request(&Key::generate(Algorithm::EcdsaP256), b"message");
    let mut forged = good.clone();
    forged["hashedRekordRequestV002"]["digest"] = json!(BASE64.encode(&[7; 32]));
    let mut unknown = good.clone();
    unknown["surprise"] = json!(true);
    let ed25519 = request(&Key::generate(Algorithm::Ed25519), b"message");
    for (body, status, code, message) in [
        (
            forged.to_string(),
            400,
            3,
            "the signature is not one by this key over what the request names: the signature does not verify with this key",
        ),
        (unknown.to_string(), 400, 3, "the body is not the JSON of a request for a log entry: unknown field"),
        (ed25519.to_string(), 400, 3, "`keyDetails` is `PKIX_ED25519`; taken are"),
        ("{".to_owned(), 400, 3, "the body is not the JSON of a request for a log entry: EOF"),
        (" ".repeat(4 * 1024 * 1024 + 1), 413, 3, "the body is larger than the 4194304 bytes"),
    ] {
        let (found, answer) = post(&site, body).await;
        assert_eq!(
            (found, &answer["code"], &answer["details"]),
            (status, &json!(code), &json!([])),
            "{answer}"
        );
        assert!(answer["message"].as_str().unwrap().starts_with(message), "{answer}");
    }
    let get = site.http(Identity::Nobody).get(site.public_url(PATH)).send().await.unwrap();
    assert_eq!((get.status().as_u16(), get.headers()["allow"].to_str().unwrap()), (405, "POST"));
    let answer: Value = get.json().await.unwrap();
    assert_eq!(answer["code"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_brings_so_many_a_second_and_a_full_log_says_when_to_come_back() {
    let limits = Limits { entries_per_second: NonZeroU32::MIN, ..Limits::default() };
    let site = Site::open(Plan { limits, ..Plan::default() });
    for _ in 0..8 {
        assert_eq!(post(&site, "{}").await.0, 400);
    }
    let request = site.http(Identity::Nobody).post(site.public_url(PATH)).body("{}");
    let answer = request.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()[RETRY_AFTER].to_str().unwrap()), (429, "1"));
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["code"], 8);
    drop(site);
    let site = Site::open(Plan { limits: Limits { entries_max: 0, ..Limits::default() }, ..Plan::default() });
    let (status, answer) = post(&site, "{}").await;
    assert_eq!((status, &answer["code"]), (503, &json!(14)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_takes_entries_from_whom_its_configuration_names() {
    let limits = |entries_from| Limits { entries_from, ..Limits::default() };
    let body = request(&Key::generate(Algorithm::EcdsaP256), b"message").to_string();
    let nobody = Site::open(Plan { limits: limits(LogSubmissions::Nobody), ..Plan::default() });
    let (status, answer) = post(&nobody, body.clone()).await;
    assert_eq!((status, &answer["code"]), (403, &json!(7)));
    drop(nobody);
    let (key, record): (_, ApiKeyRecord) =
        api_key(1, Instant::EPOCH.after(std::time::Duration::from_secs(1 << 33)));
    let plan = Plan { limits: limits(LogSubmissions::Callers), keys: vec![record], ..Plan::default() };
    let callers = Site::open(plan);
    let (status, answer) = post(&callers, body.clone()).await;
    assert_eq!((status, &answer["code"]), (401, &json!(16)));
    let request = callers.http(Identity::Nobody).post(callers.public_url(PATH)).body(body);
    let answer = request.bearer_auth(key.expose()).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_by_what_they_tell_each_with_its_proof() {
    let site = Site::start();
    let log = log_key(&site).await;
    let (one, other) = (Key::generate(Algorithm::EcdsaP256), Key::generate(Algorithm::EcdsaP384));
    for (key, message) in [(&one, b"first"), (&one, b"other"), (&other, b"first")] {
        assert_eq!(post(&site, request(key, message).to_string()).await.0, 201);
    }
    let key_of = |key: &Key| HEXLOWER.encode(key.public().id().digest().as_bytes());
    let hint = BASE64.encode(one.public().id().digest().as_bytes());
    let search = async |query: &[(&str, &str)]| {
        let words: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let url = site.public_url(&format!("/v1/log/search?{}", words.join("&")));
        let request = site.http(Identity::Nobody).get(url);
        let found: LogSearch = request.send().await.unwrap().json().await.unwrap();
        let checkpoint = SignedCheckpoint::open(&found.checkpoint, &log).unwrap();
        assert_eq!((found.complete_to, checkpoint.size()), (3, 3));
        for entry in &found.entries {
            let leaf = leaf_hash(&entry.body.0);
            verify_inclusion(&leaf, entry.index, checkpoint.size(), checkpoint.root(), &entry.path).unwrap();
        }
        (found.entries.iter().map(|entry| entry.index).collect::<Vec<u64>>(), found.next)
    };
    let digest = format!("sha256:{}", Digest::of(b"first"));
    assert_eq!(search(&[("digest", &digest)]).await, (vec![0], None));
    assert_eq!(search(&[("key", &key_of(&one))]).await, (vec![0, 1], None));
    assert_eq!(search(&[("key", &hint), ("limit", "1")]).await, (vec![0], Some(1)));
    assert_eq!(search(&[("key", &hint), ("from", "1")]).await, (vec![1], None));
    assert_eq!(search(&[("key", &key_of(&other)), ("digest", &digest)]).await, (vec![], None));
    assert_eq!(search(&[("identity", "somebody@example.com")]).await, (vec![], None));
    assert_eq!(
        search(&[("since", "2026-01-01T00:00:00Z")]).await,
        (vec![], None),
        "a bare key tells no time"
    );
    for (query, detail) in [
        ("", "name what is looked for"),
        ("?digest=xyz", "`digest` is hexadecimal"),
        ("?key=00", "`key` is the SHA-256"),
        ("?wrong=1", "Failed to deserialize"),
    ] {
        let url = site.public_url(&format!("/v1/log/search{query}"));
        let refused = site.http(Identity::Nobody).get(url).send().await.unwrap();
        assert_eq!(refused.status(), 400);
        let problem: api::Problem = refused.json().await.unwrap();
        assert!(problem.detail.starts_with(detail), "{}", problem.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_of_an_id_token_is_found_by_name_issuer_and_time() {
    let site = Site::start();
    let body = include_str!("../../../envelope/tests/vectors/worked-example/keyless/log-body.json");
    let terms = Body::parse(body.as_bytes()).unwrap().terms();
    let body: Value = serde_json::from_str(body).unwrap();
    let spec = &body["spec"]["hashedRekordV002"];
    let entry = json!({ "digest": spec["data"]["digest"], "signature": spec["signature"] });
    let asked = json!({ "hashedRekordRequestV002": entry }).to_string();
    assert_eq!(post(&site, request(&Key::generate(Algorithm::EcdsaP256), b"other").to_string()).await.0, 201);
    assert_eq!(post(&site, asked).await.0, 201);
    let search = async |query: String| {
        let url = site.public_url(&format!("/v1/log/search?{query}"));
        let found = site.http(Identity::Nobody).get(url).send().await.unwrap();
        let found: LogSearch = found.json().await.unwrap();
        found.entries.iter().map(|entry| entry.index).collect::<Vec<u64>>()
    };
    let (identity, issuer) = (escape(&terms.identity.unwrap()), escape(&terms.issuer.unwrap()));
    let (begin, end) = terms.validity.unwrap();
    let second = std::time::Duration::from_secs(1);
    for (query, expected) in [
        (format!("identity={identity}"), vec![1]),
        (format!("identity={identity}&issuer={issuer}"), vec![1]),
        (format!("identity={identity}x"), vec![]),
        (format!("issuer={issuer}&since={end}&until={begin}"), vec![1]),
        (format!("identity={identity}&since={}", end.after(second)), vec![]),
        (format!("until={}", begin.before(second)), vec![]),
        (format!("until={begin}"), vec![1]),
    ] {
        assert_eq!(search(query.clone()).await, expected, "{query}");
    }
}
