//! Signatures of minisign: its own program as judge and as writer, and every changed bit.

use std::path::Path;
use std::process::Command;

use envelope::minisign::{Minisig, MinisignError, MinisignKey, Over};
use envelope::{Chosen, ToBeSigned, compose};
use model::{Algorithm, Digests, Form, Hash, Item, Parameters};
use testkit::{Direction, Tool};

use crate::support::{Key, carried_item};
use crate::tampered::unnoticed;

const FILE: &[u8] = b"what an organisation ships\n";
const COMMENT: &str = "timestamp:1795165602\tfile:artifact.txt\thashed";

fn item(content: &[u8], comment: &str) -> Item {
    let parameters = Parameters { trusted_comment: Some(comment.to_owned()), ..Parameters::default() };
    Item { parameters, ..carried_item(Form::Minisign, Algorithm::Ed25519, content) }
}

/// What a key process answers: both signatures, one behind the other.
fn sign(key: &Key, content: &[u8], comment: &str) -> Vec<u8> {
    let composed = compose(&item(content, comment), &Chosen::Nothing, None).unwrap();
    let ToBeSigned::Twice { message, comment } = &composed else { panic!("{composed:?}") };
    assert_eq!(*message, Hash::Blake2b512.digest(content));
    let first = key.sign(message);
    let both = [first.clone(), key.sign(&[&first, comment.as_bytes()].concat())].concat();
    composed.verify(&key.public(), &both).unwrap();
    both
}

fn seal(key: &Key, content: &[u8], comment: &str) -> (MinisignKey, String) {
    let public = MinisignKey::of(&key.public()).unwrap();
    let sealed = Minisig::seal(&public, &sign(key, content, comment), comment, "made in a test").unwrap();
    (public, sealed.to_file())
}

fn digests(content: &[u8]) -> Digests {
    Digests::of(content, &[Hash::Blake2b512])
}

#[test]
fn our_signatures_verify_for_their_file_comment_and_key_alone() {
    let key = Key::generate(Algorithm::Ed25519);
    let (public, file) = seal(&key, FILE, COMMENT);
    let opened = Minisig::parse(&file).unwrap();
    assert_eq!(
        (opened.over(), opened.trusted_comment(), opened.to_file()),
        (Over::Digest, COMMENT, file.clone())
    );
    opened.verify(&public, &digests(FILE)).unwrap();
    opened.verify_legacy(&public, FILE).unwrap();
    assert!(matches!(opened.verify(&public, &digests(b"other")), Err(MinisignError::BadSignature(_))));
    let unknown = opened.verify(&public, &Digests::of(FILE, &[]));
    assert!(matches!(unknown, Err(MinisignError::DigestUnknown { hash: Hash::Blake2b512 })));
    let other = MinisignKey::of(&Key::generate(Algorithm::Ed25519).public()).unwrap();
    assert!(matches!(opened.verify(&other, &digests(FILE)), Err(MinisignError::OtherKey { .. })));
    let other = Minisig::parse(&file.replace("artifact.txt", "artifact.exe")).unwrap();
    assert!(matches!(other.verify(&public, &digests(FILE)), Err(MinisignError::BadComment(_))));
    assert_eq!(MinisignKey::of(&Key::generate(Algorithm::EcdsaP256).public()), None);
}

#[test]
fn a_composed_signature_needs_both_of_its_parts_in_their_order() {
    let key = Key::generate(Algorithm::Ed25519);
    let composed = compose(&item(FILE, COMMENT), &Chosen::Nothing, None).unwrap();
    let both = sign(&key, FILE, COMMENT);
    let (first, second) = both.split_at(64);
    for bad in
        [first, second, &[second, first].concat(), &[first, first].concat(), &[&both[..], b"x"].concat(), b""]
    {
        assert!(composed.verify(&key.public(), bad).is_err());
    }
    assert_eq!(composed.logged(&both), first);
    let other = compose(&item(FILE, "another comment"), &Chosen::Nothing, None).unwrap();
    assert!(other.verify(&key.public(), &both).is_err());
    assert_ne!(other.sha256(), composed.sha256());
}

