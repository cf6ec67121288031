//! Leaves of the key process's journal, byte for byte: it writes them, receipts carry them, verifiers read them.
//!
//! A leaf is the tag [`Tag::Journal`], a version byte (1), a kind byte and a fixed layout (integers big-endian):
//!
//! | kind | what | layout |
//! |---|---|---|
//! | 1 | intent | sequence 8, time 8, key id 32, key record's digest 32, registry head 32, request digest 32, item 4, SHA-256 of what is signed 32, digest of the endorsements 32, choices (length 4, bytes) |
//! | 2 | outcome | sequence 8, sequence of the intent 8, result 1 (0 signed, else the code of the refusal), SHA-256 of the signature 32 (zeros where there is none) |
//! | 3 | registry entry | sequence 8, entry (length 4, bytes) |
//! | 4 | start | sequence 8, time 8, random 32 |
//! | 5 | refusals | sequence 8, time 8, how many orders were refused since the last such leaf 8 |
//! | 6 | ledger | sequence 8, time 8, size of the audit ledger 8, its root 32 |
//! | 7 | anchor | sequence 8, time 8, random 32 |
//! | 8 | cosigned | sequence 8, time 8, cosignatures (count 4; each: id of the witness's key 32, size of the journal 8, the witness's time 8, its signature 64) |
//!
//! The sequence is the leaf's own index. Times are nanoseconds since 1970.

use crate::layout::{LayoutError, Reader, Writer};
use crate::{Digest, Instant, KeyId, Tag, limits, merkle};

/// The version of the layout.
const VERSION: u8 = 1;

/// The most bytes of choices that an intent may hold.
const CHOSEN_BYTES_MAX: usize = 256;

/// The most cosignatures in one leaf.
pub const COSIGNED_MAX: usize = 64;

/// One leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leaf {
    /// A signature is about to be made.
    Intent(Intent),
    /// What became of an intent.
    Outcome(Outcome),
    /// An entry of the registry.
    Entry {
        /// The leaf's index.
        sequence: u64,
        /// The entry's canonical JSON.
        entry: Vec<u8>,
    },
    /// The key process began to run.
    Start {
        /// The leaf's index.
        sequence: u64,
        /// When, by its own clock.
        time: Instant,
        /// Fresh random bytes, so that no two histories look alike.
        random: [u8; 32],
    },
    /// Orders were refused; strangers' ones are told in sum.
    Refusals {
        /// The leaf's index.
        sequence: u64,
        /// When they were added up.
        time: Instant,
        /// How many since the last such leaf.
        count: u64,
    },
    /// The head of the audit ledger, as the orders of the intents that follow told it.
    Ledger {
        /// The leaf's index.
        sequence: u64,
        /// When it was told.
        time: Instant,
        /// How many leaves the ledger had.
        size: u64,
        /// The root over them.
        root: Digest,
    },
    /// The checkpoint that ends with this leaf goes to the witnesses.
    Anchor {
        /// The leaf's index.
        sequence: u64,
        /// When, by its own clock.
        time: Instant,
        /// Fresh random bytes: whoever cosigns this has seen it, and nothing that was cosigned before.
        random: [u8; 32],
    },
    /// Witnesses have cosigned what they were shown.
    Cosigned {
        /// The leaf's index.
        sequence: u64,
        /// When that was heard, by its own clock.
        time: Instant,
        /// What they cosigned.
        cosigned: Vec<Cosigned>,
    },
}

/// What a witness said of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned {
    /// The id of its key: the SHA-256 of name, type and key.
    pub witness: Digest,
    /// How many leaves it saw.
    pub size: u64,
    /// When, by its own clock.
    pub time: Instant,
    /// Its signature (Ed25519) over the checkpoint that it was shown and that time.
    pub signature: [u8; 64],
}

/// A signature that is about to be made, with every byte that the key process chose for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The leaf's index.
    pub sequence: u64,
    /// When, by the key process's own clock.
    pub time: Instant,
    /// The key.
    pub key: KeyId,
    /// The digest of its record.
    pub record: Digest,
    /// The registry's head under which it signs.
    pub registry: Digest,
    /// The request digest; for the platform's own keys, the digest of the order.
    pub request: Digest,
    /// The item's index in the request.
    pub item: u32,
    /// The SHA-256 of what is signed.
    pub to_be_signed: Digest,
    /// The digest of the endorsements ([`endorsements_digest`]).
    pub endorsements: Digest,
    /// What was chosen, in the form's own encoding.
    pub chosen: Vec<u8>,
}

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The leaf's index.
    pub sequence: u64,
    /// The index of the intent.
    pub intent: u64,
    /// What happened.
    pub ending: Ending,
}

/// How an intent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a signature of this SHA-256.
    Signed(Digest),
    /// Without one, for the reason of this code, which is not zero.
    Refused(std::num::NonZeroU8),
}

