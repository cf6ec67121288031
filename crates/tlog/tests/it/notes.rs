//! Notes, verifier keys, checkpoints and cosignatures: what is accepted, and all that is not.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::BASE64;
use model::{Algorithm, Digest, Instant, PublicKey};
use tlog::note::{self, NOTE_BYTES_MAX, Note, NoteAlgorithm, NoteError, SIGNATURES_MAX};
use tlog::{Checkpoint, CheckpointError, Cosignature, SignedCheckpoint, VerifierKey, tree_head};

use crate::keys::Signer;

const TEXT: &str = "log.example.test\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn signed() -> String {
    let signer = Signer::log();
    note::seal(TEXT, &signer.key, &signer.sign(TEXT.as_bytes())).unwrap()
}

/// A line by a key that nobody knows.
fn stranger(n: usize) -> String {
    format!("\u{2014} stranger-{n} {}\n", BASE64.encode(&[9; 68]))
}

#[test]
fn a_published_note_of_another_implementation_opens() {
    // From the documentation of golang.org/x/mod/sumdb/note.
    let key =
        VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let opened = note::open(note, &[key]).unwrap();
    assert_eq!(opened.signers()[0].key().name(), "PeterNeumann");
    assert!(opened.text().starts_with("If you think") && opened.text().ends_with("is.\n"));
}

#[test]
fn the_example_of_the_cosignature_specification_is_read() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(note).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(note.names().collect::<Vec<_>>(), ["example.com/behind-the-sofa", "witness.example.com/w1"]);
    let message = Cosignature::to_be_signed(&checkpoint, Instant::from_seconds(1_679_315_147));
    assert_eq!(message, format!("cosignature/v1\ntime 1679315147\n{}", note.text()).into_bytes());
}

#[test]
fn a_note_opens_with_a_known_key_and_says_who_signed() {
    let witness = Signer::new("witness.example.test/w1", NoteAlgorithm::Cosignature, 5);
    let cosigned = note::seal(TEXT, &witness.key, &witness.cosign(TEXT, 1_679_315_147)).unwrap();
    let line = cosigned.strip_prefix(TEXT).unwrap().strip_prefix('\n').unwrap();
    let note = format!("{}{}{line}{line}", signed(), stranger(1));
    let opened = note::open(&note, &[Signer::log().key, witness.key.clone()]).unwrap();
    assert_eq!(opened.text(), TEXT);
    let times: Vec<_> = opened.signers().iter().map(|by| (by.key().name(), by.time())).collect();
    let time = Instant::from_seconds(1_679_315_147);
    assert_eq!(times, [("log.example.test", None), ("witness.example.test/w1", Some(time))]);
    assert_eq!(note::open(&note, &[witness.key]).unwrap().signers().len(), 1);
    let names: Vec<_> = Note::parse(&note).unwrap().names().collect();
    assert_eq!(names.len(), 4);
}

#[test]
fn a_note_without_a_known_key_or_with_a_bad_signature_of_one_is_refused() {
    let (log, ed25519) = (Signer::log(), NoteAlgorithm::Ed25519);
    let others = [Signer::new("log.example.test", ed25519, 2).key, Signer::new("other.test", ed25519, 1).key];
    assert_eq!(note::open(&signed(), &others), Err(NoteError::NoKnownKey));
    assert_eq!(note::open(&signed(), &[]), Err(NoteError::NoKnownKey));
    let changed = signed().replacen("\n3\n", "\n4\n", 1);
    assert_eq!(
        note::open(&changed, std::slice::from_ref(&log.key)),
        Err(NoteError::BadSignature { name: "log.example.test".into() })
    );
    // A good signature beside it does not save a bad one.
    let second = Signer::new("second.test", ed25519, 3);
    let mut bad = second.key.key_hash().to_vec();
    bad.extend([0; 64]);
    let both = format!("{}\u{2014} second.test {}\n", signed(), BASE64.encode(&bad));
    note::open(&both, std::slice::from_ref(&log.key)).unwrap();
    assert!(matches!(note::open(&both, &[log.key, second.key]), Err(NoteError::BadSignature { .. })));
}