#[test]
fn every_bit_is_covered_but_for_the_untrusted_comment() {
    let key = Key::generate(Algorithm::Ed25519);
    let (public, file) = seal(&key, FILE, COMMENT);
    let content = digests(FILE);
    let accepts = |bytes: &[u8]| {
        let opened = std::str::from_utf8(bytes).ok().and_then(|text| Minisig::parse(text).ok());
        opened.is_some_and(|opened| opened.verify(&public, &content).is_ok())
    };
    // The line break at the end may be missing.
    let file = file.trim_end().as_bytes().to_vec();
    let begin = "untrusted comment: ".len();
    let untrusted = begin..begin + "made in a test".len();
    for (at, bit) in unnoticed(&file, accepts) {
        assert!(untrusted.contains(&at), "bit {bit} of byte {at}");
    }
    let windows = String::from_utf8(file).unwrap().replace('\n', "\r\n");
    assert!(accepts(windows.as_bytes()));
}

#[test]
fn a_file_that_is_no_signature_or_key_says_which_line_is_wrong() {
    let (public, file) = seal(&Key::generate(Algorithm::Ed25519), FILE, COMMENT);
    let lines: Vec<&str> = file.lines().collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        Minisig::parse(&lines.join("\n")).unwrap_err().to_string()
    };
    let malformed = |what: &str| format!("the {what} of the minisign signature or key is malformed");
    assert_eq!(with(0, "comment: x"), malformed("untrusted comment"));
    assert_eq!(with(0, "untrusted comment: \u{1b}[2J"), malformed("untrusted comment"));
    assert_eq!(with(1, "AAAA"), malformed("signature"));
    assert_eq!(with(1, &lines[1].replacen("RU", "AU", 1)), malformed("kind of signature"));
    assert_eq!(with(2, "trusted comment: a\rb"), malformed("trusted comment"));
    assert_eq!(with(3, lines[1]), malformed("signature of the trusted comment"));
    assert_eq!(with(3, &format!("{}\nmore", lines[3])), malformed("number of lines"));
    let long = format!("untrusted comment: {}", "x".repeat(16 * 1024));
    assert!(with(0, &long).starts_with("16"));

    assert_eq!(MinisignKey::parse(&public.to_file()).unwrap(), public);
    assert_eq!(MinisignKey::parse(&public.to_line()).unwrap(), public);
    for (bad, what) in [
        ("a\nb\nc\n", "number of lines"),
        ("comment: x\nRWQ\n", "untrusted comment"),
        (&public.to_line()[4..], "public key"),
        (&public.to_line().replacen("RW", "QW", 1), "kind of public key"),
    ] {
        assert_eq!(MinisignKey::parse(bad).unwrap_err().to_string(), malformed(what), "{bad}");
    }
}

/// The program in a folder of its own.
struct Minisign<'a> {
    tool: &'a Tool,
    folder: &'a Path,
}

impl Minisign<'_> {
    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.tool.command();
        command.args(arguments).current_dir(self.folder);
        command
    }

    fn accepts(&self) -> bool {
        self.command(&["-V", "-q", "-p", "key.pub", "-m", "f"]).status().unwrap().success()
    }
}

/// A byte of every class of a signature file: of each line its first word, its middle, its end.
fn spoilt(file: &str) -> Vec<String> {
    let lines: Vec<&str> = file.lines().collect();
    let mut spoilt = Vec::new();
    for at in 1..lines.len() {
        let begin = if at == 2 { "trusted comment: ".len() } else { 0 };
        for place in [begin, begin + (lines[at].len() - begin) / 2, lines[at].trim_end_matches('=').len() - 2]
        {
            let mut changed = lines.clone();
            let mut line = lines[at].as_bytes().to_vec();
            line[place] = if line[place] == b'x' { b'y' } else { b'x' };
            let line = String::from_utf8(line).unwrap();
            changed[at] = &line;
            spoilt.push(changed.join("\n") + "\n");
        }
    }
    spoilt
}