/// Why bytes are not a leaf of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeafError {
    /// Without the tag of the journal.
    #[error("not a leaf of a journal")]
    Tag,
    /// A version or a kind that this avouch does not know.
    #[error("a journal leaf of version {version} and kind {kind}, which this avouch does not know")]
    Unknown {
        /// The version.
        version: u8,
        /// The kind.
        kind: u8,
    },
    /// A known kind, and not its layout.
    #[error("a malformed journal leaf")]
    Layout(#[from] LayoutError),
}

/// The digest of the endorsements of an order, in their order: each behind its length in 4 bytes.
pub fn endorsements_digest(endorsements: &[Vec<u8>]) -> Digest {
    let mut writer = Writer::new();
    for endorsement in endorsements {
        writer.bytes(endorsement);
    }
    Tag::Endorsements.digest(&[&writer.finish()])
}

impl Leaf {
    /// The leaf's index.
    pub const fn sequence(&self) -> u64 {
        match self {
            Self::Intent(Intent { sequence, .. })
            | Self::Outcome(Outcome { sequence, .. })
            | Self::Entry { sequence, .. }
            | Self::Start { sequence, .. }
            | Self::Refusals { sequence, .. }
            | Self::Ledger { sequence, .. }
            | Self::Anchor { sequence, .. }
            | Self::Cosigned { sequence, .. } => *sequence,
        }
    }

    /// The leaf's bytes, tag included.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.fixed(Tag::Journal.prefix()).byte(VERSION);
        match self {
            Self::Intent(intent) => intent.put(writer.byte(1)),
            Self::Outcome(outcome) => outcome.put(writer.byte(2)),
            Self::Entry { sequence, entry } => {
                writer.byte(3).long(*sequence).bytes(entry);
            }
            Self::Start { sequence, time, random } => {
                writer.byte(4).long(*sequence).long(time.nanoseconds()).fixed(random);
            }
            Self::Refusals { sequence, time, count } => {
                writer.byte(5).long(*sequence).long(time.nanoseconds()).long(*count);
            }
            Self::Ledger { sequence, time, size, root } => {
                writer.byte(6).long(*sequence).long(time.nanoseconds()).long(*size).digest(root);
            }
            Self::Anchor { sequence, time, random } => {
                writer.byte(7).long(*sequence).long(time.nanoseconds()).fixed(random);
            }
            Self::Cosigned { sequence, time, cosigned } => {
                writer.byte(8).long(*sequence).long(time.nanoseconds());
                writer.list(cosigned, |writer, one| one.put(writer));
            }
        }
        writer.finish()
    }

    /// Reads a leaf.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut reader = Reader::new(bytes.strip_prefix(Tag::Journal.prefix()).ok_or(LeafError::Tag)?);
        let (version, kind) = (reader.byte("version")?, reader.byte("kind")?);
        if version != VERSION {
            return Err(LeafError::Unknown { version, kind });
        }
        let leaf = match kind {
            1 => Self::Intent(Intent::take(&mut reader)?),
            2 => Self::Outcome(Outcome::take(&mut reader)?),
            3 => Self::Entry {
                sequence: reader.long("sequence")?,
                entry: reader.bytes("entry", limits::ENTRY_BYTES_MAX)?.to_vec(),
            },
            4 => Self::Start {
                sequence: reader.long("sequence")?,
                time: Instant::from_nanoseconds(reader.long("time")?),
                random: reader.array("random")?,
            },
            5 => Self::Refusals {
                sequence: reader.long("sequence")?,
                time: Instant::from_nanoseconds(reader.long("time")?),
                count: reader.long("count")?,
            },
            6 => Self::Ledger {
                sequence: reader.long("sequence")?,
                time: Instant::from_nanoseconds(reader.long("time")?),
                size: reader.long("size")?,
                root: reader.digest("root")?,
            },
            7 => Self::Anchor {
                sequence: reader.long("sequence")?,
                time: Instant::from_nanoseconds(reader.long("time")?),
                random: reader.array("random")?,
            },
            8 => Self::Cosigned {
                sequence: reader.long("sequence")?,
                time: Instant::from_nanoseconds(reader.long("time")?),
                cosigned: reader.list("cosignatures", COSIGNED_MAX, Cosigned::take)?,
            },
            _ => return Err(LeafError::Unknown { version, kind }),
        };
        reader.finish()?;
        Ok(leaf)
    }

    /// The leaf's hash in the journal's tree.
    pub fn hash(&self) -> Digest {
        merkle::leaf_hash(&self.encode())
    }
}

impl Cosigned {
    /// Writes it, as it stands in a leaf.
    pub fn put(&self, writer: &mut Writer) {
        writer.digest(&self.witness).long(self.size).long(self.time.nanoseconds()).fixed(&self.signature);
    }

    /// Reads what was put.
    pub fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        Ok(Self {
            witness: reader.digest("witness")?,
            size: reader.long("size")?,
            time: Instant::from_nanoseconds(reader.long("time")?),
            signature: reader.array("signature")?,
        })
    }
}

