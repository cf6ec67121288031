//! A witness in memory, and logs that tell the truth or not.

use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use keystore::{Cost, Passphrase};
use model::{Clock as _, Digest, Disk, Instant};
use testkit::{HandClock, MemoryDisk};
use tlog::note::{self, NoteAlgorithm};
use tlog::proof::{self, Node, Nodes, ProofError};
use tlog::witness::{KnownLog, Submission};
use tlog::{Checkpoint, RightEdge, VerifierKey};
use witness::{Keys, Witness, WitnessError};

pub(crate) struct World {
    pub(crate) disk: Arc<dyn Disk>,
    keys: MemoryDisk,
    clock: Arc<HandClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryDisk::new()))
    }

    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        let world = Self { disk, ..Self::bare() };
        world.begin("witness.example.test/1").unwrap();
        world
    }

    /// Where nothing was begun.
    pub(crate) fn bare() -> Self {
        Self {
            disk: Arc::new(MemoryDisk::new()),
            keys: MemoryDisk::new(),
            clock: Arc::new(HandClock::default()),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_seconds(self.clock.now().seconds())
    }

    pub(crate) fn begin(&self, name: &str) -> Result<VerifierKey, WitnessError> {
        witness::begin(name, &*self.disk, self.keys())
    }

    pub(crate) fn open(&self, logs: &[&Log]) -> Result<Witness, WitnessError> {
        let logs = logs.iter().map(|log| KnownLog::new(log.origin(), log.key.clone()).unwrap()).collect();
        Witness::open(Arc::clone(&self.disk), self.keys(), Arc::<HandClock>::clone(&self.clock), logs)
    }

    fn keys(&self) -> Keys {
        let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
        Keys { disk: Arc::new(self.keys.clone()), passphrase, cost: Cost::LEAST }
    }
}

/// A log of leaf hashes.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) key: VerifierKey,
    seed: u8,
    leaves: Vec<Digest>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::named("log.example.test", 1)
    }

    pub(crate) fn named(origin: &str, seed: u8) -> Self {
        let raw = pair(seed).public_key().as_ref().try_into().unwrap();
        let key = VerifierKey::new(origin, NoteAlgorithm::Ed25519, raw).unwrap();
        Self { key, seed, leaves: Vec::new() }
    }

    pub(crate) fn origin(&self) -> &str {
        self.key.name()
    }

    pub(crate) fn grow(&mut self, by: usize) {
        self.add(by, b"entry");
    }

    pub(crate) fn grow_otherwise(&mut self, by: usize) {
        self.add(by, b"other");
    }

    fn add(&mut self, by: usize, what: &[u8]) {
        (0..by).for_each(|_| self.leaves.push(Digest::of(what)));
    }

    pub(crate) fn note(&self) -> String {
        let mut edge = RightEdge::new();
        self.leaves.iter().for_each(|leaf| edge.append(*leaf));
        let text = Checkpoint::new(self.origin(), edge.size(), edge.root()).unwrap().text();
        note::seal(&text, &self.key, pair(self.seed).sign(text.as_bytes()).as_ref()).unwrap()
    }

    /// The newest checkpoint, with the proof from a size.
    pub(crate) fn submission(&self, old_size: u64) -> Submission {
        let size = u64::try_from(self.leaves.len()).unwrap();
        let proof = proof::consistency(old_size, size, self).unwrap_or_default();
        Submission { old_size, proof, note: self.note() }
    }
}

impl Nodes for Log {
    type Error = ProofError;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, ProofError> {
        let root = |node: &Node| {
            let (from, to) = (node.index << node.level, (node.index + 1) << node.level);
            let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
            model::merkle::root(&self.leaves[range])
        };
        Ok(nodes.iter().map(root).collect())
    }
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}
