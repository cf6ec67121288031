//! A log of certificates: what it hashes, what it stores, and what it does not take.

use model::{Algorithm, Digest, Instant};
use testkit::Key;
use tlog::tile::{self, TileFormatError};
use tlog::{CertificateEntry, Committed, Log, LogError, TilePath, VerifierKey, tree_head};

use crate::memory::Memory;
use crate::rfc6962::Tree;

struct World {
    memory: Memory,
    pair: Key,
}

impl World {
    fn new() -> Self {
        Self { memory: Memory::default(), pair: Key::generate(Algorithm::EcdsaP256) }
    }

    fn key(&self, origin: &str) -> VerifierKey {
        VerifierKey::of_certificate_log(origin, &self.pair.public()).unwrap()
    }

    fn create(&self) -> Log {
        let (tiles, lock) = (self.memory.tiles(), self.memory.lock());
        let mut log = Log::create(self.key("ct.example.test/2026"), tiles, lock).unwrap();
        self.seal(&mut log);
        log
    }

    fn seal(&self, log: &mut Log) -> Committed {
        let (new, time) = (log.pending().unwrap().checkpoint(), Instant::from_seconds(9));
        let signed = tree_head::to_be_signed(time, new.size(), new.root());
        log.seal(&tree_head::seal(time, &self.pair.sign(&signed))).unwrap()
    }
}

fn entry(index: u64) -> Vec<u8> {
    let (tbs, precertificate) = (format!("tbs {index}"), "p".repeat(usize::try_from(index % 9).unwrap()));
    CertificateEntry {
        time: Instant::from_seconds(index),
        issuer: Digest::of(b"issuer"),
        tbs: tbs.as_bytes(),
        index,
        precertificate: precertificate.as_bytes(),
        chain: vec![Digest::of(b"above")],
    }
    .encode()
    .unwrap()
}

/// What is hashed of an entry (RFC 6962 §3.4), put together a second time.
fn leaf(index: u64) -> Vec<u8> {
    let tbs = format!("tbs {index}");
    let mut leaf = vec![0, 0];
    leaf.extend((index * 1_000).to_be_bytes());
    leaf.extend([0, 1]);
    leaf.extend(Digest::of(b"issuer").as_bytes());
    leaf.extend(&(tbs.len() as u32).to_be_bytes()[1..]);
    leaf.extend(tbs.as_bytes());
    leaf.extend([0, 8, 0, 0, 5]);
    leaf.extend(&index.to_be_bytes()[3..]);
    leaf
}

#[test]
fn a_log_of_certificates_is_the_tree_of_what_its_timestamps_are_over_and_stores_more() {
    let world = World::new();
    let mut log = world.create();
    for (from, count) in [(0, 1), (1, 254), (255, 3), (258, 300)] {
        log.swap(log.stage(&(from..from + count).map(entry).collect::<Vec<_>>()).unwrap()).unwrap();
        let committed = world.seal(&mut log);
        let leaves: Vec<Vec<u8>> = (0..from + count).map(leaf).collect();
        let size = leaves.len();
        assert_eq!(*committed.checkpoint.root().as_bytes(), Tree::new(leaves).mth(0, size));
    }
    let first = TilePath::certificates(0, 256).unwrap();
    assert_eq!(first.to_string(), "tile/data/000");
    let stored = world.memory.stored();
    assert_eq!(
        tile::decode_entries(first, &stored[&first]).unwrap(),
        (0..256).map(entry).collect::<Vec<_>>()
    );
    assert_eq!(stored[&first], (0..256).flat_map(entry).collect::<Vec<u8>>(), "nothing stands between them");
    for index in [0, 255, 256, 557] {
        assert_eq!(log.entry(index).unwrap(), entry(index));
    }
}

#[test]
fn a_log_of_certificates_is_opened_again_and_goes_on() {
    let world = World::new();
    let mut log = world.create();
    log.swap(log.stage(&[entry(0), entry(1)]).unwrap()).unwrap();
    drop(log);
    let (tiles, lock) = (world.memory.tiles(), world.memory.lock());
    let mut log = Log::open(world.key("ct.example.test/2026"), tiles, lock).unwrap();
    assert_eq!(world.seal(&mut log).entries.len(), 2);
    log.swap(log.stage(&[entry(2)]).unwrap()).unwrap();
    assert_eq!(world.seal(&mut log).checkpoint.size(), 3);
}

#[test]
fn what_names_another_place_or_is_no_precertificate_is_not_taken() {
    let world = World::new();
    let log = world.create();
    for (entries, refused) in [(vec![entry(1)], 0), (vec![entry(0), entry(0)], 1), (vec![b"x".to_vec()], 0)] {
        let error = log.stage(&entries).unwrap_err();
        let LogError::Entry { position, source } = error else { panic!("{error}") };
        assert_eq!((position as u64, source), (refused, TileFormatError::NotACertificate { index: refused }));
    }
}

#[test]
fn the_origin_of_a_log_of_certificates_may_go_on_with_a_path() {
    let world = World::new();
    let create = |origin| Log::create(world.key(origin), Memory::default().tiles(), Memory::default().lock());
    for origin in ["ct.example.test", "ct.example.test/2026", "ct.example.test/2026/b"] {
        // Each memory is another, so that what is created is not found: the name was taken.
        assert!(matches!(create(origin), Err(LogError::NotCreated { .. }) | Ok(_)), "{origin}");
    }
    for origin in
        ["ct.example.test/", "ct.example.test//b", "Ct.example.test/2026", "/2026", "ct.example.test/a.b"]
    {
        assert!(matches!(create(origin), Err(LogError::Origin { .. })), "{origin}");
    }
}