#[test]
fn every_malformed_note_is_refused() {
    let good = signed();
    let line = good.strip_prefix(TEXT).unwrap().strip_prefix('\n').unwrap();
    let encoded = line.trim_end().rsplit_once(' ').unwrap().1;
    let refused = |note: &str| assert!(Note::parse(note).is_err(), "{note:?}");
    for note in [
        String::new(),
        "\n".into(),
        "\n\n".into(),
        TEXT.into(),
        format!("{TEXT}\n"),
        format!("\n\n{line}"),
        format!("\n{line}"),
        format!("{TEXT}{line}"),
        good.trim_end().into(),
        format!("{good}\n"),
        format!("{TEXT}\n\n{line}"),
        format!("{TEXT}\n{line}\n{line}"),
        format!("a\n\n{TEXT}\n{line}"),
        good.replace('\n', "\r\n"),
        good.replace("\u{2014} ", "- "),
        good.replace("\u{2014} ", "\u{2014}"),
        good.replace("\u{2014} ", "\u{2014}  "),
        good.replace("\u{2014} ", "\u{2013} "),
        format!("{TEXT}\n\u{2014} a+b {encoded}\n"),
        format!("{TEXT}\n\u{2014} a\u{00a0}b {encoded}\n"),
        format!("{TEXT}\n\u{2014}  {encoded}\n"),
        format!("{TEXT}\n\u{2014} {} {encoded}\n", "n".repeat(256)),
        format!("{TEXT}\n\u{2014} name {encoded} \n"),
        format!("{TEXT}\n\u{2014} name {encoded} more\n"),
        format!("{TEXT}\n\u{2014} name {}\n", &encoded[..encoded.len() - 1]),
        format!("{TEXT}\n\u{2014} name {}\n", encoded.replace('=', "")),
        format!("{TEXT}\n\u{2014} name {}\n", encoded.replace(['/', '+'], "_")),
        format!("{TEXT}\n\u{2014} name \n"),
        format!("{TEXT}\n\u{2014} name AAAA\n"),
        format!("{TEXT}\n\u{2014} name AAAAAA==\n"),
        format!("{TEXT}\ntext\n{line}"),
        format!("{TEXT}\n{line}text\n"),
    ] {
        refused(&note);
    }
    for control in ['\0', '\t', '\r', '\u{b}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}'] {
        assert!(matches!(
            Note::parse(&format!("a{control}b\n\n{line}")),
            Err(NoteError::ControlCharacter { at: 1 })
        ));
    }
    Note::parse(&good).unwrap();
}

/// CVE-2024-29903: counts that strangers give had no bounds.
#[test]
fn a_note_is_bounded_in_bytes_and_in_signatures() {
    let strangers = |count: usize| (0..count).map(stranger).collect::<String>();
    note::open(&format!("{}{}", signed(), strangers(SIGNATURES_MAX - 1)), &[Signer::log().key]).unwrap();
    let many = format!("{}{}", signed(), strangers(SIGNATURES_MAX));
    assert_eq!(note::open(&many, &[Signer::log().key]), Err(NoteError::TooManySignatures));
    let long = "a".repeat(NOTE_BYTES_MAX + 1);
    assert_eq!(Note::parse(&long), Err(NoteError::TooLong { length: NOTE_BYTES_MAX + 1 }));
}

#[test]
fn a_signature_that_does_not_verify_is_not_sealed() {
    let signer = Signer::log();
    let good = signer.sign(TEXT.as_bytes());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(note::seal(TEXT, &signer.key, &changed).is_err(), "byte {at}");
    }
    for signature in [&good[..63], &[], &signer.sign(b"else")] {
        let refused = note::seal(TEXT, &signer.key, signature);
        assert_eq!(refused, Err(NoteError::BadSignature { name: "log.example.test".into() }));
    }
}

