//! What a witness is asked and answers: the published requests of `litewitness` (filippo.io/torchwood), the examples of
//! the specification, and everything that must not be cosigned.

use model::{Digest, Instant};
use tlog::note::{self, NoteAlgorithm};
use tlog::witness::{KnownLog, Rejection, Seen, Submission};
use tlog::{Checkpoint, Growth, RightEdge, SignedCheckpoint, VerifierKey};

use crate::keys::Signer;

const SIGSUM: &str = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
const ONE: &str = "1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const THREE: &str = "3\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=\n";
const FIVE: &str = "5\nQrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=\n";
const ONE_SIGNED: &str =
    "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=";
const THREE_SIGNED: &str =
    "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=";
const FIVE_SIGNED: &str =
    "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=";
const ONE_TO_THREE: &str =
    "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nKgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const ONE_TO_FIVE: &str = "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=\nKgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn sigsum() -> KnownLog {
    let raw = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f";
    let raw: [u8; 32] = data_encoding::HEXLOWER.decode(raw.as_bytes()).unwrap().try_into().unwrap();
    KnownLog::new(SIGSUM, VerifierKey::new(SIGSUM, NoteAlgorithm::Ed25519, raw).unwrap()).unwrap()
}

fn body(old: u64, proof: &str, origin: &str, text: &str, signature: &str) -> String {
    format!("old {old}\n{proof}\n{origin}\n{text}\n\u{2014} {origin} {signature}\n")
}

/// What a witness that knows this log and has seen this answers.
fn judge(body: &str, log: &KnownLog, seen: Option<Seen>) -> Result<Seen, Rejection> {
    let submission = Submission::parse(body)?;
    if submission.origin() != log.origin() {
        return Err(Rejection::UnknownLog);
    }
    submission.extends(&submission.signed_by(log)?, seen)
}

fn seen(text: &str) -> Seen {
    let checkpoint = Checkpoint::parse(&format!("{SIGSUM}\n{text}")).unwrap();
    Seen { size: checkpoint.size(), root: *checkpoint.root() }
}

#[test]
fn the_published_requests_of_another_witness_get_the_answers_of_the_specification() {
    let log = sigsum();
    let first = body(0, "", SIGSUM, ONE, ONE_SIGNED);
    assert_eq!(judge(&first, &log, None).unwrap(), seen(ONE));
    let after_one = Some(seen(ONE));
    for (body, expected) in [
        (body(1, ONE_TO_THREE, SIGSUM, THREE, THREE_SIGNED), Ok(seen(THREE))),
        (body(1, ONE_TO_FIVE, SIGSUM, FIVE, FIVE_SIGNED), Ok(seen(FIVE))),
        (body(1, ONE_TO_THREE, SIGSUM, THREE, &THREE_SIGNED.replace("6go=", "6gx=")), Err(400)),
        (body(1, ONE_TO_THREE, SIGSUM, THREE, ONE_SIGNED), Err(403)),
        (body(1, ONE_TO_THREE, &SIGSUM.replace("562", "563"), THREE, THREE_SIGNED), Err(404)),
        (body(1, "", SIGSUM, THREE, THREE_SIGNED), Err(422)),
        (body(1, &ONE_TO_THREE.replace("IAAAAA", "IAAABA"), SIGSUM, THREE, THREE_SIGNED), Err(422)),
        (body(0, "", SIGSUM, THREE, THREE_SIGNED), Err(409)),
        (body(2, "", SIGSUM, ONE, ONE_SIGNED), Err(400)),
    ] {
        let answered = judge(&body, &log, after_one).map_err(|rejection| rejection.status());
        assert_eq!(answered, expected, "{body}");
    }
    let conflict = judge(&first, &log, Some(seen(FIVE))).unwrap_err();
    assert_eq!(conflict, Rejection::Conflict { size: 5 });
}

#[test]
fn a_log_whose_key_has_another_name_than_its_origin_is_known_too() {
    let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let log = KnownLog::new("go.sum database tree", VerifierKey::parse(key).unwrap()).unwrap();
    let body = "old 0\n\ngo.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n\u{2014} sum.golang.org Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=\n";
    assert_eq!(judge(body, &log, None).unwrap().size, 35_225_469);
    assert_eq!(Submission::parse(body).unwrap().encode(), body);
}

#[test]
fn what_is_not_of_the_shape_that_is_asked_for_is_no_submission() {
    let note = format!("{SIGSUM}\n{ONE}\n\u{2014} {SIGSUM} {ONE_SIGNED}\n");
    let hash = "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    for bad in [
        String::new(),
        note.clone(),
        format!("old 0\n{note}"),
        format!("old 00\n\n{note}"),
        format!("old +1\n\n{note}"),
        format!("old -1\n\n{note}"),
        format!("old 18446744073709551616\n\n{note}"),
        format!("old  0\n\n{note}"),
        format!("Old 0\n\n{note}"),
        format!("old 0\nKgEA\n\n{note}"),
        // Two encodings in a row, of 32 bytes together.
        format!("old 0\nKgE={}\n\n{note}", "A".repeat(40)),
        format!("old 0\n{hash}\r\n\n{note}"),
        format!("old 1\n{}\n{note}", hash.repeat(64)),
    ] {
        assert_eq!(Submission::parse(&bad), Err(Rejection::Shape), "{bad}");
    }
    assert_eq!(Submission::parse(&format!("old 1\n{}\n{note}", hash.repeat(63))).unwrap().proof.len(), 63);
}

