//! Feeds every target with its corpus, and with small spoilings of it, on any compiler.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::{Reading, TARGETS, feed};
use model::receipt::Receipt;
use model::{Item, Request};

/// What begins the name of an input that its target must refuse; every other one must be taken.
const BAD: &str = "bad-";

/// What a file of a corpus may hold.
const INPUT_BYTES_MAX: usize = 4 * 1024;

/// How often an input is spoilt; in one that has more bytes, not every byte is.
const SPOILINGS: usize = 128;

#[test]
fn every_good_input_is_taken_and_every_bad_one_refused() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for (file, bytes) in &corpus {
            let expected = if file.starts_with(BAD) { Reading::Refused } else { Reading::Taken };
            assert_eq!(feed(*target, bytes), expected, "`{file}` of `{name}`");
            assert!(bytes.len() <= INPUT_BYTES_MAX, "`{file}` of `{name}` is large");
        }
        assert!(corpus.iter().any(|(file, _)| !file.starts_with(BAD)), "`{name}` has no good input");
    }
}

#[test]
fn every_input_may_be_cut_short_or_spoilt_anywhere() {
    for (name, target) in TARGETS {
        for (file, mut bytes) in corpus(name) {
            let step = bytes.len().div_ceil(SPOILINGS).max(1);
            // Each file begins elsewhere, so that all of them together leave out little.
            for at in (file.len() % step..bytes.len()).step_by(step) {
                feed(*target, &bytes[..at]);
                bytes[at] ^= 0x15;
                feed(*target, &bytes);
                bytes[at] ^= 0x15;
            }
        }
    }
}

#[test]
fn every_target_reads_the_inputs_of_every_other() {
    let all: Vec<Vec<u8>> =
        TARGETS.iter().flat_map(|(name, _)| corpus(name)).map(|(_, bytes)| bytes).collect();
    for (_, target) in TARGETS {
        for bytes in &all {
            feed(*target, bytes);
        }
    }
}

#[test]
fn every_target_has_its_file_and_every_file_its_target() {
    let mut files = names(&folder("fuzz_targets"), |path| path.file_stem().map(Into::into));
    let mut corpora = names(&folder("corpus"), |path| path.file_name().map(Into::into));
    let mut targets: Vec<PathBuf> = TARGETS.iter().map(|(name, _)| name.into()).collect();
    files.sort();
    corpora.sort();
    targets.sort();
    assert_eq!((&files, &corpora), (&targets, &targets));
}

#[test]
fn the_corpus_of_requests_holds_good_ones() {
    let corpus = corpus("request");
    assert!(corpus.iter().any(|(_, bytes)| Request::parse(bytes).is_ok()), "no good request");
    assert!(corpus.iter().any(|(_, bytes)| Item::parse(bytes).is_ok()), "no good item");
    assert!(corpus.iter().any(|(_, bytes)| Receipt::parse(bytes).is_ok()), "no good receipt");
}

/// The inputs of a target, with their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = names(&folder("corpus").join(target), |path| Some(path.to_owned()));
    assert!(!files.is_empty(), "the corpus of `{target}` is empty");
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a listed file is there"))
    };
    files.iter().map(read).collect()
}

fn names(folder: &Path, name: impl Fn(&Path) -> Option<PathBuf>) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list `{}`: {error}", folder.display()));
    entries.filter_map(|entry| name(&entry.ok()?.path())).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
