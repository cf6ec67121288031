//! Entries that clients ask for: what becomes of a request, and what is refused.

use data_encoding::BASE64;
use envelope::ToBeSigned;
use envelope::bundle::{Bundle, Content};
use envelope::rekor::{Body, SubmittedBody, SubmittedError, Verifier, answer};
use model::receipt::LogEntry;
use model::{Algorithm, Base64, Digest, Hash};
use pki::CertificateProfile;
use serde_json::{Value, json};

use crate::support::{Key, Signer, example};

/// The request by which a client would have asked for this body.
fn request_for(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    let spec = &body["spec"]["hashedRekordV002"];
    json!({ "hashedRekordRequestV002": { "digest": spec["data"]["digest"], "signature": spec["signature"] } })
}

fn parse(request: &Value) -> Result<SubmittedBody, SubmittedError> {
    SubmittedBody::parse(request.to_string().as_bytes())
}

#[test]
fn a_request_becomes_the_bytes_that_every_client_recomputes() {
    for name in ["blob", "keyless", "dsse", "dsse-key"] {
        let body = example(&format!("{name}/log-body.json"));
        assert_eq!(parse(&request_for(&body)).unwrap().bytes(), body, "{name}");
    }
}

#[test]
fn a_request_for_an_attestation_is_logged_as_what_its_signature_is_over() {
    for name in ["dsse", "dsse-key"] {
        let body = example(&format!("{name}/log-body.json"));
        let Content::Dsse(envelope) =
            Bundle::from_json(&example(&format!("{name}/bundle.sigstore.json"))).unwrap().content
        else {
            panic!("an attestation");
        };
        let verifier = &request_for(&body)["hashedRekordRequestV002"]["signature"]["verifier"];
        let request = json!({ "dsseRequestV002": {
            "envelope": {
                "payload": BASE64.encode(&envelope.payload),
                "payloadType": envelope.payload_type,
                "signatures": [{ "sig": BASE64.encode(&envelope.signature), "keyid": "" }],
            },
            "verifiers": [verifier],
        }});
        assert_eq!(parse(&request).unwrap().bytes(), body, "{name}");
        let mut other = request.clone();
        other["dsseRequestV002"]["envelope"]["payloadType"] = "text/plain".into();
        assert!(matches!(parse(&other), Err(SubmittedError::Signature(_))), "{name}");
        let mut two = request;
        two["dsseRequestV002"]["verifiers"] = json!([verifier, verifier]);
        assert!(matches!(parse(&two), Err(SubmittedError::NotOne { field: "verifiers", count: 2 })));
    }
}

