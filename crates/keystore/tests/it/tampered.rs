//! Key files that were cut, flipped, exchanged, or rewritten by somebody who recomputes the digest.

use std::sync::Arc;

use keystore::{KeyStore, KeyStoreError};
use model::{Algorithm, Digest, Disk, KeyId};
use testkit::MemoryDisk;

use crate::software::OFFERED;
use crate::store;

struct Kept {
    disk: Arc<MemoryDisk>,
    id: KeyId,
    name: String,
    file: Vec<u8>,
}

fn kept() -> Kept {
    kept_of(Algorithm::Ed25519)
}

fn kept_of(algorithm: Algorithm) -> Kept {
    let disk = Arc::new(MemoryDisk::new());
    let id = store(&disk).generate(algorithm).unwrap().id();
    let name = format!("{id}.sealed");
    let file = disk.read(&name).unwrap();
    Kept { disk, id, name, file }
}

impl Kept {
    fn open(&self, file: &[u8]) -> Result<(), KeyStoreError> {
        self.disk.replace(&self.name, file).unwrap();
        store(&self.disk).key(&self.id).map(|_| ())
    }

    /// What somebody can do who knows the layout and not the passphrase.
    fn open_with_fresh_digest(&self, body: &[u8]) -> Result<(), KeyStoreError> {
        self.open(&[body, Digest::of(body).as_bytes()].concat())
    }
}

#[test]
fn a_flipped_bit_anywhere_is_damage_and_no_panic() {
    let kept = kept();
    for at in 0..kept.file.len() {
        let mut file = kept.file.clone();
        file[at] ^= 1 << (at % 8);
        let error = kept.open(&file).unwrap_err();
        assert!(matches!(error, KeyStoreError::Damaged { .. }), "byte {at}: {error}");
    }
    kept.open(&kept.file).unwrap();
}

/// Of every algorithm at once: RSA keys take their time to make.
#[test]
fn a_file_of_any_algorithm_opens_as_it_is_and_neither_changed_nor_as_one_of_another_algorithm() {
    for algorithm in OFFERED {
        let kept = kept_of(algorithm);
        kept.open(&kept.file).unwrap();
        let body = &kept.file[..kept.file.len() - 32];
        for at in (0..body.len()).step_by(7) {
            let mut body = body.to_vec();
            body[at] ^= 0x80;
            assert!(kept.open_with_fresh_digest(&body).is_err(), "{algorithm}, byte {at}");
        }
        for other in OFFERED.into_iter().filter(|other| *other != algorithm) {
            let error = kept.open_with_fresh_digest(&claiming(body, algorithm, other)).unwrap_err();
            assert!(matches!(error, KeyStoreError::Damaged { .. }), "{algorithm} as {other}: {error}");
        }
    }
}

/// The file of a key with another algorithm written into it.
fn claiming(body: &[u8], algorithm: Algorithm, other: Algorithm) -> Vec<u8> {
    let (written, claimed) = (algorithm.word().as_bytes(), other.word().as_bytes());
    let at = body.windows(written.len()).position(|window| window == written).unwrap();
    let length = u32::try_from(claimed.len()).unwrap().to_be_bytes();
    [&body[..at - 4], &length, claimed, &body[at + written.len()..]].concat()
}

#[test]
fn a_file_that_was_cut_or_lengthened_is_damage() {
    let kept = kept();
    for length in 0..kept.file.len() {
        assert!(
            matches!(kept.open(&kept.file[..length]), Err(KeyStoreError::Damaged { .. })),
            "{length} bytes"
        );
    }
    assert!(matches!(kept.open(&[&kept.file[..], b"x"].concat()), Err(KeyStoreError::Damaged { .. })));
}

#[test]
fn a_changed_byte_with_a_fresh_digest_still_does_not_open() {
    let kept = kept();
    let body = &kept.file[..kept.file.len() - 32];
    for at in 0..body.len() {
        let mut body = body.to_vec();
        body[at] ^= 0x01;
        assert!(kept.open_with_fresh_digest(&body).is_err(), "byte {at}");
    }
}

#[test]
fn a_file_of_one_key_under_the_name_of_another_is_refused() {
    let kept = kept();
    let other = store(&kept.disk).generate(Algorithm::Ed25519).unwrap().id();
    let file = kept.disk.read(&format!("{other}.sealed")).unwrap();
    let error = kept.open(&file).unwrap_err();
    assert!(matches!(error, KeyStoreError::Damaged { reason: "it holds another key", .. }));
    // Nor does it help to write the expected id into it: the seal covers the id.
    let start = file.windows(32).position(|window| window == other.digest().as_bytes()).unwrap();
    let mut body = file[..file.len() - 32].to_vec();
    body[start..start + 32].copy_from_slice(kept.id.digest().as_bytes());
    let error = kept.open_with_fresh_digest(&body).unwrap_err();
    assert!(matches!(error, KeyStoreError::Damaged { reason: "its seal does not hold", .. }));
}

#[test]
fn a_hash_that_would_take_all_memory_or_none_is_not_computed() {
    let kept = kept();
    let at = b"avouch-key\0".len() + 1 + 4 + "ed25519".len() + 32;
    let refused = |memory_kib: u32, passes: u32, lanes: u32| {
        let mut body = kept.file[..kept.file.len() - 32].to_vec();
        let cost = [memory_kib, passes, lanes].map(u32::to_be_bytes).concat();
        body[at..at + 12].copy_from_slice(&cost);
        matches!(kept.open_with_fresh_digest(&body), Err(KeyStoreError::Cost { .. }))
    };
    assert!(refused(u32::MAX, 1, 1));
    assert!(refused(8, 1, 1));
    assert!(refused(256, 0, 1));
    assert!(refused(256, 1_000_000, 1));
    assert!(refused(256, 1, 0));
}

#[test]
fn a_file_of_a_newer_version_is_named() {
    let kept = kept();
    let mut body = kept.file[..kept.file.len() - 32].to_vec();
    body[b"avouch-key\0".len()] = 2;
    assert!(matches!(kept.open_with_fresh_digest(&body), Err(KeyStoreError::Version { version: 2, .. })));
}
