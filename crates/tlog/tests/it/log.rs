//! The log on storage that works: what it writes, what it answers, and what it refuses.

use model::Digest;
use model::merkle::leaf_hash;
use tlog::proof::{verify_consistency, verify_inclusion};
use tlog::{
    Checkpoint, Committed, ENTRIES_MAX, Locked, Log, LogError, RightEdge, SignedCheckpoint, TileError,
    TilePath, VerifierKey, tile,
};

use crate::keys::{Numbers, Signer};
use crate::memory::Memory;
use crate::rfc6962::Tree;

pub(crate) fn create(memory: &Memory) -> Log {
    let mut log = Log::create(Signer::log().key, memory.tiles(), memory.lock()).unwrap();
    seal(&mut log).unwrap();
    log
}

/// Opens a log and has what is pending signed, as everybody does who writes to it.
pub(crate) fn open(memory: &Memory) -> Result<Log, LogError> {
    let mut log = Log::open(Signer::log().key, memory.tiles(), memory.lock())?;
    if log.pending().is_some() {
        seal(&mut log)?;
    }
    Ok(log)
}

pub(crate) fn seal(log: &mut Log) -> Result<Committed, LogError> {
    let signature = log.pending().map(|pending| Signer::log().sign(&pending.to_be_signed()));
    log.seal(&signature.unwrap_or_default())
}

pub(crate) fn append(log: &mut Log, entries: Vec<Vec<u8>>) -> Result<Committed, LogError> {
    log.swap(log.stage(&entries)?)?;
    seal(log)
}

/// The newest checkpoint of a log that has one.
pub(crate) fn newest(log: &Log) -> &SignedCheckpoint {
    log.checkpoint().unwrap()
}

pub(crate) fn entries(from: usize, count: usize) -> Vec<Vec<u8>> {
    (from..from + count).map(|n| format!("entry {n} {}", "x".repeat(n % 7)).into_bytes()).collect()
}

/// Reads the whole log from its tiles, as a stranger would, and holds it against the second implementation.
pub(crate) fn audit(memory: &Memory, checkpoint: &SignedCheckpoint) -> Vec<Vec<u8>> {
    let (size, stored) = (checkpoint.size(), memory.stored());
    let tile = |path: TilePath| stored.get(&path).unwrap_or_else(|| panic!("{path} is not there"));
    let mut entries = Vec::new();
    let mut level = 0;
    while size >> (8 * level) > 0 {
        let hashes = size >> (8 * level);
        for index in 0..hashes.div_ceil(256) {
            let width = (hashes - index * 256).min(256) as u16;
            let path = TilePath::hashes(level as u8, index, width).unwrap();
            tile::decode_hashes(path, tile(path)).unwrap();
            if level == 0 {
                let path = TilePath::entries(index, width).unwrap();
                entries
                    .extend(tile::decode_entries(path, tile(path)).unwrap().into_iter().map(<[u8]>::to_vec));
            }
        }
        level += 1;
    }
    let tree = Tree::new(entries.clone());
    assert_eq!(entries.len() as u64, size);
    assert_eq!(*checkpoint.root().as_bytes(), tree.mth(0, entries.len()));
    for (path, bytes) in &stored {
        let tlog::tile::TileKind::Hashes { level } = path.kind() else { continue };
        let span = 1_usize << (8 * u32::from(level));
        for (n, hash) in tile::decode_hashes(*path, bytes).unwrap().iter().enumerate() {
            let first = (path.index() as usize * 256 + n) * span;
            assert_eq!(*hash.as_bytes(), tree.mth(first, first + span), "{path}");
        }
    }
    entries
}

fn check_committed(committed: &Committed, old: u64, expected: &[Vec<u8>]) {
    let checkpoint = &committed.checkpoint;
    assert_eq!(committed.entries.len(), expected.len());
    assert_eq!(checkpoint.size(), old + expected.len() as u64);
    for ((logged, entry), index) in committed.entries.iter().zip(expected).zip(old..) {
        assert_eq!((logged.index, logged.leaf_hash), (index, leaf_hash(entry)));
        verify_inclusion(&logged.leaf_hash, index, checkpoint.size(), checkpoint.root(), &logged.path)
            .unwrap();
    }
    SignedCheckpoint::open(checkpoint.note(), &Signer::log().key).unwrap();
}

/// What is pending extends what was signed before, and the proof says so.
fn check_pending(log: &Log, old: &SignedCheckpoint) {
    let pending = log.pending().unwrap();
    let new = pending.checkpoint();
    assert_eq!(pending.onto(), old.checkpoint());
    verify_consistency(old.size(), old.root(), new.size(), new.root(), pending.consistency()).unwrap();
}