#[test]
fn interop_minisign_verifies_our_signatures() {
    let Some(tool) = testkit::tool("minisign") else { return };
    let folder = testkit::temp_folder();
    let minisign = Minisign { tool: &tool, folder: folder.path() };
    let (mut accepted, mut refused) = (0, 0);
    let key = Key::generate(Algorithm::Ed25519);
    for content in [&b""[..], FILE, &[7; 100_000]] {
        for comment in [COMMENT, "x", "größer = 1.0"] {
            let (public, file) = seal(&key, content, comment);
            minisign.put("key.pub", public.to_file());
            minisign.put("f", content);
            minisign.put("f.minisig", &file);
            assert!(minisign.accepts(), "{comment}");
            let said = minisign.command(&["-V", "-Q", "-P", &public.to_line(), "-m", "f"]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout).trim_end(), comment);
            accepted += 1;
            minisign.put("f", [content, b"more"].concat());
            assert!(!minisign.accepts());
            refused += 1;
        }
    }
    minisign.put("f", FILE);
    for changed in spoilt(&seal(&key, FILE, COMMENT).1) {
        minisign.put("f.minisig", &changed);
        assert!(!minisign.accepts(), "{changed}");
        refused += 1;
    }
    testkit::interop_row("minisign", &tool, Direction::Ours, accepted, refused);
}

#[test]
fn interop_signatures_of_minisign_verify_here() {
    let Some(tool) = testkit::tool("minisign") else { return };
    let folder = testkit::temp_folder();
    let minisign = Minisign { tool: &tool, folder: folder.path() };
    let made = minisign.command(&["-G", "-W", "-p", "key.pub", "-s", "key"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let public = MinisignKey::parse(&minisign.read("key.pub")).unwrap();
    assert!(minisign.read("key.pub").contains(&public.number().to_string()));
    assert_eq!(minisign.read("key.pub"), public.to_file());
    let (mut accepted, mut refused) = (0, 0);
    for content in [&b""[..], FILE, &[7; 100_000]] {
        for (option, over) in [("-q", Over::Digest), ("-l", Over::File)] {
            minisign.put("f", content);
            let made =
                minisign.command(&["-S", option, "-s", "key", "-m", "f", "-t", COMMENT]).output().unwrap();
            assert!(made.status.success(), "{made:?}");
            let file = minisign.read("f.minisig");
            let verify = |file: &str, content: &[u8]| {
                Minisig::parse(file).is_ok_and(|one| one.verify_legacy(&public, content).is_ok())
            };
            let opened = Minisig::parse(&file).unwrap();
            assert_eq!(
                (opened.over(), opened.trusted_comment(), opened.to_file()),
                (over, COMMENT, file.clone())
            );
            assert!(verify(&file, content));
            assert_eq!(opened.verify(&public, &digests(content)).is_ok(), over == Over::Digest);
            accepted += 1;
            assert!(!verify(&file, b"other"));
            refused += 1;
            for changed in spoilt(&file) {
                assert!(!verify(&changed, content), "{changed}");
                refused += 1;
            }
        }
    }
    testkit::interop_row("minisign", &tool, Direction::Theirs, accepted, refused);
}

/// A letter tells the two kinds apart, and nothing covers it: what was signed as the digest of one file is, with that letter
/// changed, an old signature of a file that is those 64 bytes. minisign takes it, unless told `-H`; we say that we cannot.
#[test]
fn an_old_signature_of_64_bytes_is_not_believed() {
    let key = Key::generate(Algorithm::Ed25519);
    let (public, file) = seal(&key, FILE, COMMENT);
    let digest = Hash::Blake2b512.digest(FILE);
    let relabelled = file.replacen("\nRU", "\nRW", 1);
    assert_ne!(relabelled, file);
    let opened = Minisig::parse(&relabelled).unwrap();
    assert_eq!(opened.over(), Over::File);
    assert!(matches!(opened.verify_legacy(&public, &digest), Err(MinisignError::Ambiguous)));
    assert!(matches!(opened.verify(&public, &digests(FILE)), Err(MinisignError::FileUnknown)));
    assert!(matches!(opened.verify_legacy(&public, FILE), Err(MinisignError::BadSignature(_))));
    let Some(tool) = testkit::tool("minisign") else { return };
    let folder = testkit::temp_folder();
    let minisign = Minisign { tool: &tool, folder: folder.path() };
    minisign.put("key.pub", public.to_file());
    minisign.put("f", &digest);
    minisign.put("f.minisig", &relabelled);
    assert!(minisign.accepts(), "minisign cannot tell either");
    let hashed = minisign.command(&["-V", "-H", "-q", "-p", "key.pub", "-m", "f"]).status().unwrap();
    assert!(!hashed.success());
}
