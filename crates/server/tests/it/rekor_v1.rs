//! The API of Rekor v1, as clients use it that know no later one.

use data_encoding::{BASE64, HEXLOWER};
use envelope::rekor_v1::promise_to_be_signed;
use model::merkle::leaf_hash;
use model::{Algorithm, Digest, Hash, PublicKey};
use pki::{pem_block, public_key_pem};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use testkit::Key;
use tlog::proof::{verify_consistency, verify_inclusion};
use tlog::{SignedCheckpoint, VerifierKey};

use crate::site::{Identity, Site};

const PATH: &str = "/api/v1/log/entries";

/// What a client proposes: a signature by somebody's own key.
fn proposed(key: &Key, message: &[u8]) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": HEXLOWER.encode(&Hash::Sha256.digest(message)) } },
            "signature": {
                "content": BASE64.encode(&key.sign(message)),
                "publicKey": { "content": BASE64.encode(public_key_pem(&key.public()).as_bytes()) },
            },
        },
    })
}

async fn post(site: &Site, path: &str, body: &Value) -> (u16, Option<String>, Value) {
    let request = site.http(Identity::Nobody).post(site.public_url(path)).body(body.to_string());
    let answer = request.header(CONTENT_TYPE, "application/json").send().await.unwrap();
    let location = answer.headers().get(LOCATION).map(|at| at.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location, answer.json().await.unwrap())
}