#[test]
fn a_new_log_is_empty_and_signed() {
    let memory = Memory::default();
    let log = create(&memory);
    assert_eq!(newest(&log).size(), 0);
    assert_eq!(*newest(&log).root(), Digest::of(&[]));
    let expected = "log.example.test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    assert_eq!(newest(&log).checkpoint().text(), expected);
    assert_eq!(open(&memory).unwrap().checkpoint(), log.checkpoint());
    assert!(memory.stored().is_empty());
}

#[test]
fn one_entry_after_another_to_three_hundred_gives_the_log_that_one_batch_gives() {
    let (single, batch) = (Memory::default(), Memory::default());
    let mut log = create(&single);
    for n in 0..300 {
        let onto = newest(&log).clone();
        let staged = log.stage(&entries(n, 1)).unwrap();
        assert_eq!(staged.onto(), onto.checkpoint());
        assert_eq!((staged.old_edge().size(), staged.old_edge().root()), (onto.size(), *onto.root()));
        assert_eq!(staged.leaf_hashes(), [leaf_hash(&entries(n, 1)[0])]);
        log.swap(staged).unwrap();
        check_pending(&log, &onto);
        check_committed(&seal(&mut log).unwrap(), n as u64, &entries(n, 1));
    }
    let mut other = create(&batch);
    check_committed(&append(&mut other, entries(0, 300)).unwrap(), 0, &entries(0, 300));
    assert_eq!(log.checkpoint(), other.checkpoint());
    assert_eq!(audit(&single, newest(&log)), entries(0, 300));
    assert_eq!(audit(&batch, newest(&other)), entries(0, 300));
}

#[test]
fn batches_of_any_size_across_tile_borders_yield_sound_tiles_and_proofs() {
    let memory = Memory::default();
    let mut numbers = Numbers(7);
    let (mut log, mut size) = (create(&memory), 0_usize);
    let mut heads = vec![newest(&log).clone()];
    for count in [255, 1, 1, 254, 2, 256, 512, 3, 1000, 257]
        .into_iter()
        .chain((0..20).map(|_| 1 + numbers.below(400) as usize))
    {
        let old = newest(&log).clone();
        log.swap(log.stage(&entries(size, count)).unwrap()).unwrap();
        check_pending(&log, &old);
        check_committed(&seal(&mut log).unwrap(), size as u64, &entries(size, count));
        size += count;
        heads.push(newest(&log).clone());
        assert_eq!(open(&memory).unwrap().checkpoint(), log.checkpoint());
    }
    assert_eq!(audit(&memory, newest(&log)), entries(0, size));
    for old in &heads {
        assert_eq!(log.root_of(old.size()).unwrap(), *old.root());
        for new in heads.iter().filter(|new| new.size() >= old.size()) {
            let proof = log.consistency(old.size(), new.size()).unwrap();
            verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).unwrap();
        }
    }
    for _ in 0..200 {
        let index = numbers.below(size as u64);
        let entry = log.entry(index).unwrap();
        assert_eq!(entry, entries(index as usize, 1)[0]);
        let logged = log.inclusion(index).unwrap();
        let newest = newest(&log);
        verify_inclusion(&leaf_hash(&entry), index, newest.size(), newest.root(), &logged.path).unwrap();
    }
}

#[test]
fn a_log_of_seventy_thousand_entries_has_the_tiles_that_the_specification_counts() {
    let memory = Memory::default();
    let mut log = create(&memory);
    let mut size = 0;
    while size < 70_000 {
        let count = ENTRIES_MAX.min(70_000 - size);
        append(&mut log, entries(size, count)).unwrap();
        size += count;
    }
    assert_eq!(audit(&memory, newest(&log)).len(), 70_000);
    let stored = memory.stored();
    let count = |level, full| {
        let of = |path: &&TilePath| {
            path.kind() == tile::TileKind::Hashes { level } && (path.width() == 256) == full
        };
        stored.keys().filter(of).count()
    };
    assert_eq!((count(0, true), count(1, true), count(2, true)), (273, 1, 0));
    for name in [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
        "tile/entries/272",
    ] {
        assert!(stored.contains_key(&name.parse().unwrap()), "{name}");
    }
    let logged = log.inclusion(65_535).unwrap();
    assert_eq!(logged.leaf_hash, leaf_hash(&entries(65_535, 1)[0]));
    open(&memory).unwrap();
}

#[test]
fn staging_changes_nothing_and_may_be_done_twice() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 10)).unwrap();
    let before = (memory.stored(), memory.locked());
    let (first, second) = (log.stage(&entries(10, 5)).unwrap(), log.stage(&entries(100, 2)).unwrap());
    assert_eq!((memory.stored(), memory.locked()), before);
    log.swap(second).unwrap();
    seal(&mut log).unwrap();
    let refused = log.swap(first).unwrap_err();
    assert!(matches!(refused, LogError::Outdated { staged: 10, size: 12, .. }), "{refused}");
    append(&mut log, entries(12, 1)).unwrap();
}

