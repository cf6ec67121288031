//! A hash that stopped after some bytes and can go on: what travels of a file where a key signs the hash of the file
//! and of words that are put behind it.
//!
//! FIPS 180-4 fixes everything of it: the words of the state after the last whole block, the bytes since, and how many
//! there were in all. Of no other hash or library such a state is ours to write down, so it is made and finished here,
//! with the compression functions of one small crate.

use serde::{Deserialize, Serialize};
use sha2::block_api::{compress256, compress512};

use crate::{Base64, Digest, Digest384, Hash, Hashed};

/// SHA-256 or SHA-384 after some bytes.
///
/// It determines the digest of those bytes, and is determined by them: nobody finds another with the same digest, and
/// there is one spelling of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct HashState {
    words: Words,
    // INVARIANT: the bytes since the last whole block, fewer than a block of them.
    tail: Vec<u8>,
    length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Sha256([u32; 8]),
    Sha384([u64; 8]),
}

/// How it stands in JSON. The hash follows from the number of words' bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    length: u64,
    tail: Base64,
    words: Base64,
}

/// Why fields are no state of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state of SHA-256 or SHA-384 after as many bytes as it names")]
pub struct NotAHashState;

impl HashState {
    /// A hash before the first byte; `None` of one that cannot be written down here.
    pub const fn new(hash: Hash) -> Option<Self> {
        match hash {
            Hash::Sha256 => Some(Self::sha256()),
            Hash::Sha384 => Some(Self::sha384()),
            _ => None,
        }
    }

    /// SHA-256 before the first byte.
    pub const fn sha256() -> Self {
        Self::begin(Words::Sha256(SHA256_BEGINS))
    }

    /// SHA-384 before the first byte.
    pub const fn sha384() -> Self {
        Self::begin(Words::Sha384(SHA384_BEGINS))
    }

    const fn begin(words: Words) -> Self {
        Self { words, tail: Vec::new(), length: 0 }
    }

    /// Which hash it is.
    pub const fn hash(&self) -> Hash {
        match self.words {
            Words::Sha256(_) => Hash::Sha256,
            Words::Sha384(_) => Hash::Sha384,
        }
    }

    /// How many bytes it is after.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let block = self.words.block_bytes();
        self.length = self.length.saturating_add(long(bytes.len()));
        let mut rest = bytes;
        if !self.tail.is_empty() {
            let (first, after) = rest.split_at(rest.len().min(block - self.tail.len()));
            self.tail.extend_from_slice(first);
            rest = after;
            if self.tail.len() < block {
                return;
            }
            self.words.compress(&self.tail);
            self.tail.clear();
        }
        let (whole, after) = rest.split_at(rest.len() - rest.len() % block);
        self.words.compress(whole);
        self.tail.extend_from_slice(after);
    }

    /// The digest of the bytes that it is after, and of `trailer` behind them. With an empty trailer it is the digest of
    /// the bytes alone.
    pub fn finish(&self, trailer: &[u8]) -> Hashed {
        let mut last = self.clone();
        last.update(trailer);
        let Self { mut words, mut tail, length } = last;
        let block = words.block_bytes();
        let bits = (u128::from(length) * 8).to_be_bytes();
        let bits = &bits[bits.len() - words.length_bytes()..];
        tail.push(0x80);
        let filled = (tail.len() + bits.len()).next_multiple_of(block);
        tail.resize(filled - bits.len(), 0);
        tail.extend_from_slice(bits);
        words.compress(&tail);
        words.digest()
    }
}

impl Words {
    const fn block_bytes(&self) -> usize {
        match self {
            Self::Sha256(_) => 64,
            Self::Sha384(_) => 128,
        }
    }

    /// How many bytes the length takes at the end of the last block.
    const fn length_bytes(&self) -> usize {
        match self {
            Self::Sha256(_) => 8,
            Self::Sha384(_) => 16,
        }
    }

    /// Takes whole blocks in.
    fn compress(&mut self, blocks: &[u8]) {
        match self {
            Self::Sha256(words) => compress256(words, blocks.as_chunks().0),
            Self::Sha384(words) => compress512(words, blocks.as_chunks().0),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Sha256(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
            Self::Sha384(words) => words.iter().flat_map(|word| word.to_be_bytes()).collect(),
        }
    }

    fn digest(&self) -> Hashed {
        let bytes = self.bytes();
        let digest = match self {
            Self::Sha256(_) => Digest::from_slice(&bytes).map(Hashed::Sha256),
            Self::Sha384(_) => Digest384::from_slice(&bytes[..48]).map(Hashed::Sha384),
        };
        digest.expect("eight words are as long as a digest, or longer")
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        fn words<const N: usize, W>(bytes: &[u8], read: fn([u8; N]) -> W) -> Option<[W; 8]> {
            let (words, []) = bytes.as_chunks::<N>() else { return None };
            let words: Vec<W> = words.iter().map(|word| read(*word)).collect();
            words.try_into().ok()
        }
        match bytes.len() {
            32 => words(bytes, u32::from_be_bytes).map(Self::Sha256),
            64 => words(bytes, u64::from_be_bytes).map(Self::Sha384),
            _ => None,
        }
    }
}

impl From<HashState> for Wire {
    fn from(state: HashState) -> Self {
        Self { length: state.length, tail: Base64(state.tail), words: Base64(state.words.bytes()) }
    }
}

impl TryFrom<Wire> for HashState {
    type Error = NotAHashState;