#[test]
fn a_text_that_would_not_come_out_again_is_not_sealed() {
    let signer = Signer::log();
    for text in ["", "\n", "no end of line", "a\n\nb\n", "a\n\n", "a\tb\n", "a\r\n", "a\n\u{2014} b c\n\n"] {
        assert!(note::seal(text, &signer.key, &signer.sign(text.as_bytes())).is_err(), "{text:?}");
    }
}

#[test]
fn a_verifier_key_is_read_and_written_in_one_way_only() {
    for algorithm in [NoteAlgorithm::Ed25519, NoteAlgorithm::Cosignature] {
        let key = Signer::new("example.test/key", algorithm, 8).key;
        let text = key.encode();
        assert_eq!(VerifierKey::parse(&text).unwrap(), key);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(VerifierKey::parse(&changed).is_err(), "{changed}");
            }
        }
    }
    for text in
        ["", "+", "++", "a+b", "a+00000000+", "+00000000+AQ==", "a b+00000000+AQ==", "a+00000000+AQ=="]
    {
        assert!(VerifierKey::parse(text).is_err(), "{text}");
    }
    let unknown = format!("a+00000000+{}", BASE64.encode(&[6; 33]));
    assert_eq!(VerifierKey::parse(&unknown), Err(NoteError::UnknownAlgorithm { name: "a".into(), kind: 6 }));
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{0}b"] {
        assert!(VerifierKey::new(name, NoteAlgorithm::Ed25519, [1; 32]).is_err(), "{name:?}");
    }
}

#[test]
fn a_key_hash_differs_between_kinds_of_key_and_names() {
    let hash = |name, algorithm| VerifierKey::new(name, algorithm, [1; 32]).unwrap().key_hash();
    let first = hash("a", NoteAlgorithm::Ed25519);
    assert_ne!(first, hash("a", NoteAlgorithm::Cosignature));
    assert_ne!(first, hash("b", NoteAlgorithm::Ed25519));
}

#[test]
fn a_checkpoint_is_written_as_the_specification_writes_it() {
    let checkpoint = Checkpoint::parse(TEXT).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("log.example.test", 3));
    assert_eq!(checkpoint.text(), TEXT);
    let extended = format!("{TEXT}one more line\nand another\n");
    let checkpoint = Checkpoint::parse(&extended).unwrap();
    assert_eq!(checkpoint.extensions(), ["one more line", "and another"]);
    assert_eq!(checkpoint.text(), extended);
}

#[test]
fn every_malformed_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for text in [
        String::new(),
        "\n".into(),
        "log\n3\n".into(),
        format!("log\n3\n{root}"),
        format!("\n3\n{root}\n"),
        format!("log\n\n{root}\n"),
        format!("log\n03\n{root}\n"),
        format!("log\n+3\n{root}\n"),
        format!("log\n-3\n{root}\n"),
        format!("log\n3 \n{root}\n"),
        format!("log\n0x3\n{root}\n"),
        format!("log\n9223372036854775808\n{root}\n"),
        format!("log\n18446744073709551616\n{root}\n"),
        "log\n3\n\n".into(),
        format!("log\n3\n{}\n", root.trim_end_matches('=')),
        format!("log\n3\n{}\n", root.replace('+', "-").replace('/', "_")),
        format!("log\n3\n{}\n", BASE64.encode(&[1; 31])),
        format!("log\n3\n{}\n", BASE64.encode(&[1; 33])),
        format!("log\n3\n{root} \n"),
        format!("log\n3\n{root}\n\n"),
        format!("log\n3\n{root}\nextension\n\n"),
        format!("log\r\n3\r\n{root}\r\n"),
        format!("lo\tg\n3\n{root}\n"),
        format!("log\n3\n{root}\nexten\tsion\n"),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Shape), "{text:?}");
    }
    for origin in ["", "a\nb", "a\u{0}"] {
        assert!(Checkpoint::new(origin, 0, Digest::ZERO).is_err());
    }
    assert!(Checkpoint::new("log", 1 << 63, Digest::ZERO).is_err());
}

