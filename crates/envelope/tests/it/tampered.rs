//! Every single bit of what was signed, flipped: nothing panics, and nothing verifies but for the bits that are
//! listed here because nothing covers them.

use envelope::bundle::{Bundle, Content, Entry};
use envelope::rekor::{Body, Verifier};
use envelope::timestamp::{self, Authority, Stamped};
use envelope::{ToBeSigned, cms};
use model::{Digest, Hashed, merkle};
use pki::{Certificate, Usage, verify_path};
use serde_json::Value;

use crate::support::{example, example_chain, example_key, then};

/// The bits (byte, bit) whose flip goes unnoticed; also cuts the bytes off at every length, and adds one.
pub(crate) fn unnoticed(bytes: &[u8], accepts: impl Fn(&[u8]) -> bool) -> Vec<(usize, u8)> {
    assert!(accepts(bytes), "the untouched bytes are accepted");
    for length in 0..bytes.len() {
        assert!(!accepts(&bytes[..length]), "the first {length} bytes alone");
    }
    assert!(!accepts(&[bytes, &[0]].concat()), "one byte more");
    let mut found = Vec::new();
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            changed[at] ^= 1 << bit;
            if accepts(&changed) {
                found.push((at, bit));
            }
            changed[at] ^= 1 << bit;
        }
    }
    found
}

/// Where these bytes stand.
fn range_of(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let at = whole.windows(part.len()).position(|window| window == part).unwrap();
    at..at + part.len()
}

#[test]
fn every_bit_of_a_cms_signature_is_covered_but_for_other_certificates_and_unsigned_attributes() {
    for folder in ["cms/rsa", "cms/ecdsa"] {
        let p7s = example(&format!("{folder}/artifact.txt.p7s"));
        let content = Digest::of(&example("artifact.txt")).into();
        let verified = |der: &[u8]| cms::open(der).ok()?.verify_signature(&content).ok();
        let [intermediate] = &example_chain(&format!("{folder}/intermediate.pem"))[..] else { panic!() };
        // Unsigned attributes stand behind the signature, at the end.
        let signature = range_of(&p7s, &example(&format!("{folder}/signature.bin")));
        let uncovered = [range_of(&p7s, intermediate.der()), signature.end..p7s.len()];
        for (at, bit) in unnoticed(&p7s, |der| verified(der).is_some()) {
            assert!(uncovered.iter().any(|range| range.contains(&at)), "{folder}: bit {bit} of byte {at}");
        }
    }
}

/// Everything about a signature of the example: content, path to this root, token over the signature.
fn stands(p7s: &[u8], content: &[u8], root: &str) -> bool {
    let opened = cms::open(p7s).ok();
    let Some(verified) = opened.and_then(|opened| opened.verify_signature(&Digest::of(content).into()).ok())
    else {
        return false;
    };
    let (roots, tsa_roots) = (example_chain(root), example_chain("certs/tsa-root.pem"));
    let token = verified.token().and_then(|token| timestamp::open(token).ok());
    let authority = Authority { certificates: &[], roots: &tsa_roots };
    let stamped = Stamped::Bytes(verified.signature());
    token.is_some_and(|token| timestamp::verify(&token, stamped, authority).is_ok())
        && verify_path(verified.signer(), verified.others(), &roots, then(), Usage::CodeSigning).is_ok()
}

#[test]
fn with_the_path_and_the_token_checked_no_bit_of_a_cms_signature_is_left() {
    let content = example("artifact.txt");
    let accepts = |der: &[u8]| stands(der, &content, "cms/ecdsa/root.pem");
    assert_eq!(unnoticed(&example("cms/ecdsa/artifact.txt.p7s"), accepts), []);
}