#[test]
fn two_roots_for_one_size_and_an_empty_tree_with_a_root_are_never_cosigned() {
    let signer = Signer::log();
    let log = KnownLog::new("log.example.test", signer.key.clone()).unwrap();
    let sealed = |size: u64, root: Digest| {
        let text = Checkpoint::new("log.example.test", size, root).unwrap().text();
        note::seal(&text, &signer.key, &signer.sign(text.as_bytes())).unwrap()
    };
    let answer = |old_size: u64, size: u64, root: Digest, seen: Option<Seen>| {
        let submission = Submission { old_size, proof: Vec::new(), note: sealed(size, root) };
        judge(&submission.encode(), &log, seen).map_err(|rejection| rejection.status())
    };
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let known = Some(Seen { size: 7, root: one });
    assert_eq!(answer(7, 7, one, known), Ok(Seen { size: 7, root: one }), "once more, with a newer time");
    assert_eq!(answer(7, 7, other, known), Err(409));
    assert_eq!(answer(0, 0, other, None), Err(409));
    assert_eq!(answer(0, 0, Digest::of(b""), None), Ok(Seen { size: 0, root: Digest::of(b"") }));
    assert_eq!(answer(0, 7, other, known), Err(409));
}

#[test]
fn a_growing_tree_is_cosigned_step_by_step_with_the_proofs_of_its_growth() {
    let signer = Signer::log();
    let log = KnownLog::new("log.example.test", signer.key.clone()).unwrap();
    let mut seen = None;
    let mut growth = Growth::from(RightEdge::new());
    let mut edge = RightEdge::new();
    for step in [1_u64, 2, 0, 5, 1, 31] {
        for n in 0..step {
            let leaf = Digest::of(&[u8::try_from(n).unwrap()]);
            edge.append(leaf);
            growth.append(leaf);
        }
        let text = Checkpoint::new("log.example.test", edge.size(), edge.root()).unwrap().text();
        let note = note::seal(&text, &signer.key, &signer.sign(text.as_bytes())).unwrap();
        let submission = Submission { old_size: growth.edge().size(), proof: growth.proof().unwrap(), note };
        seen = Some(judge(&submission.encode(), &log, seen).unwrap());
        growth = Growth::from(edge.clone());
    }
    assert_eq!(seen, Some(Seen { size: 40, root: edge.root() }));
}

#[test]
fn cosignatures_are_gathered_under_a_checkpoint_and_a_newer_one_takes_the_place_of_the_older() {
    let (signer, text) =
        (Signer::log(), "log.example.test\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    let checkpoint = SignedCheckpoint::open(
        &note::seal(text, &signer.key, &signer.sign(text.as_bytes())).unwrap(),
        &signer.key,
    )
    .unwrap();
    let witnesses =
        [1, 2].map(|n| Signer::new(&format!("witness.example.test/{n}"), NoteAlgorithm::Cosignature, n));
    let keys = [witnesses[0].key.clone(), witnesses[1].key.clone()];
    let line = |witness: &Signer, time: u64| {
        note::signature_line(text, &witness.key, &witness.cosign(text, time)).unwrap()
    };
    let stranger = "\u{2014} stranger CQkJCQkJ\n";
    let once = checkpoint.with_cosignatures(&(line(&witnesses[0], 10) + stranger), &keys).unwrap();
    let twice = once.with_cosignatures(&(line(&witnesses[1], 20) + &line(&witnesses[0], 30)), &keys).unwrap();
    let cosigned = twice.cosignatures(&keys).unwrap();
    let mut times: Vec<Instant> = cosigned.iter().map(|one| one.time).collect();
    times.sort();
    assert_eq!(times, [20, 30].map(Instant::from_seconds));
    assert!(!twice.note().contains("stranger"));
    assert_eq!(SignedCheckpoint::open(twice.note(), &signer.key).unwrap(), twice);
    let forged = line(&witnesses[0], 10).replace(keys[0].name(), keys[1].name());
    // A line under another's name is by nobody who is known: the key hash is not theirs.
    assert_eq!(checkpoint.with_cosignatures(&forged, &keys).unwrap(), checkpoint);
    let other = note::signature_line("x\n", &witnesses[0].key, &witnesses[0].cosign("x\n", 1)).unwrap();
    assert!(checkpoint.with_cosignatures(&other, &keys).is_err());
}