#[test]
fn what_is_pending_is_the_same_bytes_to_sign_in_a_log_that_was_opened_again() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 100)).unwrap();
    log.swap(log.stage(&entries(100, 200)).unwrap()).unwrap();
    let opened = Log::open(Signer::log().key, memory.tiles(), memory.lock()).unwrap();
    let (here, there) = (log.pending().unwrap(), opened.pending().unwrap());
    assert_eq!((here.onto(), here.to_be_signed()), (there.onto(), there.to_be_signed()));
    assert_eq!(here.consistency(), there.consistency());
    assert_eq!(opened.checkpoint(), log.checkpoint(), "the one before is still the newest that is shown");
    let mut opened = opened;
    assert_eq!(seal(&mut opened).unwrap(), seal(&mut log).unwrap());
}

#[test]
fn nothing_is_appended_while_a_checkpoint_waits_for_its_signature() {
    let memory = Memory::default();
    let mut log = create(&memory);
    let staged = log.stage(&entries(7, 1)).unwrap();
    log.swap(log.stage(&entries(0, 3)).unwrap()).unwrap();
    assert!(matches!(log.stage(&entries(3, 1)), Err(LogError::Pending { size: 3, .. })));
    assert!(matches!(log.swap(staged), Err(LogError::Pending { size: 3, .. })));
    seal(&mut log).unwrap();
    assert!(matches!(log.seal(&[0; 64]), Err(LogError::NothingPending { .. })));
    assert_eq!(audit(&memory, newest(&log)), entries(0, 3));
}

#[test]
fn a_signature_that_is_not_the_logs_over_this_checkpoint_seals_nothing() {
    let memory = Memory::default();
    let mut log = create(&memory);
    log.swap(log.stage(&entries(0, 3)).unwrap()).unwrap();
    let before = (memory.stored(), memory.locked());
    let other = Signer::new("log.example.test", tlog::note::NoteAlgorithm::Ed25519, 2);
    let good = log.pending().unwrap().to_be_signed();
    let mut flipped = Signer::log().sign(&good);
    flipped[63] ^= 1;
    for signature in [other.sign(&good), Signer::log().sign(b"else"), flipped, Vec::new(), vec![0; 64]] {
        assert!(matches!(log.seal(&signature), Err(LogError::Signature(_))));
        assert_eq!((memory.stored(), memory.locked()), before);
    }
    seal(&mut log).unwrap();
    assert_eq!(newest(&log).size(), 3);
}

#[test]
fn a_published_checkpoint_that_is_lost_or_older_is_signed_again_with_the_same_bytes() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 2)).unwrap();
    let older = newest(&log).note().to_owned();
    append(&mut log, entries(2, 2)).unwrap();
    let oldest = newest(&create(&Memory::default())).note().to_owned();
    for lost in [None, Some(older), Some(oldest)] {
        memory.put_note(lost);
        let opened = Log::open(Signer::log().key, memory.tiles(), memory.lock()).unwrap();
        assert_eq!(opened.pending().unwrap().checkpoint(), newest(&log).checkpoint());
        assert_eq!(open(&memory).unwrap().checkpoint(), log.checkpoint());
    }
}

#[test]
fn what_cannot_be_staged_is_refused_by_name() {
    let log = create(&Memory::default());
    assert!(matches!(log.stage(&[]), Err(LogError::Entries { count: 0 })));
    assert!(matches!(log.stage(&vec![Vec::new(); ENTRIES_MAX + 1]), Err(LogError::Entries { .. })));
    let refused = log.stage(&[vec![1], vec![0; 65_536]]).unwrap_err();
    assert!(matches!(refused, LogError::Entry { position: 1, .. }));
    log.stage(&[vec![0; 65_535]]).unwrap();
}

#[test]
fn a_log_is_never_created_by_opening_it_nor_twice() {
    let memory = Memory::default();
    let Err(refused) = open(&memory) else { panic!("a log came out of nothing") };
    assert!(matches!(refused, LogError::NotCreated { .. }));
    assert!(memory.locked().is_none());
    create(&memory);
    let refused = Log::create(Signer::log().key, memory.tiles(), memory.lock()).err().unwrap();
    assert!(matches!(refused, LogError::Lock { source: tlog::LockError::Exists, .. }), "{refused}");
}