impl Intent {
    fn put(&self, writer: &mut Writer) {
        writer.long(self.sequence).long(self.time.nanoseconds());
        for digest in [self.key.digest(), &self.record, &self.registry, &self.request] {
            writer.digest(digest);
        }
        writer.word(self.item).digest(&self.to_be_signed).digest(&self.endorsements).bytes(&self.chosen);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        Ok(Self {
            sequence: reader.long("sequence")?,
            time: Instant::from_nanoseconds(reader.long("time")?),
            key: KeyId::new(reader.digest("key")?),
            record: reader.digest("record")?,
            registry: reader.digest("registry")?,
            request: reader.digest("request")?,
            item: reader.word("item")?,
            to_be_signed: reader.digest("to-be-signed")?,
            endorsements: reader.digest("endorsements")?,
            chosen: reader.bytes("chosen", CHOSEN_BYTES_MAX)?.to_vec(),
        })
    }
}

impl Outcome {
    fn put(&self, writer: &mut Writer) {
        writer.long(self.sequence).long(self.intent);
        match &self.ending {
            Ending::Signed(signature) => writer.byte(0).digest(signature),
            Ending::Refused(code) => writer.byte(code.get()).digest(&Digest::ZERO),
        };
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let (sequence, intent) = (reader.long("sequence")?, reader.long("intent")?);
        let (result, signature) = (reader.byte("result")?, reader.digest("signature")?);
        let ending = match std::num::NonZeroU8::new(result) {
            None => Ending::Signed(signature),
            Some(code) if signature == Digest::ZERO => Ending::Refused(code),
            Some(_) => return Err(LayoutError::Value { field: "signature" }),
        };
        Ok(Self { sequence, intent, ending })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn intent() -> Intent {
        let digest = |n: u8| Digest::from_bytes([n; 32]);
        Intent {
            sequence: 7,
            time: Instant::from_seconds(1_795_165_602),
            key: KeyId::new(digest(1)),
            record: digest(2),
            registry: digest(3),
            request: digest(4),
            item: 5,
            to_be_signed: digest(6),
            endorsements: digest(7),
            chosen: vec![1, 0],
        }
    }

    #[test]
    fn every_kind_of_leaf_has_one_encoding_and_no_other_bytes_are_it() {
        let code = std::num::NonZeroU8::new(11).unwrap();
        let leaves = [
            Leaf::Intent(intent()),
            Leaf::Outcome(Outcome { sequence: 8, intent: 7, ending: Ending::Signed(Digest::of(b"s")) }),
            Leaf::Outcome(Outcome { sequence: 8, intent: 7, ending: Ending::Refused(code) }),
            Leaf::Entry { sequence: 0, entry: b"{}".to_vec() },
            Leaf::Start { sequence: 1, time: Instant::from_seconds(3), random: [9; 32] },
            Leaf::Refusals { sequence: 2, time: Instant::from_seconds(4), count: 5 },
            Leaf::Ledger { sequence: 3, time: Instant::from_seconds(5), size: 6, root: Digest::of(b"r") },
            Leaf::Anchor { sequence: 4, time: Instant::from_seconds(6), random: [7; 32] },
            Leaf::Cosigned { sequence: 5, time: Instant::from_seconds(7), cosigned: Vec::new() },
            Leaf::Cosigned {
                sequence: 6,
                time: Instant::from_seconds(7),
                cosigned: vec![Cosigned {
                    witness: Digest::of(b"w"),
                    size: 4,
                    time: Instant::from_seconds(6),
                    signature: [8; 64],
                }],
            },
        ];
        for leaf in leaves {
            let bytes = leaf.encode();
            assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
            for cut in 0..bytes.len() {
                assert!(Leaf::decode(&bytes[..cut]).is_err());
            }
            assert!(Leaf::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }

    #[test]
    fn a_leaf_of_another_version_or_kind_is_named_and_not_guessed() {
        let mut bytes = Leaf::Intent(intent()).encode();
        let at = Tag::Journal.prefix().len();
        bytes[at] = 2;
        assert_eq!(Leaf::decode(&bytes), Err(LeafError::Unknown { version: 2, kind: 1 }));
        bytes[at] = 1;
        bytes[at + 1] = 9;
        assert_eq!(Leaf::decode(&bytes), Err(LeafError::Unknown { version: 1, kind: 9 }));
        bytes[0] ^= 1;
        assert_eq!(Leaf::decode(&bytes), Err(LeafError::Tag));
    }

    #[test]
    fn endorsements_cannot_be_cut_another_way() {
        let one = endorsements_digest(&[b"ab".to_vec(), b"c".to_vec()]);
        let other = endorsements_digest(&[b"a".to_vec(), b"bc".to_vec()]);
        assert_ne!(one, other);
    }
}
