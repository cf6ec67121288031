//! Writes the corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seed`. What was put there by hand stays.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use envelope::Chosen;
use envelope::bundle::{Bundle, Content};
use envelope::dsse::{Envelope, IN_TOTO};
use envelope::in_toto::{PredicateType, Statement, Subject};
use envelope::rekor::{Body, Verifier, key_details};
use envelope::trusted_root::TrustedRoot;
use fuzz::parts::{join, join_all};
use fuzz::{known, platform};
use keystore::{HardwareToken, LaneFault, LaneReply};
use model::journal::{Ending, Intent, Leaf, Outcome};
use model::merkle::leaf_hash;
use model::{Algorithm, Digest, KeyId, SignatureOf, to_canonical};
use pki::Certificate;
use signer::{
    AdminAnswer, AdminMessage, Answer, Answers, Certified, CheckpointOrder, Frame, Head, Imprint,
    JournalProof, Order, Orders, RecallOrder, Refusal, RefusalCode, SignOrder, Signed, State, TimestampOrder,
};
use tlog::RightEdge;
use tlog::tile::encode_hashes;
use verify::{RootParts, TrustRoot};

#[path = "seed/images.rs"]
mod images;
#[path = "seed/keyless.rs"]
mod keyless;

type Done = Result<(), Box<dyn Error>>;

/// No seed is larger: short inputs are fuzzed faster.
const SEED_BYTES_MAX: usize = 4 * 1024;

fn main() -> Done {
    nouns()?;
    certificates()?;
    paths()?;
    signed_data()?;
    statements()?;
    timestamps()?;
    ssh()?;
    bare()?;
    openpgp()?;
    sigstore()?;
    verdicts()?;
    logs()?;
    tiles()?;
    proofs()?;
    registry()?;
    frames()?;
    hardware()?;
    images::all()?;
    keyless::all()
}

fn hardware() -> Done {
    let files = "module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/avouch/hsm.pin";
    for (name, uri) in [
        ("token", format!("pkcs11:token=The%20Token?{files}")),
        ("all", format!("pkcs11:token=a;manufacturer=b&c;model=d;serial=0123456789abcdef;slot-id=7?{files}")),
        ("bad-pin-value", format!("pkcs11:token=a?{files}&pin-value=1234")),
        ("bad-escape", format!("pkcs11:token=%zz?{files}")),
        ("bad-twice", format!("pkcs11:token=a;token=b?{files}")),
    ] {
        write("pkcs11_uri", name, uri.as_bytes())?;
    }
    let token = HardwareToken {
        label: "label".to_owned(),
        manufacturer: "manufacturer".to_owned(),
        model: "model".to_owned(),
        serial: "serial".to_owned(),
        module: "module 2.6".to_owned(),
        algorithms: vec![Algorithm::EcdsaP256, Algorithm::Rsa3072],
        sessions_open: Some(1),
        sessions_max: None,
    };
    let gone = LaneFault::Gone { action: "sign".to_owned(), code: "CKR_DEVICE_REMOVED".to_owned() };
    let unable = LaneFault::Unable { algorithm: Algorithm::Ed25519 };
    for (name, reply) in [
        ("open", LaneReply::Open { token, sessions: 2 }),
        ("public", LaneReply::Public(known::LOG.public_key().spki().to_vec())),
        ("signature", LaneReply::Signature(vec![7; 64])),
        ("gone", LaneReply::Fault(gone)),
        ("unable", LaneReply::Fault(unable)),
        ("pin-refused", LaneReply::Fault(LaneFault::PinRefused)),
    ] {
        write("lane_reply", name, &reply.encode())?;
    }
    Ok(())
}

fn nouns() -> Done {
    for (name, leaf) in
        ["intent", "outcome", "refusal", "entry", "start", "refusals", "ledger"].iter().zip(leaves())
    {
        write("journal_leaf", name, &leaf.encode())?;
    }
    for (name, key) in [
        ("ed25519", known::LOG.public_key().clone()),
        ("p256", certificate("keyless/leaf.der")?.public_key()?),
    ] {
        write("public_key", name, &join(&[key.spki(), known::UNSIGNED, &example("blob/signature.der")?]))?;
    }
    let rsa = Certificate::from_pem(&example_text("cms/rsa/leaf.pem")?)?.public_key()?;
    write("public_key", "rsa", &join(&[rsa.spki(), known::UNSIGNED, &example("cms/rsa/signature.bin")?]))?;
    let inner = known::LOG.public_key();
    let nested = [&inner.spki()[..12], inner.spki()].concat();
    write("public_key", "bad-nested", &join(&[&nested, known::UNSIGNED, &[0; 64]]))?;
    for (name, text) in [
        ("digest", Digest::ZERO.to_string()),
        ("key-id", inner.id().to_string()),
        ("request-id", model::RequestId::new([9; 16]).to_string()),
        ("principal-id", model::PrincipalId::new([9; 16]).to_string()),
        ("platform-id", platform::REGISTRY.platform().to_string()),
        ("space", "payments/release-1".to_owned()),
        ("instant", "2026-11-20T09:06:42.000000001Z".to_owned()),
        ("word", Algorithm::EcdsaP256.to_string()),
    ] {
        write("text", name, text.as_bytes())?;
    }
    Ok(())
}