async fn get(site: &Site, path: &str) -> (u16, Value) {
    let answer = site.http(Identity::Nobody).get(site.public_url(path)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The log's key, as clients fetch it to trust it.
async fn log_key(site: &Site) -> PublicKey {
    let request = site.http(Identity::Nobody).get(site.public_url("/api/v1/log/publicKey"));
    let pem = request.send().await.unwrap().text().await.unwrap();
    PublicKey::from_spki(&pem_block(&pem, "PUBLIC KEY").unwrap()).unwrap()
}

/// Checks an entry as a client would that knows the log's key alone; gives its name and its index.
fn verify(answer: &Value, key: &PublicKey) -> (String, u64) {
    let (name, entry) = answer.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let base64 = |value: &Value| BASE64.decode(text(value).as_bytes()).unwrap();
    let body = base64(&entry["body"]);
    let (index, time) = (entry["logIndex"].as_u64().unwrap(), entry["integratedTime"].as_u64().unwrap());
    assert_eq!(text(&entry["logID"]), key.id().digest().to_string());
    let promise = promise_to_be_signed(&body, time, key.id().digest(), index);
    key.verify(&promise, &base64(&entry["verification"]["signedEntryTimestamp"])).unwrap();
    let proof = &entry["verification"]["inclusionProof"];
    let note = text(&proof["checkpoint"]);
    let log = VerifierKey::of_rekor_v1(note.lines().next().unwrap(), key).unwrap();
    let checkpoint = SignedCheckpoint::open(&note, &log).unwrap();
    assert_eq!(text(&proof["rootHash"]), checkpoint.root().to_string());
    assert_eq!(proof["treeSize"].as_u64(), Some(checkpoint.size()));
    let hashes = proof["hashes"].as_array().unwrap();
    let path: Vec<Digest> = hashes.iter().map(|hash| text(hash).parse().unwrap()).collect();
    let leaf = leaf_hash(&body);
    verify_inclusion(&leaf, index, checkpoint.size(), checkpoint.root(), &path).unwrap();
    assert_eq!(*name, format!("{:016x}{leaf}", log.tree().unwrap()));
    (name.clone(), index)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_rekor_v1_has_a_proof_and_a_promise_and_whoever_brings_it_again_is_shown_where_it_is() {
    let mut site = Site::start();
    let (key, log) = (Key::generate(Algorithm::EcdsaP256), log_key(&site).await);
    let entry = proposed(&key, b"first");
    let (status, location, first) = post(&site, PATH, &entry).await;
    assert_eq!(status, 201, "{first}");
    let (name, index) = verify(&first, &log);
    assert_eq!((location.as_deref(), index), (Some(format!("{PATH}/{name}").as_str()), 0));
    let (status, location, said) = post(&site, PATH, &entry).await;
    assert_eq!((status, &said["code"]), (409, &json!(409)), "{said}");
    let (status, again) = get(&site, location.as_deref().unwrap()).await;
    assert_eq!((status, &again), (200, &first), "the promise is the same to the byte");
    let (status, _, second) = post(&site, PATH, &proposed(&key, b"second")).await;
    assert_eq!((status, verify(&second, &log).1), (201, 1));
    // After a restart, too, and under the newer checkpoint.
    site.stop_server();
    site.start_server();
    let (_, again) = get(&site, &format!("{PATH}/{}", &name[16..])).await;
    assert_eq!(verify(&again, &log), (name.clone(), 0));
    let promise = |answer: &Value| answer[&name]["verification"]["signedEntryTimestamp"].clone();
    assert_eq!(promise(&again), promise(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_rekor_v1_are_found_by_their_names_by_what_they_are_and_by_what_they_tell() {
    let site = Site::start();
    let (key, log) = (Key::generate(Algorithm::EcdsaP256), log_key(&site).await);
    let entries = [b"one", b"two"].map(|message| proposed(&key, message));
    let mut names = Vec::new();
    for entry in &entries {
        names.push(verify(&post(&site, PATH, entry).await.2, &log).0);
    }
    let retrieve = format!("{PATH}/retrieve");
    for asked in [
        json!({ "entryUUIDs": [names[1]] }),
        json!({ "entryUUIDs": [&names[1][16..]] }),
        json!({ "logIndexes": [1] }),
        json!({ "entries": [entries[1]] }),
    ] {
        let (status, _, found) = post(&site, &retrieve, &asked).await;
        assert_eq!((status, found.as_array().unwrap().len()), (200, 1), "{asked}");
        assert_eq!(verify(&found[0], &log).0, names[1], "{asked}");
    }
    let never = proposed(&key, b"never brought");
    assert_eq!(post(&site, &retrieve, &json!({ "entries": [never] })).await.2, json!([]));
    let digest = format!("sha256:{}", Digest::of(b"two"));
    let pem = BASE64.encode(public_key_pem(&key.public()).as_bytes());
    let index = "/api/v1/index/retrieve";
    assert_eq!(post(&site, index, &json!({ "hash": digest })).await.2, json!([names[1]]));
    let by_key = json!({ "publicKey": { "format": "x509", "content": pem } });
    assert_eq!(post(&site, index, &by_key).await.2, json!(names));
    assert_eq!(post(&site, index, &json!({ "email": "ada@example.com" })).await.2, json!([]));
    let (status, at) = get(&site, &format!("{PATH}?logIndex=1")).await;
    assert_eq!((status, verify(&at, &log).0), (200, names[1].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_rekor_v1_shows_its_head_and_that_it_only_grew() {
    let site = Site::start();
    let (key, log) = (Key::generate(Algorithm::EcdsaP256), log_key(&site).await);
    let (_, empty) = get(&site, "/api/v1/log").await;
    assert_eq!(empty["treeSize"], json!(0));
    let mut roots = Vec::new();
    for message in [b"a", b"b", b"c"] {
        post(&site, PATH, &proposed(&key, message)).await;
        let (_, head) = get(&site, "/api/v1/log").await;
        let note = head["signedTreeHead"].as_str().unwrap();
        let verifier = VerifierKey::of_rekor_v1(note.lines().next().unwrap(), &log).unwrap();
        let checkpoint = SignedCheckpoint::open(note, &verifier).unwrap();
        assert_eq!(head["treeID"], json!(verifier.tree().unwrap().to_string()));
        assert_eq!(head["rootHash"], json!(checkpoint.root().to_string()));
        roots.push(*checkpoint.root());
    }
    let (_, proof) = get(&site, "/api/v1/log/proof?firstSize=2&lastSize=3").await;
    let hashes = proof["hashes"].as_array().unwrap();
    let path: Vec<Digest> = hashes.iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
    verify_consistency(2, &roots[1], 3, &roots[2], &path).unwrap();
    assert_eq!(proof["rootHash"], json!(roots[2].to_string()));
    for sizes in ["lastSize=4", "firstSize=0&lastSize=2", "firstSize=3&lastSize=2", "firstSize=1", ""] {
        let (status, said) = get(&site, &format!("/api/v1/log/proof?{sizes}")).await;
        assert_eq!((status, &said["code"]), (400, &json!(400)), "{sizes}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rekor_v1_cannot_take_or_find_is_refused_in_words_that_its_clients_read() {
    let site = Site::start();
    let key = Key::generate(Algorithm::EcdsaP256);
    let mut other = proposed(&key, b"message");
    other["kind"] = "intoto".into();
    let (status, _, said) = post(&site, PATH, &other).await;
    assert_eq!((status, &said["code"]), (400, &json!(400)));
    assert!(said["message"].as_str().unwrap().contains("`intoto`"), "{said}");
    let mut forged = proposed(&key, b"message");
    forged["spec"]["signature"]["content"] = BASE64.encode(&key.sign(b"other")).into();
    let (status, _, said) = post(&site, PATH, &forged).await;
    assert!(status == 400 && said["message"].as_str().unwrap().contains("is not one by this key"), "{said}");
    for (path, expected) in [
        (format!("{PATH}/{}", Digest::of(b"no entry")), 404),
        (format!("{PATH}/{:016x}{}", 1, Digest::of(b"no entry")), 404),
        (format!("{PATH}/short"), 400),
        (format!("{PATH}?logIndex=0"), 404),
        (format!("{PATH}?logIndex=x"), 400),
    ] {
        let (status, said) = get(&site, &path).await;
        assert_eq!((status, &said["code"]), (expected, &json!(expected)), "{path}: {said}");
    }
    let retrieve = format!("{PATH}/retrieve");
    let many: Vec<u64> = (0..11).collect();
    for asked in [json!({}), json!({ "logIndexes": many }), json!({ "entryUUIDs": ["x"] })] {
        assert_eq!(post(&site, &retrieve, &asked).await.0, 400, "{asked}");
    }
    for asked in [json!({}), json!({ "hash": "sha1:00" }), json!({ "publicKey": { "content": "%" } })] {
        assert_eq!(post(&site, "/api/v1/index/retrieve", &asked).await.0, 400, "{asked}");
    }
}
