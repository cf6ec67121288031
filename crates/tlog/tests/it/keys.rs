//! Keys for tests, made from a number.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use tlog::VerifierKey;
use tlog::note::NoteAlgorithm;

pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    pub(crate) key: VerifierKey,
}

impl Signer {
    pub(crate) fn new(name: &str, algorithm: NoteAlgorithm, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let raw = pair.public_key().as_ref().try_into().unwrap();
        Self { pair, key: VerifierKey::new(name, algorithm, raw).unwrap() }
    }

    /// The key of the log `log.example.test`.
    pub(crate) fn log() -> Self {
        Self::new("log.example.test", NoteAlgorithm::Ed25519, 1)
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }

    /// What stands behind the key hash of a cosignature.
    pub(crate) fn cosign(&self, text: &str, seconds: u64) -> Vec<u8> {
        let message = format!("cosignature/v1\ntime {seconds}\n{text}");
        [seconds.to_be_bytes().to_vec(), self.sign(message.as_bytes())].concat()
    }
}

/// A small generator of numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
