//! Feeds every target with its corpus, and with small spoilings of it, on any compiler.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;
use model::receipt::Receipt;
use model::{Item, Request};

/// What a file of a corpus may hold that this replay spoils byte by byte; larger ones are fed as they are.
const SPOILT_BYTES_MAX: usize = 8 * 1024;

#[test]
fn every_input_of_a_corpus_is_taken_by_its_target() {
    for (name, target) in TARGETS {
        for bytes in corpus(name) {
            target(&bytes);
        }
    }
}

#[test]
fn every_input_may_be_cut_short_or_spoilt_anywhere() {
    for (name, target) in TARGETS {
        for mut bytes in corpus(name).into_iter().filter(|bytes| bytes.len() <= SPOILT_BYTES_MAX) {
            for at in 0..bytes.len() {
                target(&bytes[..at]);
                bytes[at] ^= 0x15;
                target(&bytes);
                bytes[at] ^= 0x15;
            }
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
    assert!(corpus.iter().any(|bytes| Request::parse(bytes).is_ok()), "no good request");
    assert!(corpus.iter().any(|bytes| Item::parse(bytes).is_ok()), "no good item");
    assert!(corpus.iter().any(|bytes| Receipt::parse(bytes).is_ok()), "no good receipt");
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = names(&folder("corpus").join(target), |path| Some(path.to_owned()));
    assert!(!files.is_empty(), "the corpus of `{target}` is empty");
    files.iter().map(|path| fs::read(path).expect("a listed file is there")).collect()
}

fn names(folder: &Path, name: impl Fn(&Path) -> Option<PathBuf>) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list `{}`: {error}", folder.display()));
    entries.filter_map(|entry| name(&entry.ok()?.path())).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
