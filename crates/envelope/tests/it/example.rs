//! The worked example, which foreign verifiers accept: every byte string of it that this room composes is rebuilt,
//! every one that it reads is verified.

use envelope::bundle::{Bundle, Content, Entry, Signer, key_hint};
use envelope::dsse::{Envelope, IN_TOTO};
use envelope::rekor::{Body, Verifier};
use envelope::timestamp::{self, Authority, Request, Stamped, TstInfo};
use envelope::trusted_root::{self, Log, TrustedRoot, Window};
use envelope::{Chosen, ToBeSigned, cms, compose};
use model::receipt::LogEntry;
use model::{Base64, Digest, Form, Hashed, Item, Parameters};
use pki::{Certificate, Usage, verify_path};
use serde_json::Value;

use crate::support::{example, example_certificate, example_chain, example_key, inline_item, item, then};

const EXAMPLES: [&str; 4] = ["blob", "keyless", "dsse", "dsse-key"];

fn leaf(folder: &str) -> Certificate {
    Certificate::from_der(&example(&format!("{folder}/leaf.der"))).unwrap()
}

/// What each example signed, and by whom.
fn signed(folder: &str) -> (ToBeSigned, Verifier) {
    let artifact = ToBeSigned::Hashed(Hashed::Sha256(Digest::of(&example("artifact.txt"))));
    let statement = ToBeSigned::Message(example("dsse/pae.bin"));
    match folder {
        "blob" => (artifact, Verifier::PublicKey(example_key("blob/key.pub.pem"))),
        "keyless" => (artifact, Verifier::Certificate(leaf(folder))),
        "dsse" => (statement, Verifier::Certificate(leaf(folder))),
        _ => (statement, Verifier::PublicKey(example_key("dsse-key/key.pub.pem"))),
    }
}

#[test]
fn every_log_body_is_rebuilt_to_the_byte_and_reads_back() {
    for folder in EXAMPLES {
        let expected = example(&format!("{folder}/log-body.json"));
        let signature = example(&format!("{folder}/signature.der"));
        let (to_be_signed, verifier) = signed(folder);
        to_be_signed.verify(&verifier.key().unwrap(), &signature).unwrap();
        let body = Body::new(&to_be_signed, &signature, verifier).unwrap();
        assert_eq!(body.encode(), expected, "{folder}");
        assert_eq!(Body::parse(&expected).unwrap(), body, "{folder}");
        assert_eq!(body.sha256(), Some(to_be_signed.sha256()));
    }
}

#[test]
fn the_attributes_of_both_cms_signatures_are_composed_to_the_byte() {
    for folder in ["cms/rsa", "cms/ecdsa"] {
        let leaf = example_certificate(&format!("{folder}/leaf.pem"));
        let item = item(Form::Cms, &example("artifact.txt"));
        let composed = compose(&item, &Chosen::SigningTime(then()), Some(&leaf)).unwrap();
        let expected = example(&format!("{folder}/signed-attributes.der"));
        assert_eq!(composed, ToBeSigned::Message(expected), "{folder}");
        let signature = example(&format!("{folder}/signature.bin"));
        composed.verify(&leaf.public_key().unwrap(), &signature).unwrap();
    }
}

#[test]
fn the_statement_is_composed_to_the_pre_authentication_encoding() {
    let parameters = Parameters { payload_type: Some(IN_TOTO.to_owned()), ..Parameters::default() };
    let item = Item { parameters, ..inline_item(Form::Dsse, &example("dsse/statement.json")) };
    let composed = compose(&item, &Chosen::Nothing, None).unwrap();
    assert_eq!(composed, ToBeSigned::Message(example("dsse/pae.bin")));
}

#[test]
fn a_blob_is_composed_to_the_digest_of_the_artifact() {
    let composed = compose(&item(Form::Blob, &example("artifact.txt")), &Chosen::Nothing, None).unwrap();
    composed.verify(&example_key("blob/key.pub.pem"), &example("blob/signature.der")).unwrap();
}

/// The log entry of a bundle, as a receipt holds it.
fn receipt_entry(bundle: &Bundle, folder: &str) -> (Digest, LogEntry) {
    let [entry] = bundle.entries.as_slice() else { panic!("{folder}") };
    let proof = entry.inclusion_proof.clone().unwrap();
    let log = LogEntry {
        index: proof.index,
        body: Base64(example(&format!("{folder}/log-body.json"))),
        path: proof.path,
        checkpoint: proof.checkpoint.unwrap(),
    };
    (Digest::from_slice(&entry.log_id).unwrap(), log)
}