#[test]
fn what_protojson_may_spell_otherwise_is_the_same_request() {
    let body = example("keyless/log-body.json");
    let request = request_for(&body).to_string();
    let digits: String = request.replace("PKIX_ECDSA_P256_SHA_256", "5").replace("\"5\"", "5");
    let snake = request
        .replace("hashedRekordRequestV002", "hashed_rekord_request_v002")
        .replace("x509Certificate", "x509_certificate")
        .replace("rawBytes", "raw_bytes")
        .replace("keyDetails", "key_details");
    let url = request.replace('+', "-").replace("\\/", "/").replace('/', "_").replace("==\"", "\"");
    let null = request.replacen('{', r#"{"dsseRequestV002":null,"#, 1);
    for other in [digits, snake, url, null] {
        assert_ne!(other, request);
        assert_eq!(SubmittedBody::parse(other.as_bytes()).unwrap().bytes(), body, "{other}");
    }
}

#[test]
fn every_algorithm_that_can_be_verified_by_a_digest_is_taken_and_no_other() {
    for (algorithm, details) in [
        (Algorithm::EcdsaP256, "PKIX_ECDSA_P256_SHA_256"),
        (Algorithm::EcdsaP384, "PKIX_ECDSA_P384_SHA_384"),
        (Algorithm::Rsa3072, "PKIX_RSA_PKCS1V15_3072_SHA256"),
    ] {
        let signer = Signer::new(algorithm, &CertificateProfile::CodeSigning);
        let signature = signer.key.sign(b"message");
        let verifier = Verifier::Certificate(signer.certificate);
        let body = Body::new(&ToBeSigned::Message(b"message".to_vec()), &signature, verifier).unwrap();
        let request = request_for(&body.encode());
        assert!(request.to_string().contains(details));
        assert_eq!(parse(&request).unwrap().bytes(), body.encode());
    }
    let key = Key::generate(Algorithm::Ed25519);
    let message = ToBeSigned::Message(b"message".to_vec());
    let verifier = Verifier::PublicKey(key.public());
    let body = Body::new(&message, &key.sign(b"message"), verifier).unwrap();
    let mut request = request_for(&body.encode());
    let refused = |request: &Value| parse(request).unwrap_err().to_string();
    assert!(
        refused(&request).starts_with("`keyDetails` is `PKIX_ED25519`; taken are `PKIX_ECDSA_P256_SHA_256`")
    );
    for details in [json!("PKIX_ED25519_PH"), json!("PKIX_ECDSA_P521_SHA_512"), json!(7), json!(null)] {
        request["hashedRekordRequestV002"]["signature"]["verifier"]["keyDetails"] = details;
        assert!(matches!(parse(&request), Err(SubmittedError::Algorithm { .. })), "{request}");
    }
}

#[test]
fn whatever_does_not_hold_is_refused_with_its_reason() {
    let good = request_for(&example("blob/log-body.json"));
    let changed = |pointer: &str, value: Value| {
        let mut request = good.clone();
        *request.pointer_mut(pointer).unwrap() = value;
        parse(&request).unwrap_err().to_string()
    };
    let at = |rest: &str| format!("/hashedRekordRequestV002{rest}");
    let zeros = BASE64.encode(&[0; 32]);
    for (pointer, value, expected) in [
        ("/digest", json!(zeros), "the signature is not one by this key over what the request names"),
        ("/digest", json!("AAAA"), "the digest has 3 bytes, where `PKIX_ECDSA_P256_SHA_256` needs 32"),
        ("/signature/content", json!(""), "the signature is not one by this key over what the request names"),
        ("/signature", json!(null), "the request has no `signature`"),
        ("/signature/verifier", json!(null), "the request has no `verifier`"),
        ("/signature/verifier/publicKey", json!(null), "the verifier cannot be read"),
        ("/signature/verifier/publicKey/rawBytes", json!("AAAA"), "the verifier cannot be read"),
        (
            "/signature/verifier/keyDetails",
            json!("PKIX_ECDSA_P384_SHA_384"),
            "`keyDetails` is `PKIX_ECDSA_P384_SHA_384`, and the key is one of `PKIX_ECDSA_P256_SHA_256`",
        ),
    ] {
        assert_eq!(changed(&at(pointer), value), expected, "{pointer}");
    }
    for (text, expected) in [
        ("{}", "a request names one entry"),
        (
            r#"{"hashedRekordRequestV001":{}}"#,
            "the body is not the JSON of a request for a log entry: unknown field",
        ),
    ] {
        let refused = SubmittedBody::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(refused.starts_with(expected) && !refused.contains("struct"), "{refused}");
    }
    let mut extra = good.clone();
    extra["hashedRekordRequestV002"]["more"] = json!(1);
    assert!(matches!(parse(&extra), Err(SubmittedError::Json(_))));
    let mut both = good;
    both["dsseRequestV002"] = json!({});
    assert!(matches!(parse(&both), Err(SubmittedError::NotOneEntry { count: 2 })));
}

#[test]
fn the_answer_writes_every_field_as_protobuf_does() {
    let body = example("blob/log-body.json");
    let root = BASE64.encode(&[7; 32]);
    let checkpoint = format!("log.example.com\n8\n{root}\n\n— log.example.com AAAA\n");
    let entry = LogEntry { index: 7, body: Base64(body.clone()), path: vec![Digest::ZERO], checkpoint };
    let json: Value = serde_json::from_slice(&answer(&Digest::of(b"log"), &entry).unwrap()).unwrap();
    let expected = json!({
        "logIndex": "7",
        "logId": { "keyId": BASE64.encode(&Hash::Sha256.digest(b"log")) },
        "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
        "integratedTime": "0",
        "inclusionPromise": null,
        "inclusionProof": {
            "logIndex": "7",
            "rootHash": root,
            "treeSize": "8",
            "hashes": [BASE64.encode(&[0; 32])],
            "checkpoint": { "envelope": entry.checkpoint },
        },
        "canonicalizedBody": BASE64.encode(&body),
    });
    assert_eq!(json, expected);
}