fn leaves() -> Vec<Leaf> {
    let (digest, time) = (Digest::of(b"something"), known::THEN);
    let chosen = Chosen::SigningTime(time).encode();
    let outcome = |sequence, ending| Leaf::Outcome(Outcome { sequence, intent: 3, ending });
    vec![
        Leaf::Intent(Intent {
            sequence: 3,
            time,
            key: KeyId::new(digest),
            record: digest,
            registry: digest,
            request: digest,
            item: 1,
            to_be_signed: digest,
            endorsements: digest,
            chosen,
        }),
        outcome(4, Ending::Signed(digest)),
        outcome(5, Ending::Refused(std::num::NonZeroU8::MIN)),
        Leaf::Entry { sequence: 6, entry: b"{}".to_vec() },
        Leaf::Start { sequence: 7, time, random: [8; 32] },
        Leaf::Refusals { sequence: 8, time, count: 9 },
        Leaf::Ledger { sequence: 9, time, size: 10, root: digest },
    ]
}

fn certificates() -> Done {
    for (name, file) in [
        ("rsa-leaf", "cms/rsa/leaf.pem"),
        ("ecdsa-leaf", "cms/ecdsa/leaf.pem"),
        ("ecdsa-root", "cms/ecdsa/root.pem"),
        ("tsa-leaf", "certs/tsa-leaf.pem"),
        ("ca-intermediate", "certs/ca-intermediate.pem"),
    ] {
        write("certificate", name, Certificate::from_pem(&example_text(file)?)?.der())?;
    }
    write("certificate", "keyless-leaf", &example("keyless/leaf.der")?)?;
    for (name, file) in
        [("one", "cms/ecdsa/leaf.pem"), ("tsa", "certs/tsa-chain.pem"), ("ca", "certs/ca-chain.pem")]
    {
        write("certificate_chain", name, &example(file)?)?;
    }
    Ok(())
}

/// Good paths for both usages, and one whose intermediate is another's.
fn paths() -> Done {
    let time = known::THEN.nanoseconds().to_be_bytes();
    let pem = |file: &str| -> Result<Certificate, Box<dyn Error>> {
        Ok(Certificate::from_pem(&example_text(file)?)?)
    };
    let code = |folder: &str| -> Result<[Certificate; 3], Box<dyn Error>> {
        Ok([
            pem(&format!("{folder}/leaf.pem"))?,
            pem(&format!("{folder}/intermediate.pem"))?,
            pem(&format!("{folder}/root.pem"))?,
        ])
    };
    let (rsa, ecdsa) = (code("cms/rsa")?, code("cms/ecdsa")?);
    let keyless =
        [certificate("keyless/leaf.der")?, pem("certs/ca-intermediate.pem")?, pem("certs/ca-root.pem")?];
    let stamping = [pem("certs/tsa-leaf.pem")?, pem("certs/tsa-root.pem")?, pem("certs/tsa-root.pem")?];
    let crossed = [ecdsa[0].clone(), rsa[1].clone(), ecdsa[2].clone()];
    for (name, usage, [leaf, intermediate, root]) in [
        ("rsa", 0, rsa),
        ("ecdsa", 0, ecdsa),
        ("keyless", 0, keyless),
        ("timestamping", 1, stamping),
        ("bad-crossed", 0, crossed),
    ] {
        let choice = [&[usage][..], &time].concat();
        write("path", name, &join(&[&choice, leaf.der(), intermediate.der(), root.der()]))?;
    }
    Ok(())
}