#[test]
fn every_change_of_the_published_cms_matrix_is_refused() {
    let Some(vectors) = testkit::vectors() else { return };
    let matrix = std::fs::read(vectors.join("worked-example/tamper-matrix.cms.json")).unwrap();
    let matrix: Vec<Value> = serde_json::from_slice(&matrix).unwrap();
    let flip = |bytes: &mut Vec<u8>, change: &Value| {
        if let (Some(at), Some(xor)) = (change["offset"].as_u64(), change["xor"].as_u64()) {
            bytes[usize::try_from(at).unwrap()] ^= u8::try_from(xor).unwrap();
        }
    };
    for case in &matrix {
        let folder = case["example"].as_str().unwrap();
        let (mut content, mut p7s) =
            (example("artifact.txt"), example(&format!("{folder}/artifact.txt.p7s")));
        if let Some(whole) = case["p7s"]["replace"].as_str() {
            p7s = data_encoding::BASE64.decode(whole.as_bytes()).unwrap();
        }
        flip(&mut p7s, &case["p7s"]);
        flip(&mut content, &case["file"]);
        let root = case["root"].as_str().map_or(format!("{folder}/root.pem"), str::to_owned);
        assert_eq!(
            stands(&p7s, &content, &root),
            case["part"] == "(untouched)",
            "{folder}: {}",
            case["part"]
        );
    }
    assert_eq!(matrix.len(), 38);
}

#[test]
fn every_bit_of_a_timestamp_response_is_covered_but_for_granted_with_modifications() {
    let leaf = example_chain("certs/tsa-leaf.pem");
    let roots = example_chain("certs/tsa-root.pem");
    // One holds its certificate; for the other it comes from the trust root.
    for (folder, certificates) in [("blob", &[][..]), ("keyless", &leaf[..])] {
        let signature = example(&format!("{folder}/signature.der"));
        let response = example(&format!("{folder}/timestamp.tsr"));
        let accepts = |der: &[u8]| {
            let authority = Authority { certificates, roots: &roots };
            timestamp::open(der)
                .is_ok_and(|token| timestamp::verify(&token, Stamped::Bytes(&signature), authority).is_ok())
        };
        // PKIStatus 0 (granted) becomes 1 (granted with modifications): the value of the first INTEGER of the file.
        assert_eq!(unnoticed(&response, accepts), [(8, 0)], "{folder}");
    }
}

#[test]
fn every_bit_of_a_timestamp_request_and_of_a_tst_info_is_refused_or_says_something_else() {
    let query = example("blob/timestamp.tsq");
    let request = timestamp::Request::parse(&query).unwrap();
    let same = |der: &[u8]| timestamp::Request::parse(der).is_ok_and(|read| read == request);
    assert_eq!(unnoticed(&query, same), []);
    let token = timestamp::open(&example("blob/timestamp.tsr")).unwrap();
    let info = token.tst_info().encode().unwrap();
    let same = |der: &[u8]| timestamp::TstInfo::parse(der).is_ok_and(|read| read == *token.tst_info());
    assert_eq!(unnoticed(&info, same), []);
}

#[test]
fn every_bit_of_a_log_body_is_refused_or_says_something_else() {
    for folder in ["blob", "dsse"] {
        let body = example(&format!("{folder}/log-body.json"));
        let read = Body::parse(&body).unwrap();
        assert_eq!(
            unnoticed(&body, |json| Body::parse(json).is_ok_and(|other| other == read)),
            [],
            "{folder}"
        );
    }
}

/// Checks what this room can check of a bundle; the checkpoint's signature and the log's id are checked elsewhere.
fn holds(bundle: &Bundle, to_be_signed: &ToBeSigned, verifier: &Verifier) -> bool {
    let roots = example_chain("certs/tsa-root.pem");
    let authority = Authority { certificates: &[], roots: &roots };
    let ([entry], [response]) = (bundle.entries.as_slice(), bundle.timestamps.as_slice()) else {
        return false;
    };
    let signature = bundle.signature();
    let Ok(body) = Body::new(to_be_signed, signature, verifier.clone()) else { return false };
    let signed = match &bundle.content {
        Content::Message { digest: Some(digest), .. } => {
            digest.algorithm == "SHA2_256" && digest.digest.0 == to_be_signed.sha256().as_bytes()
        }
        Content::Dsse(envelope) => envelope.to_be_signed() == *to_be_signed,
        _ => false,
    };
    let stamped = timestamp::open(response)
        .is_ok_and(|token| timestamp::verify(&token, Stamped::Bytes(signature), authority).is_ok());
    let logged =
        entry.to_receipt().is_ok_and(|entry| entry.body.0 == body.encode()) && leads_to_its_root(entry);
    signed && stamped && logged && to_be_signed.verify(&verifier.key().unwrap(), signature).is_ok()
}