#[test]
fn every_bundle_is_rebuilt_field_for_field() {
    for folder in EXAMPLES {
        let text = example(&format!("{folder}/bundle.sigstore.json"));
        let read = Bundle::from_json(&text).unwrap();
        let (log_id, log) = receipt_entry(&read, folder);
        let signature = example(&format!("{folder}/signature.der"));
        let signer = match signed(folder).1 {
            Verifier::Certificate(certificate) => Signer::Certificate(certificate.der().to_vec()),
            verifier => Signer::Key { hint: key_hint(&verifier.key().unwrap()) },
        };
        let content = match folder {
            "blob" | "keyless" => {
                Content::message(&Hashed::Sha256(Digest::of(&example("artifact.txt"))), &signature)
            }
            _ => Content::Dsse(Envelope::seal(IN_TOTO, &example("dsse/statement.json"), &signature)),
        };
        let entry = Entry::of_receipt(&log_id, &log).unwrap();
        let response = example(&format!("{folder}/timestamp.tsr"));
        let rebuilt = Bundle::seal(signer, content, Some(entry), Some(&response));
        assert_eq!(rebuilt, read, "{folder}");
        let (ours, theirs): (Value, Value) =
            (serde_json::from_slice(&rebuilt.to_json()).unwrap(), serde_json::from_slice(&text).unwrap());
        assert_eq!(ours, theirs, "{folder}");
    }
}

#[test]
fn the_trusted_root_is_rebuilt_field_for_field() {
    let text = example("trusted_root.json");
    let read = TrustedRoot::from_json(&text).unwrap();
    let window = Window { start: "2026-01-01T00:00:00Z".parse().unwrap(), end: None };
    let log = |log: &Log| {
        let id = Digest::from_slice(&log.log_id.key_id.0).unwrap();
        Log::new(&log.base_url, &log.key().unwrap(), &id, window)
    };
    let authority = |common_name, uri, chain: &str| {
        let chain = example_chain(chain);
        let chain: Vec<&[u8]> = chain.iter().map(Certificate::der).collect();
        trusted_root::Authority::new("example.test", common_name, uri, &chain, window)
    };
    let rebuilt = TrustedRoot::new(
        read.tlogs.iter().map(log).collect(),
        vec![authority("Example Signing Root", "https://sign.example.test", "certs/ca-chain.pem")],
        read.ctlogs.iter().map(log).collect(),
        vec![authority(
            "Example Timestamp Root",
            "https://sign.example.test/api/v1/timestamp",
            "certs/tsa-chain.pem",
        )],
    );
    assert_eq!(rebuilt, read);
    assert_eq!(read.tlogs.first().unwrap().origin(), Some("sign.example.test"));
    let (ours, theirs): (Value, Value) =
        (serde_json::from_slice(&rebuilt.to_json()).unwrap(), serde_json::from_slice(&text).unwrap());
    assert_eq!(ours, theirs);
}

#[test]
fn every_token_verifies_with_its_certificate_or_without() {
    let leaf = example_chain("certs/tsa-leaf.pem");
    let roots = example_chain("certs/tsa-root.pem");
    for (folder, signature) in EXAMPLES
        .map(|folder| (folder, "signature.der"))
        .into_iter()
        .chain([("cms/rsa", "signature.bin"), ("cms/ecdsa", "signature.bin")])
    {
        let signature = example(&format!("{folder}/{signature}"));
        let token = timestamp::open(&example(&format!("{folder}/timestamp.tsr"))).unwrap();
        let authority = Authority { certificates: &leaf, roots: &roots };
        let verified = timestamp::verify(&token, Stamped::Bytes(&signature), authority).unwrap();
        let off_by = verified.time().since(then()).max(then().since(verified.time()));
        assert!(off_by.as_secs() <= 1, "{folder}");
        assert_eq!(verified.path().leaf(), leaf.first().unwrap());
        timestamp::verify(&token, Stamped::Sha256(Digest::of(&signature)), authority).unwrap();
        let other = timestamp::verify(&token, Stamped::Bytes(b"other"), authority);
        assert!(matches!(other, Err(timestamp::TimestampError::OtherImprint)));
        let bare = Authority { certificates: &[], roots: &roots };
        let without = timestamp::verify(&token, Stamped::Bytes(&signature), bare);
        assert_eq!(without.is_ok(), !token.certificates().is_empty(), "{folder}");
        let nobody = Authority { certificates: &leaf, roots: &[] };
        assert!(timestamp::verify(&token, Stamped::Bytes(&signature), nobody).is_err());
    }
}