    fn try_from(wire: Wire) -> Result<Self, NotAHashState> {
        let Wire { length, tail, words } = wire;
        let words = Words::from_bytes(&words.0).ok_or(NotAHashState)?;
        let block = long(words.block_bytes());
        // Before the first block is full the words are those that the hash begins with.
        let begins = matches!(words, Words::Sha256(SHA256_BEGINS) | Words::Sha384(SHA384_BEGINS));
        if long(tail.0.len()) != length % block || (length < block && !begins) {
            return Err(NotAHashState);
        }
        Ok(Self { words, tail: tail.0, length })
    }
}

fn long(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits")
}

/// FIPS 180-4 §5.3.3.
const SHA256_BEGINS: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// FIPS 180-4 §5.3.4.
const SHA384_BEGINS: [u64; 8] = [
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::{Digests, Hashing};

    fn after(mut state: HashState, pieces: &[&[u8]]) -> HashState {
        pieces.iter().for_each(|piece| state.update(piece));
        state
    }

    #[test]
    fn a_state_gives_the_digest_of_its_bytes_and_of_its_bytes_with_a_trailer_at_every_length() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        for length in (0..300).chain([511, 512, 513, 639, 640]) {
            for trailer in [0, 1, 8, 55, 56, 63, 64, 111, 112, 128, 200] {
                let (file, trailer) = (&bytes[..length], &bytes[..trailer]);
                let whole = [file, trailer].concat();
                let (a, b) = file.split_at(length / 3);
                let short = after(HashState::sha256(), &[a, b]);
                assert_eq!(short.finish(trailer), Hashed::Sha256(Digest::of(&whole)), "{length}");
                assert_eq!(short.finish(&[]), Hashed::Sha256(Digest::of(file)), "{length}");
                let long = after(HashState::sha384(), &[a, b]);
                assert_eq!(long.finish(trailer), Hashed::Sha384(Digest384::of(&whole)), "{length}");
                assert_eq!(long.finish(&[]), Hashed::Sha384(Digest384::of(file)), "{length}");
            }
        }
    }

    #[test]
    fn a_file_that_is_hashed_to_go_on_has_the_digests_that_it_has_otherwise() {
        let states = [Hash::Sha256, Hash::Sha384];
        for (others, asked) in [(&[][..], &states[..]), (&[Hash::Sha384, Hash::Sha512], &states[1..])] {
            let mut hashing = Hashing::with_states(others, asked);
            hashing.update(b"what an organisation ");
            hashing.update(b"ships");
            let trailed = Digests::of(b"what an organisation ships, and more", &Hash::ALL);
            for hash in [Hash::Sha256, Hash::Sha384] {
                assert_eq!(hashing.finish_with(hash, b", and more").as_deref(), trailed.digest(hash));
            }
            assert_eq!(hashing.states().len(), asked.len());
            let found = hashing.finish();
            let expected = Digests::of(b"what an organisation ships", &Hash::ALL);
            for hash in others.iter().chain(asked) {
                assert_eq!(found.digest(*hash), expected.digest(*hash));
            }
            assert_eq!(found.sha256(), expected.sha256());
        }
    }

    #[test]
    fn a_state_has_one_spelling_and_what_is_none_is_refused() {
        for state in [HashState::sha256(), HashState::sha384()] {
            for length in [0, 1, 63, 64, 65, 127, 128, 129, 300] {
                let state = after(state.clone(), &[&vec![7; length]]);
                let json = serde_json::to_string(&state).unwrap();
                assert_eq!(serde_json::from_str::<HashState>(&json).unwrap(), state);
                let named = format!("\"length\":{length}");
                assert!(json.contains(&named));
                for other in [format!("\"length\":{}", length + 1), "\"length\":-1".to_owned()] {
                    assert!(serde_json::from_str::<HashState>(&json.replace(&named, &other)).is_err());
                }
                assert!(serde_json::from_str::<HashState>(&json.replace("{", "{\"more\":1,")).is_err());
            }
        }
        let begun = serde_json::to_string(&after(HashState::sha256(), &[b"abc"])).unwrap();
        let invented = begun.replace("\"words\":\"agn", "\"words\":\"bgn");
        assert_ne!(begun, invented);
        assert!(serde_json::from_str::<HashState>(&invented).is_err(), "other words before a block is full");
    }
}