fn leads_to_its_root(entry: &Entry) -> bool {
    let Some(proof) = &entry.inclusion_proof else { return false };
    let leaf = merkle::leaf_hash(&entry.body);
    let root = merkle::root_from_inclusion(&leaf, proof.index, proof.tree_size, &proof.path);
    root.is_some_and(|root| root.as_bytes() == proof.root.as_slice())
}

#[test]
fn every_bit_of_a_bundle_is_covered_but_for_hint_log_id_checkpoint_note_and_the_status_of_the_token() {
    let artifact = ToBeSigned::Hashed(Hashed::Sha256(Digest::of(&example("artifact.txt"))));
    let statement = ToBeSigned::Message(example("dsse/pae.bin"));
    for (folder, to_be_signed) in [("blob", artifact), ("dsse-key", statement)] {
        // On one line, so that there is no white space to flip.
        let original = Bundle::from_json(&example(&format!("{folder}/bundle.sigstore.json"))).unwrap();
        let verifier = Verifier::PublicKey(example_key(&format!("{folder}/key.pub.pem")));
        assert!(holds(&original, &to_be_signed, &verifier));
        let mut changed = original.to_json();
        for at in 0..changed.len() {
            for bit in 0..8 {
                changed[at] ^= 1 << bit;
                if let Ok(bundle) = Bundle::from_json(&changed) {
                    assert_ne!(bundle, original, "{folder}: bit {bit} of byte {at} says nothing");
                    if holds(&bundle, &to_be_signed, &verifier) {
                        let restored = with_what_nothing_covers(bundle, &original);
                        assert_eq!(restored, original, "{folder}: bit {bit} of byte {at}");
                    }
                }
                changed[at] ^= 1 << bit;
            }
        }
    }
}

/// The changed bundle with the original's hint, log id and checkpoint (of which size and root were compared), and
/// with `granted` as the status of its token.
fn with_what_nothing_covers(mut bundle: Bundle, original: &Bundle) -> Bundle {
    bundle.signer = original.signer.clone();
    if let (Content::Dsse(envelope), Content::Dsse(as_it_was)) = (&mut bundle.content, &original.content) {
        envelope.key_hint = as_it_was.key_hint.clone();
    }
    for (entry, as_it_was) in bundle.entries.iter_mut().zip(&original.entries) {
        entry.log_id = as_it_was.log_id.clone();
        let checkpoint = as_it_was.inclusion_proof.clone().unwrap().checkpoint;
        entry.inclusion_proof.as_mut().unwrap().checkpoint = checkpoint;
    }
    for response in bundle.timestamps.iter_mut().filter(|response| response[8] == 1) {
        response[8] = 0;
    }
    bundle
}

#[test]
fn every_bit_of_a_trusted_root_but_a_small_t_is_refused_or_says_something_else() {
    use envelope::trusted_root::TrustedRoot;
    let root = TrustedRoot::from_json(&example("trusted_root.json")).unwrap();
    let json = serde_json::to_vec(&root).unwrap();
    let same = |json: &[u8]| TrustedRoot::from_json(json).is_ok_and(|read| read == root);
    // RFC 3339 §5.6 lets the `T` between date and time be small.
    for (at, bit) in unnoticed(&json, same) {
        assert_eq!((json[at], bit), (b'T', 5), "bit {bit} of byte {at}");
    }
}

#[test]
fn a_signature_by_another_key_under_the_signers_name_is_bad() {
    // Same issuer and serial number, another certificate: the name alone must not be enough.
    let p7s = example("cms/rsa/artifact.txt.p7s");
    let [leaf] = &example_chain("cms/rsa/leaf.pem")[..] else { panic!() };
    let at = range_of(&p7s, leaf.signature()).start;
    let mut changed = p7s.clone();
    changed[at] ^= 1;
    let opened = cms::open(&changed).unwrap();
    let named: Vec<&Certificate> = opened
        .certificates()
        .iter()
        .filter(|one| one.issuer_and_serial() == leaf.issuer_and_serial())
        .collect();
    assert_eq!(named.len(), 1);
    let refused = opened.verify_signature(&Digest::of(&example("artifact.txt")).into());
    assert!(matches!(refused, Err(cms::CmsError::OtherCertificate)));
}
