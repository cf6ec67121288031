//! Entries that clients of Rekor v1 ask for: what becomes of them, and what is refused.

use data_encoding::{BASE64, HEXLOWER};
use envelope::rekor_v1::{EntryId, Promise, ProposedEntry, ProposedError, answer, terms};
use model::receipt::LogEntry;
use model::{Algorithm, Base64, Digest, Hash, Instant};
use pki::{CertificateProfile, public_key_pem};
use serde_json::{Value, json};

use crate::support::{Key, Signer};

const ARTIFACT: &[u8] = b"artifact";

fn proposed(hash: Hash, pem: &str, signature: &[u8]) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": hash.word(), "value": HEXLOWER.encode(&hash.digest(ARTIFACT)) } },
            "signature": {
                "content": BASE64.encode(signature),
                "publicKey": { "content": BASE64.encode(pem.as_bytes()) },
            },
        },
    })
}

fn by(key: &Key) -> Value {
    proposed(Hash::Sha256, &public_key_pem(&key.public()), &key.sign(ARTIFACT))
}

fn parse(entry: &Value) -> Result<ProposedEntry, ProposedError> {
    ProposedEntry::parse(entry.to_string().as_bytes())
}

#[test]
fn an_entry_is_logged_in_the_spelling_that_every_client_recomputes() {
    let entry = by(&Key::generate(Algorithm::EcdsaP256));
    let canonical = parse(&entry).unwrap();
    assert_eq!(canonical.bytes(), entry.to_string().as_bytes(), "it was canonical already");
    // What is not needed is not logged, and a digest has one spelling.
    let mut more = entry.clone();
    more["spec"]["data"]["url"] = "https://example.com".into();
    more["spec"]["signature"]["format"] = "x509".into();
    let value = more["spec"]["data"]["hash"]["value"].as_str().unwrap().to_uppercase();
    more["spec"]["data"]["hash"]["value"] = value.into();
    assert_eq!(parse(&more).unwrap(), canonical);
}

#[test]
fn an_entry_is_found_by_its_digest_its_key_and_whom_its_certificate_names() {
    let key = Key::generate(Algorithm::EcdsaP256);
    let told = terms(parse(&by(&key)).unwrap().bytes()).unwrap();
    assert_eq!((told.digest.as_slice(), told.key), (&Hash::Sha256.digest(ARTIFACT)[..], key.public().id()));
    assert_eq!(told.identity, None);
    let signer = Signer::new(Algorithm::EcdsaP256, &CertificateProfile::CodeSigning);
    let entry = proposed(Hash::Sha256, &signer.certificate.to_pem(), &signer.key.sign(ARTIFACT));
    let told = terms(parse(&entry).unwrap().bytes()).unwrap();
    assert_eq!(told.identity, Some(signer.certificate.subject_text()));
    assert_eq!(terms(b"{}"), None);
}

#[test]
fn every_algorithm_that_is_verified_by_a_digest_is_taken_and_no_other() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa3072] {
        let key = Key::generate(algorithm);
        let hash = algorithm.hash().unwrap();
        parse(&proposed(hash, &public_key_pem(&key.public()), &key.sign(ARTIFACT))).unwrap();
    }
    let key = Key::generate(Algorithm::Ed25519);
    assert!(matches!(parse(&by(&key)), Err(ProposedError::Signature(_))));
}

#[test]
fn what_does_not_verify_or_is_of_another_kind_is_refused_each_in_its_own_words() {
    let key = Key::generate(Algorithm::EcdsaP256);
    let good = by(&key);
    let bent = |pointer: &str, value: Value| {
        let mut entry = good.clone();
        *entry.pointer_mut(pointer).unwrap() = value;
        parse(&entry).unwrap_err().to_string()
    };
    let pem = public_key_pem(&key.public());
    let b64 = |text: &str| Value::from(BASE64.encode(text.as_bytes()));
    let other = public_key_pem(&Key::generate(Algorithm::EcdsaP256).public());
    for (pointer, value, expected) in [
        ("/kind", json!("dsse"), "kind `dsse` version `0.0.1`"),
        ("/kind", json!("intoto"), "only `hashedrekord` 0.0.1"),
        ("/apiVersion", json!("0.0.2"), "version `0.0.2`"),
        ("/spec", json!({}), "missing field `data`"),
        ("/spec/data/hash/algorithm", json!("sha512"), "`sha512`"),
        ("/spec/data/hash/algorithm", json!("md5"), "`md5`"),
        ("/spec/data/hash/value", json!("00"), "is not a SHA-256"),
        ("/spec/data/hash/value", json!(HEXLOWER.encode(&Hash::Sha256.digest(b"x"))), "signature is not one"),
        ("/spec/signature/content", json!(""), "signature is not one"),
        ("/spec/signature/content", json!("%"), "signature is not one"),
        ("/spec/signature/publicKey/content", b64(&other), "signature is not one"),
        ("/spec/signature/publicKey/content", b64("no PEM"), "in PEM"),
        ("/spec/signature/publicKey/content", b64(&format!("{pem}{pem}")), "in PEM"),
        ("/spec/signature/publicKey/content", json!("%"), "in PEM"),
        (
            "/spec/signature/publicKey/content",
            b64("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            "the verifier cannot be read",
        ),
    ] {
        let text = bent(pointer, value);
        assert!(text.contains(expected), "{pointer}: {text}");
    }
    assert!(matches!(ProposedEntry::parse(b"{"), Err(ProposedError::Json(_))));
}

#[test]
fn an_answer_says_everything_twice_that_clients_look_for_in_two_places() {
    let leaf = Digest::of(b"leaf");
    let id = EntryId { tree: Some(2_026), leaf };
    let root = Digest::of(b"root");
    let checkpoint = format!("log - 2026\n9\n{}\n\n\u{2014} log AAAAAAAA\n", BASE64.encode(root.as_bytes()));
    let entry = LogEntry { index: 7, body: Base64(b"body".to_vec()), path: vec![leaf], checkpoint };
    let promise = Promise { time: Instant::from_seconds(11), signature: vec![1, 2, 3] };
    let log = Digest::of(b"key");
    let json = serde_json::to_value(answer(id, &log, &entry, &promise).unwrap()).unwrap();
    let expected = json!({ format!("00000000000007ea{leaf}"): {
        "body": "Ym9keQ==",
        "integratedTime": 11,
        "logID": log.to_string(),
        "logIndex": 7,
        "verification": {
            "inclusionProof": {
                "checkpoint": entry.checkpoint,
                "hashes": [leaf.to_string()],
                "logIndex": 7,
                "rootHash": root.to_string(),
                "treeSize": 9,
            },
            "signedEntryTimestamp": "AQID",
        },
    }});
    assert_eq!(json, expected);
}

#[test]
fn an_entry_is_named_by_its_leaf_with_or_without_the_tree_and_by_nothing_else() {
    let leaf = Digest::of(b"leaf");
    for id in [EntryId { tree: None, leaf }, EntryId { tree: Some(u64::MAX), leaf }] {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let text = leaf.to_string();
    for bad in [String::new(), text[1..].into(), text.to_uppercase(), format!("{text}00"), "é".repeat(40)] {
        assert!(bad.parse::<EntryId>().is_err(), "{bad}");
    }
}