#[test]
fn what_each_token_signs_is_composed_again_from_the_request_the_time_and_the_serial_number() {
    let leaf = example_certificate("certs/tsa-leaf.pem");
    for folder in EXAMPLES {
        let query = example(&format!("{folder}/timestamp.tsq"));
        let request = Request::parse(&query).unwrap();
        assert_eq!(request.encode().unwrap(), query, "{folder}");
        let token = timestamp::open(&example(&format!("{folder}/timestamp.tsr"))).unwrap();
        let said = token.tst_info();
        let [serial] = said.serial.as_slice() else { panic!("{folder}") };
        let answer = TstInfo::answer(&request, said.time, u64::from(*serial)).unwrap();
        assert_eq!(answer, *said, "{folder}");
        let der = answer.encode().unwrap();
        assert_eq!(TstInfo::parse(&der).unwrap(), answer);
        let composed = timestamp::compose(&der, &leaf, token.signing_time().unwrap()).unwrap();
        assert_eq!(composed, ToBeSigned::Message(token.to_be_signed().to_vec()), "{folder}");
        composed.verify(&leaf.public_key().unwrap(), token.signature()).unwrap();
    }
}

#[test]
fn a_bare_token_reads_like_the_response_it_came_in() {
    for folder in ["blob", "dsse-key", "cms/rsa", "cms/ecdsa"] {
        let response = example(&format!("{folder}/timestamp.tsr"));
        let token = example(&format!("{folder}/timestamp.token.der"));
        assert_eq!(timestamp::token_of(&response).unwrap(), token);
        assert_eq!(timestamp::open(&token).unwrap(), timestamp::open(&response).unwrap());
    }
}

#[test]
fn both_cms_signatures_verify_up_to_their_roots_and_their_tokens_over_their_signatures() {
    for folder in ["cms/rsa", "cms/ecdsa"] {
        let opened = cms::open(&example(&format!("{folder}/artifact.txt.p7s"))).unwrap();
        assert_eq!(opened.to_be_signed(), example(&format!("{folder}/signed-attributes.der")));
        assert_eq!(opened.signature(), example(&format!("{folder}/signature.bin")));
        let verified = opened.verify_signature(&Digest::of(&example("artifact.txt")).into()).unwrap();
        assert_eq!(*verified.signer(), example_certificate(&format!("{folder}/leaf.pem")));
        assert_eq!(verified.signing_time(), Some(then()));
        let roots = example_chain(&format!("{folder}/root.pem"));
        let path =
            verify_path(verified.signer(), verified.others(), &roots, then(), Usage::CodeSigning).unwrap();
        assert_eq!(path.intermediates().len(), 1);
        let token = timestamp::open(verified.token().unwrap()).unwrap();
        let roots = example_chain("certs/tsa-root.pem");
        let authority = Authority { certificates: &[], roots: &roots };
        timestamp::verify(&token, Stamped::Bytes(verified.signature()), authority).unwrap();
        assert!(matches!(
            opened.verify_signature(&Digest::of(b"other").into()),
            Err(cms::CmsError::OtherContent)
        ));
    }
}

#[test]
fn a_cms_signature_sealed_again_from_its_parts_says_the_same() {
    for folder in ["cms/rsa", "cms/ecdsa"] {
        let chain =
            ["leaf.pem", "intermediate.pem"].map(|name| example_certificate(&format!("{folder}/{name}")));
        let part = |name| example(&format!("{folder}/{name}"));
        let attributes = part("signed-attributes.der");
        let token = part("timestamp.token.der");
        let sealed = cms::seal(&attributes, &chain, &part("signature.bin"), Some(&token)).unwrap();
        let (ours, theirs) = (cms::open(&sealed).unwrap(), cms::open(&part("artifact.txt.p7s")).unwrap());
        assert_eq!(ours, theirs, "{folder}");
    }
}