#[test]
fn a_signed_checkpoint_is_the_logs_own() {
    let opened = SignedCheckpoint::open(&signed(), &Signer::log().key).unwrap();
    assert_eq!((opened.size(), opened.note()), (3, signed().as_str()));
    // The right key's name over a checkpoint of another log.
    let signer = Signer::log();
    let foreign = TEXT.replace("log.example.test", "other.test");
    let note = note::seal(&foreign, &signer.key, &signer.sign(foreign.as_bytes())).unwrap();
    assert!(matches!(SignedCheckpoint::open(&note, &signer.key), Err(CheckpointError::Origin { .. })));
    // A note that is no checkpoint.
    let note = note::seal("hello\n", &signer.key, &signer.sign(b"hello\n")).unwrap();
    assert_eq!(SignedCheckpoint::open(&note, &signer.key), Err(CheckpointError::Shape));
    // A witness's key, even of the log's name, opens none.
    let witness = Signer::new("log.example.test", NoteAlgorithm::Cosignature, 1);
    let note = note::seal(TEXT, &witness.key, &witness.cosign(TEXT, 5)).unwrap();
    assert!(matches!(SignedCheckpoint::open(&note, &witness.key), Err(CheckpointError::KindOfKey { .. })));
    assert!(matches!(SignedCheckpoint::open(&note, &signer.key), Err(CheckpointError::Note { .. })));
}

/// CVE-2026-49834: a threshold counted signatures, and not those who made them.
#[test]
fn cosignatures_count_by_witness_and_a_bad_one_makes_all_bad() {
    let witnesses: Vec<Signer> = (0..3)
        .map(|n| Signer::new(&format!("witness-{n}.test"), NoteAlgorithm::Cosignature, 10 + n))
        .collect();
    let line = |witness: &Signer, bytes: &[u8]| {
        let bytes = [witness.key.key_hash().as_slice(), bytes].concat();
        format!("\u{2014} {} {}\n", witness.key.name(), BASE64.encode(&bytes))
    };
    let mut note = signed();
    for (witness, seconds) in witnesses.iter().zip(1_000..) {
        note.push_str(&line(witness, &witness.cosign(TEXT, seconds)));
    }
    let keys: Vec<VerifierKey> = witnesses.iter().map(|witness| witness.key.clone()).collect();
    let signed_checkpoint = SignedCheckpoint::open(&note, &Signer::log().key).unwrap();
    let cosignatures = signed_checkpoint.cosignatures(&keys).unwrap();
    let expected = |(seconds, witness): (u64, &Signer)| Cosignature {
        witness: witness.key.clone(),
        time: Instant::from_seconds(seconds),
        signature: witness.cosign(TEXT, seconds)[8..].try_into().unwrap(),
    };
    assert_eq!(cosignatures, (1_000..).zip(&witnesses).map(expected).collect::<Vec<_>>());
    // From what is kept of it, the line is made again.
    let again: String =
        cosignatures.iter().map(|one| one.line(signed_checkpoint.checkpoint()).unwrap()).collect();
    assert_eq!(format!("{}{again}", signed()), note);
    assert_eq!(signed_checkpoint.cosignatures(&keys[..1]).unwrap().len(), 1);
    assert!(signed_checkpoint.cosignatures(&[]).unwrap().is_empty());
    // The log's own signature is no cosignature.
    assert!(signed_checkpoint.cosignatures(&[Signer::log().key]).unwrap().is_empty());
    let message = Cosignature::to_be_signed(signed_checkpoint.checkpoint(), Instant::from_seconds(1_000));
    assert_eq!(message, format!("cosignature/v1\ntime 1000\n{TEXT}").into_bytes());
    // Another time, a plain signature, a short one, and a time out of range.
    let good = witnesses[0].cosign(TEXT, 1_000);
    let mut another_time = good.clone();
    another_time[7] ^= 1;
    for bad in [
        another_time,
        witnesses[0].sign(TEXT.as_bytes()),
        good[..8].to_vec(),
        witnesses[0].cosign(TEXT, 1 << 63),
    ] {
        let note = format!("{}{}", signed(), line(&witnesses[0], &bad));
        let signed_checkpoint = SignedCheckpoint::open(&note, &Signer::log().key).unwrap();
        assert!(signed_checkpoint.cosignatures(&keys).is_err());
    }
}