#[test]
fn an_origin_that_is_not_a_bare_host_name_founds_no_log() {
    for origin in [
        "https://log.test",
        "log.test/a",
        "log.test:1",
        "Log.test",
        "log..test",
        "-log.test",
        "log.test.",
        "log_1",
    ] {
        let key = Signer::new(origin, tlog::note::NoteAlgorithm::Ed25519, 1).key;
        let memory = Memory::default();
        let refused = Log::create(key, memory.tiles(), memory.lock()).err().unwrap();
        assert!(matches!(refused, LogError::Origin { .. }), "{origin}");
    }
    for origin in ["localhost", "2026.log.sign.example.test", "xn--nxasmq6b.test"] {
        let memory = Memory::default();
        let key = Signer::new(origin, tlog::note::NoteAlgorithm::Ed25519, 1).key;
        Log::create(key, memory.tiles(), memory.lock()).unwrap();
    }
}

#[test]
fn a_log_whose_checkpoint_or_tiles_were_changed_does_not_open() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 300)).unwrap();
    append(&mut log, entries(300, 3)).unwrap();
    let locked = memory.locked().unwrap();
    let refused = |what: &str| assert!(open(&memory).is_err(), "{what}");
    for at in 0..locked.checkpoint.len() {
        let mut bytes = locked.checkpoint.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(checkpoint) = String::from_utf8(bytes) else { continue };
        memory.put_locked(Some(Locked { checkpoint, ..locked.clone() }));
        refused(&format!("checkpoint byte {at}"));
    }
    // Without what was staged with it, the stored tiles are all there is.
    memory.put_locked(Some(Locked { staged: Vec::new(), ..locked.clone() }));
    open(&memory).unwrap();
    for name in ["tile/0/001.p/47", "tile/1/000.p/1", "tile/entries/001.p/47"] {
        let path: TilePath = name.parse().unwrap();
        let good = memory.stored()[&path].clone();
        for at in [0, 1, 2, good.len() / 2, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            memory.put(path, bytes);
            refused(&format!("{name} byte {at}"));
        }
        memory.remove(path);
        assert!(matches!(open(&memory), Err(LogError::Read { source: TileError::Missing { .. }, .. })));
        memory.put(path, good);
    }
    open(&memory).unwrap();
}

#[test]
fn a_log_does_not_open_with_another_key_or_as_another_log() {
    let memory = Memory::default();
    create(&memory);
    let ed25519 = tlog::note::NoteAlgorithm::Ed25519;
    for key in [
        Signer::new("log.example.test", ed25519, 2).key,
        Signer::new("other.example.test", ed25519, 1).key,
        Signer::new("log.example.test", tlog::note::NoteAlgorithm::Cosignature, 1).key,
    ] {
        let refused = Log::open(key, memory.tiles(), memory.lock()).err().unwrap();
        assert!(matches!(refused, LogError::StoredCheckpoint { .. }), "{refused}");
    }
}

#[test]
fn a_checkpoint_of_another_root_does_not_open_over_these_tiles() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 5)).unwrap();
    let lie = Checkpoint::new("log.example.test", 5, Digest::of(b"another")).unwrap().text();
    memory.put_locked(Some(Locked { checkpoint: lie, ..memory.locked().unwrap() }));
    assert!(matches!(open(&memory), Err(LogError::OtherRoot { size: 5, .. })));
}

#[test]
fn a_damaged_tile_yields_an_error_and_never_a_proof_that_does_not_verify() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 700)).unwrap();
    for name in ["tile/0/000", "tile/0/001", "tile/1/000.p/2"] {
        let path: TilePath = name.parse().unwrap();
        let good = memory.stored()[&path].clone();
        for at in (0..good.len()).step_by(31) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            memory.put(path, bytes);
            for index in [0, 255, 256, 511, 512, 699] {
                if let Ok(logged) = log.inclusion(index) {
                    assert_eq!(logged.leaf_hash, leaf_hash(&entries(index as usize, 1)[0]));
                }
            }
            if let Ok(root) = log.root_of(300) {
                let mut edge = RightEdge::new();
                entries(0, 300).iter().for_each(|entry| edge.append(leaf_hash(entry)));
                assert_eq!(root, edge.root());
            }
        }
        memory.put(path, good);
    }
    let path: TilePath = "tile/entries/000".parse().unwrap();
    let mut bytes = memory.stored()[&path].clone();
    bytes[4] ^= 1;
    memory.put(path, bytes);
    assert!(matches!(log.entry(0), Err(LogError::OtherEntry { index: 0, .. })));
    assert!(log.entry(700).is_err());
}

#[test]
fn a_verifier_key_of_a_log_comes_from_its_public_key() {
    let signer = Signer::log();
    let key = VerifierKey::of_log("log.example.test", signer.key.public_key()).unwrap();
    assert_eq!(key, signer.key);
}