fn signed_data() -> Done {
    write("cms", "ecdsa", &example("cms/ecdsa/artifact.txt.p7s")?)?;
    // The larger of the two without its token, which is the last thing in it: not a good one any more.
    write("cms", "bad-cut", &example("cms/rsa/artifact.txt.p7s")?[..SEED_BYTES_MAX])?;
    let envelope = Envelope::seal(IN_TOTO, &example("dsse/statement.json")?, &example("dsse/signature.der")?);
    write("dsse", "statement", &envelope.to_json())?;
    write("dsse", "hint", br#"{"payload":"","payloadType":"t","signatures":[{"sig":"AA==","keyid":"k"}]}"#)?;
    write("dsse", "bad-two", br#"{"payload":"","payloadType":"t","signatures":[{"sig":""},{"sig":""}]}"#)?;
    let leaf = certificate("keyless/leaf.der")?;
    let request = folder("request");
    for (name, chosen) in [
        ("nothing", Chosen::Nothing),
        ("signing-time", Chosen::SigningTime(known::THEN)),
        ("stamp", Chosen::Stamp { time: known::THEN, serial: 7 }),
    ] {
        for item in ["item-digest", "item-sha384", "item-inline"] {
            let json = fs::read(request.join(format!("{item}.json")))?;
            write("compose", &format!("{name}-{item}"), &join(&[&chosen.encode(), &json, leaf.der()]))?;
        }
    }
    Ok(())
}

/// A claim of every kind about one file, and statements that are about nothing that can be told.
fn statements() -> Done {
    let subject = Subject::new("artifact.txt", &Digest::of(known::ARTIFACT).into());
    let predicates =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/envelope/tests/vectors/predicates");
    for entry in fs::read_dir(predicates)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let kind: PredicateType = if name == "spdx3" { "spdx" } else { &name }.parse()?;
        let statement = Statement::compose(std::slice::from_ref(&subject), &kind, &fs::read(&path)?);
        write("statement", &name, &statement)?;
    }
    let good = Statement::compose(&[subject], &"cyclonedx".parse()?, br#"{"bomFormat":"CycloneDX"}"#);
    write("statement", "bad-misshapen", &good)?;
    let good = String::from_utf8(good)?;
    write("statement", "bad-twice", good.replace("{\"_type\"", "{\"predicate\":1,\"_type\"").as_bytes())?;
    write("statement", "bad-weak", good.replace("sha256", "md5").as_bytes())?;
    write("statement", "bad-nothing", good.replace("\"sha256\"", "\"sha1\":\"aa\",\"md5\"").as_bytes())
}

fn timestamps() -> Done {
    for example_name in ["blob", "keyless", "dsse"] {
        write("timestamp_request", example_name, &example(&format!("{example_name}/timestamp.tsq"))?)?;
        write("timestamp_response", example_name, &example(&format!("{example_name}/timestamp.tsr"))?)?;
        let response = example(&format!("{example_name}/timestamp.tsr"))?;
        let info = envelope::timestamp::open(&response)?.tst_info().encode()?;
        write("timestamp_info", example_name, &info)?;
    }
    write("timestamp_response", "token", known::TOKEN)?;
    let refusal =
        envelope::timestamp::rejection(envelope::timestamp::FailureInfo::BadAlgorithm, "no such hash");
    write("timestamp_response", "bad-rejection", &refusal)
}

fn ssh() -> Done {
    let key = platform::founder_key();
    write("ssh_key", "ed25519.wire", &key.to_wire())?;
    write("ssh_key", "ed25519.line", format!("{} somebody\n", key.to_line()).as_bytes())?;
    let software = |key| envelope::sshsig::SshKey::new(key, envelope::sshsig::Holder::Software);
    let p256 = software(certificate("keyless/leaf.der")?.public_key()?)?;
    write("ssh_key", "p256.wire", &p256.to_wire())?;
    let rsa = Certificate::from_pem(&example_text("cms/rsa/leaf.pem")?)?.public_key()?;
    write("ssh_key", "rsa.wire", &software(rsa)?.to_wire())?;
    let held = envelope::sshsig::Holder::Token { application: "ssh:".to_owned() };
    write("ssh_key", "token.wire", &envelope::sshsig::SshKey::new(key.key().clone(), held)?.to_wire())?;
    let armor = platform::founder_signs(platform::NAMESPACE, platform::MESSAGE);
    write("ssh_signature", "armor", armor.as_bytes())?;
    write("ssh_signature", "blob", &platform::blob(&armor))?;
    let elsewhere = platform::founder_signs("elsewhere.avouch.v1", platform::MESSAGE);
    write("ssh_signature", "elsewhere", &platform::blob(&elsewhere))
}

fn bare() -> Done {
    let (signature, key) = (platform::founder_minisig().to_file(), platform::founder_minisign_key());
    write("minisign", "signature", signature.as_bytes())?;
    write("minisign", "old-signature", signature.replacen("\nRU", "\nRW", 1).as_bytes())?;
    write("minisign", "key", key.to_file().as_bytes())?;
    write("minisign", "key-line", key.to_line().as_bytes())?;
    write("minisign", "bad-lines", signature.replacen('\n', "\n\n", 1).as_bytes())?;
    let digest = Digest::of(platform::MESSAGE);
    let list =
        format!("{digest}  a\n{digest} *b/c\n\\{digest}  d\\\\e\\nf\n# comment\n\r\n{digest}{digest}  ./g\n");
    write("checksums", "list", list.as_bytes())?;
    write("checksums", "bad-parent", format!("{digest}  a/../../b\n").as_bytes())?;
    write("checksums", "bad-twice", format!("{digest}  a\n{digest} *./a\n").as_bytes())?;
    write("checksums", "bad-weak", b"d41d8cd98f00b204e9800998ecf8427e  a\n")
}

fn openpgp() -> Done {
    use envelope::openpgp::{armored, armored_certificates};
    use fuzz::openpgp::{founder_certificate, founder_cleartext, founder_signature};
    let (packet, certificate) = (founder_signature(SignatureOf::Binary), founder_certificate());
    write("openpgp", "signature", &packet)?;
    write("openpgp", "signature-armored", armored(&packet).as_bytes())?;
    write("openpgp", "signatures", &packet.repeat(2))?;
    write("openpgp", "cleartext", &founder_cleartext())?;
    write("openpgp", "certificate", &certificate)?;
    write("openpgp", "certificate-armored", armored_certificates([certificate.as_slice()]).as_bytes())?;
    write("openpgp", "bad-both", &[packet, certificate].concat())?;
    write("openpgp", "bad-compressed", &[0xc8, 2, 1, 0])?;
    write("openpgp", "bad-partial", &[0xc2, 0xe1, 4, 0])
}

fn sigstore() -> Done {
    for name in ["blob", "dsse-key"] {
        let bundle = Bundle::from_json(&example(&format!("{name}/bundle.sigstore.json"))?)?;
        write("bundle", name, &bundle.to_json())?;
    }
    let entry = r#"{"logIndex":"1","logId":{"keyId":"AA=="},"kindVersion":{"kind":"dsse","version":"0.0.1"},"canonicalizedBody":"e30="}"#;
    let published = format!(
        r#"{{"version":1,"verification_material":{{"certificate":"AA==","transparency_entries":[{entry}]}},"envelope":{{"statement":"e30=","signature":"AA=="}}}}"#
    );
    write("bundle", "published", published.as_bytes())?;
    write("bundle", "bad-published", published.replace(":1,", ":2,").as_bytes())?;
    // A whole one is too large: the log and one authority of it.
    let mut root = TrustedRoot::from_json(&example("trusted_root.json")?)?;
    root.ctlogs.clear();
    root.certificate_authorities.clear();
    write("trusted_root", "log-and-tsa", &root.to_json())?;
    root.timestamp_authorities.clear();
    write("trusted_root", "log", &root.to_json())?;
    for name in ["blob", "keyless", "dsse-key"] {
        let body = example(&format!("{name}/log-body.json"))?;
        write("rekor_body", name, &body)?;
        write("log_submission", name, submission(&Body::parse(&body)?).as_bytes())?;
    }
    let bundle = Bundle::from_json(&example("dsse-key/bundle.sigstore.json")?)?;
    let body = Body::parse(&example("dsse-key/log-body.json")?)?;
    if let Content::Dsse(envelope) = &bundle.content {
        write("log_submission", "attestation", dsse_submission(envelope, &body).as_bytes())?;
    }
    Ok(())
}

/// The verifier of a body, as a client names it.
fn verifier(body: &Body) -> String {
    let (field, der) = match body.verifier() {
        Verifier::Certificate(certificate) => ("x509Certificate", certificate.der().to_vec()),
        one => ("publicKey", one.key().expect("a body's key can be read").spki().to_vec()),
    };
    let details = key_details(body.verifier().key().expect("a body's key can be read").algorithm());
    format!(r#"{{"keyDetails":"{details}","{field}":{{"rawBytes":"{}"}}}}"#, BASE64.encode(&der))
}

/// The request by which a client asks for this body.
fn submission(body: &Body) -> String {
    let (digest, signature) = (BASE64.encode(body.digest()), BASE64.encode(body.signature()));
    let signature = format!(r#"{{"content":"{signature}","verifier":{}}}"#, verifier(body));
    format!(r#"{{"hashedRekordRequestV002":{{"digest":"{digest}","signature":{signature}}}}}"#)
}

/// The same, as clients ask that send the envelope.
fn dsse_submission(envelope: &Envelope, body: &Body) -> String {
    let envelope = String::from_utf8_lossy(&envelope.to_json()).into_owned();
    format!(r#"{{"dsseRequestV002":{{"envelope":{envelope},"verifiers":[{}]}}}}"#, verifier(body))
}

fn verdicts() -> Done {
    let bundle = Bundle::from_json(&example("blob/bundle.sigstore.json")?)?;
    write("verify_bundle", "blob", &bundle.to_json())?;
    let other = Bundle::from_json(&example("dsse-key/bundle.sigstore.json")?)?;
    write("verify_bundle", "bad-other", &other.to_json())?;
    write("verify_cms", "ecdsa", &example("cms/ecdsa/artifact.txt.p7s")?)?;
    let root = TrustRoot::compose(&RootParts {
        registry: std::slice::from_ref(&*platform::GENESIS),
        certificates: &[],
        public_url: "https://sign.example.test",
        expires: platform::NOW,
    })?;
    write("trust_root", "genesis", &root.encode())
}

fn logs() -> Done {
    for size in [5, 8] {
        write("note", &format!("checkpoint-{size}"), &log_example(&format!("log/checkpoint-{size}.txt"))?)?;
    }
    write("note", "bad-short", "text\n\n\u{2014} sign.example.test MfXltg==\n".as_bytes())?;
    for (size, text) in [5, 7, 8].iter().zip(known::CHECKPOINTS) {
        write("checkpoint", &format!("size-{size}"), text.as_bytes())?;
    }
    let extended = format!("{}an extension\n", known::CHECKPOINTS[0]);
    write("checkpoint", "extended", extended.as_bytes())?;
    write("verifier_key", "log", known::LOG.encode().as_bytes())
}

fn tiles() -> Done {
    for path in ["tile/0/x001/234", "tile/entries/000.p/8", "tile/7/000.p/1", "tile/2/x123/x456/789"] {
        write("tile_path", &path.replace('/', "-"), path.as_bytes())?;
    }
    write("tile", "hashes-8", &join(&[b"tile/0/000.p/8", &log_example("log/tile/0/000.p/8")?]))?;
    write("tile", "entries-5", &join(&[b"tile/entries/000.p/5", &log_example("log/tile/entries/000.p/5")?]))?;
    write("tile", "entries-1", &join(&[b"tile/entries/000.p/1", &[0, 0]]))?;
    let mut edge = RightEdge::new();
    write("right_edge", "size-0", &edge.encode())?;
    for size in 1..=11_u8 {
        edge.append(leaf_hash(&[size]));
        if matches!(size, 1 | 8 | 11) {
            write("right_edge", &format!("size-{size}"), &edge.encode())?;
        }
    }
    Ok(())
}

/// Good proofs as scripts, and with numbers of eight bytes.
fn proofs() -> Done {
    let path = encode_hashes(&[Digest::of(b"a"), Digest::of(b"b"), Digest::of(b"c")]);
    let wild = |one: u64, other: u64| [&one.to_be_bytes()[..], &other.to_be_bytes(), &path].concat();
    for (name, script) in
        [("small", &[12_u8, 4, 4, 0, 1, 2, 3][..]), ("last", &[200, 200, 200, 0, 1, 2]), ("one", &[0, 0, 0])]
    {
        write("inclusion", name, script)?;
    }
    for (name, script) in [
        ("small", &[13_u8, 4, 4, 0, 1, 2, 3][..]),
        ("uneven", &[201, 77, 77, 0, 1, 2, 3, 4, 5, 6, 7]),
        ("same", &[9, 9, 9]),
    ] {
        write("consistency", name, script)?;
    }
    for target in ["inclusion", "consistency"] {
        write(target, "wild", &wild(5, 8))?;
        write(target, "wild-largest", &wild(u64::MAX - 1, u64::MAX))?;
    }
    Ok(())
}

fn registry() -> Done {
    let entries: Vec<Vec<u8>> = platform::ENTRIES.iter().map(quorum::Entry::encode).collect();
    write("registry_entry", "genesis", &platform::GENESIS)?;
    let endorsement = platform::ENTRIES.first().and_then(|entry| entry.endorsements.first());
    write("registry_entry", "endorsement", &to_canonical(&endorsement.ok_or("an endorsed entry")?))?;
    for (name, entry) in ["key", "policy", "both"].iter().zip(&entries) {
        write("registry_entry", name, entry)?;
        write("registry_append", name, entry)?;
        write("registry_replay", name, &join_all(&[&platform::GENESIS, entry]))?;
    }
    write("registry_replay", "genesis", &join_all(&[&platform::GENESIS]))
}

fn frames() -> Done {
    let head = Head { size: 5, root: Digest::of(b"root") };
    let key = KeyId::new(Digest::of(b"key"));
    let refusal = Refusal { code: RefusalCode::Stale, text: "an older registry head".to_owned() };
    let hashes = vec![Digest::of(b"a"), Digest::of(b"b")];
    let sign = SignOrder {
        request: b"{}".to_vec(),
        item: b"{}".to_vec(),
        path: hashes.clone(),
        endorsements: vec![b"{}".to_vec()],
    };
    let stamp = TimestampOrder { key, imprint: Imprint::Sha256([4; 32]), nonce: Some(vec![1, 2]) };
    let checkpoint = CheckpointOrder { key, old: head, new: head, proof: hashes.clone() };
    let recall = RecallOrder { request: head.root, item: 1 };
    let signed = Signed {
        signature: vec![5; 64],
        chosen: vec![1, 0],
        index: 9,
        leaf: leaves()[0].encode(),
        journal: Some(JournalProof {
            path: hashes.clone(),
            checkpoint: String::from_utf8(log_example("log/checkpoint-5.txt")?)?,
            witnessed: Vec::new(),
        }),
    };
    let state = State {
        registry: vec![platform::GENESIS.clone()],
        certificates: vec![Certified { key, issuer: key, certificate: example("keyless/leaf.der")? }],
        journal: head,
        journal_key: known::LOG.public_key().spki().to_vec(),
        journal_checkpoint: String::from_utf8(log_example("log/checkpoint-5.txt")?)?,
        anchor: signer::Anchor::Held { by: vec!["witness.example/1".to_owned()] },
        ledger: head,
        checkpoints: vec![("1.log.sign.example.test".to_owned(), head)],
        stores: vec!["software".parse()?],
        tuf: Vec::new(),
    };
    let generate = AdminMessage::Generate { store: "software".to_owned(), algorithm: Algorithm::Ed25519 };
    for (name, frame) in [
        (
            "orders",
            Frame::Orders(Orders {
                ledger: head,
                orders: vec![
                    Order::Sign(sign),
                    Order::Timestamp(stamp),
                    Order::Checkpoint(checkpoint),
                    Order::Recall(recall),
                ],
            }),
        ),
        (
            "answers",
            Frame::Answers(Answers {
                journal: head,
                answers: vec![Answer::Signed(signed), Answer::Refused(refusal.clone())],
            }),
        ),
        ("ask", Frame::Ask),
        ("state", Frame::State(state)),
        ("generate", Frame::Admin(generate)),
        ("append", Frame::Admin(AdminMessage::Append { entry: b"{}".to_vec() })),
        ("appended", Frame::AdminAnswer(AdminAnswer::Appended { head: head.root })),
        ("refused", Frame::Refused(refusal)),
    ] {
        write("frame", name, &frame.encode())?;
    }
    let mut stream = Vec::new();
    Frame::Ask.write(&mut stream)?;
    write("frame", "stream", &stream)
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Done {
    if bytes.len() > SEED_BYTES_MAX {
        return Err(format!("seed `{name}` of `{target}` has {} bytes", bytes.len()).into());
    }
    fs::create_dir_all(folder(target))?;
    Ok(fs::write(folder(target).join(name), bytes)?)
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

fn certificate(der: &str) -> Result<Certificate, Box<dyn Error>> {
    Ok(Certificate::from_der(&example(der)?)?)
}

fn example_text(name: &str) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(example(name)?)?)
}

fn example(name: &str) -> std::io::Result<Vec<u8>> {
    vector("envelope", name)
}

fn log_example(name: &str) -> std::io::Result<Vec<u8>> {
    vector("tlog", name)
}

fn vector(room: &str, name: &str) -> std::io::Result<Vec<u8>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    fs::read(crates.join(room).join("tests/vectors/worked-example").join(name))
}