#[test]
fn a_log_may_sign_with_ecdsa_or_sign_the_head_of_its_tree() {
    let pair = testkit::Key::generate(model::Algorithm::EcdsaP256);
    let checkpoint = Checkpoint::parse(TEXT).unwrap();
    let line = |key: &VerifierKey, signature: &[u8]| {
        let signed = [&key.key_hash()[..], signature].concat();
        format!("{TEXT}\n\u{2014} log.example.test {}\n", BASE64.encode(&signed))
    };
    let plain = VerifierKey::of_log("log.example.test", &pair.public()).unwrap();
    assert_eq!(plain.algorithm(), NoteAlgorithm::Ecdsa);
    SignedCheckpoint::open(&line(&plain, &pair.sign(TEXT.as_bytes())), &plain).unwrap();
    let log = VerifierKey::of_certificate_log("log.example.test", &pair.public()).unwrap();
    let time = model::Instant::from_seconds(1_800_000_000);
    let signed = tree_head::to_be_signed(time, checkpoint.size(), checkpoint.root());
    let sealed = tree_head::seal(time, &pair.sign(&signed));
    SignedCheckpoint::open(&line(&log, &sealed), &log).unwrap();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        assert!(SignedCheckpoint::open(&line(&log, &changed), &log).is_err(), "byte {place}");
    }
    // What is signed for one kind is not taken for the other.
    assert!(SignedCheckpoint::open(&line(&plain, &sealed), &plain).is_err());
    assert!(SignedCheckpoint::open(&line(&log, &pair.sign(TEXT.as_bytes())), &log).is_err());
    for key in [plain, log] {
        assert_eq!(VerifierKey::parse(&key.encode()).unwrap(), key);
    }
}

#[test]
fn a_checkpoint_of_rekor_v1_names_a_tree_beside_the_name_under_which_it_is_signed() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = PublicKey::from_point(Algorithm::EcdsaP256, pair.public_key().as_ref()).unwrap();
    let origin = "v1.log.example.test - 2026";
    let key = VerifierKey::of_rekor_v1(origin, &public).unwrap();
    assert_eq!((key.name(), key.origin()), ("v1.log.example.test", origin));
    assert_eq!(key.log_id(), Digest::of(public.spki()), "its clients know the log by its key alone");
    let sealed = |origin: &str| {
        let text = Checkpoint::new(origin, 3, Digest::of(b"root")).unwrap().text();
        let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        note::seal(&text, &key, signature.as_ref()).unwrap()
    };
    assert_eq!(SignedCheckpoint::open(&sealed(origin), &key).unwrap().size(), 3);
    for other in ["v1.log.example.test - 2027", "v1.log.example.test", "2026.log.example.test"] {
        let refused = SignedCheckpoint::open(&sealed(other), &key).unwrap_err();
        assert!(matches!(refused, CheckpointError::Origin { .. }), "{refused}");
    }
    // Nor does it pass for the checkpoint of a log without trees.
    let plain = VerifierKey::of_log("v1.log.example.test", &public).unwrap();
    assert!(SignedCheckpoint::open(&sealed(origin), &plain).is_err());
    for malformed in
        ["v1.log.example.test", "a - ", "a - x", "a - 01", "a - -1", " - 1", "a b - 1", "a - 1 - 2"]
    {
        assert!(VerifierKey::of_rekor_v1(malformed, &public).is_err(), "{malformed}");
    }
    let ed25519 = PublicKey::from_ed25519(&[7; 32]);
    assert!(VerifierKey::of_rekor_v1(origin, &ed25519).is_err());
}
