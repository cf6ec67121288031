//! What the journal keeps of each step on disk: the leaf, and beside it what only the key process needs.

use model::journal::{Intent, Leaf, LeafError, Outcome};
use model::layout::{LayoutError, Reader, Writer};
use model::{Instant, KeyId, limits};
use signer::Head;

use crate::tuf::Version;

/// One step. Replaying all steps gives the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A signature is about to be made.
    Intent { intent: Intent, work: Work },
    /// A signature was made, or not.
    Outcome { outcome: Outcome, made: Made },
    /// Something that has no more to it than its leaf: a registry entry, a start, a sum of refusals.
    Plain(Leaf),
}

/// What an intent is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// An item of a request, or a step to the certificate of a token's holder: it may be ordered again until then.
    Remembered { deadline: Instant },
    /// A timestamp token of this number.
    Timestamp { serial: u64 },
    /// A checkpoint of this head.
    Checkpoint { origin: String, head: Head },
    /// The certificate of a key of the platform.
    Certificate { subject: KeyId },
    /// A promise of Rekor v1.
    Promise,
    /// A version of TUF metadata.
    Tuf(Version),
}

/// What is kept of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Made {
    /// Nothing: there is no signature, or nobody may ask for it again.
    Nothing,
    /// The signature of an item.
    Signature(Vec<u8>),
    /// A certificate in DER, with the key that it is for and the one that certified it.
    Certificate { subject: KeyId, issuer: KeyId, der: Vec<u8> },
}

/// The longest leaf: a registry entry with its frame.
const LEAF_BYTES_MAX: usize = limits::ENTRY_BYTES_MAX + 64;

impl Record {
    /// The leaf that the step is in the journal's tree.
    pub(crate) fn leaf(&self) -> Leaf {
        match self {
            Self::Intent { intent, .. } => Leaf::Intent(intent.clone()),
            Self::Outcome { outcome, .. } => Leaf::Outcome(*outcome),
            Self::Plain(leaf) => leaf.clone(),
        }
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        writer.bytes(&self.leaf().encode());
        match self {
            Self::Intent { work, .. } => work.put(writer),
            Self::Outcome { made, .. } => made.put(writer),
            Self::Plain(_) => {}
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LeafError> {
        match Leaf::decode(reader.bytes("leaf", LEAF_BYTES_MAX)?)? {
            Leaf::Intent(intent) => Ok(Self::Intent { intent, work: Work::take(reader)? }),
            Leaf::Outcome(outcome) => Ok(Self::Outcome { outcome, made: Made::take(reader)? }),
            leaf => Ok(Self::Plain(leaf)),
        }
    }
}

impl Work {
    pub(super) fn put(&self, writer: &mut Writer) {
        match self {
            Self::Remembered { deadline } => writer.byte(1).long(deadline.nanoseconds()),
            Self::Timestamp { serial } => writer.byte(2).long(*serial),
            Self::Checkpoint { origin, head } => {
                writer.byte(3).bytes(origin.as_bytes()).long(head.size).digest(&head.root)
            }
            Self::Certificate { subject } => writer.byte(4).digest(subject.digest()),
            Self::Promise => writer.byte(6),
            Self::Tuf(version) => {
                version.put(writer.byte(7));
                writer
            }
        };
    }

    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        match reader.byte("work")? {
            1 => Ok(Self::Remembered { deadline: Instant::from_nanoseconds(reader.long("deadline")?) }),
            2 => Ok(Self::Timestamp { serial: reader.long("serial")? }),
            3 => Ok(Self::Checkpoint {
                origin: reader.text("origin", limits::NAME_BYTES_MAX)?.to_owned(),
                head: Head { size: reader.long("size")?, root: reader.digest("root")? },
            }),
            4 => Ok(Self::Certificate { subject: KeyId::new(reader.digest("subject")?) }),
            6 => Ok(Self::Promise),
            7 => Ok(Self::Tuf(Version::take(reader)?)),
            _ => Err(LayoutError::Value { field: "work" }),
        }
    }
}

impl Made {
    fn put(&self, writer: &mut Writer) {
        match self {
            Self::Nothing => writer.byte(0),
            Self::Signature(signature) => writer.byte(1).bytes(signature),
            Self::Certificate { subject, issuer, der } => {
                writer.byte(2).digest(subject.digest()).digest(issuer.digest()).bytes(der)
            }
        };
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        match reader.byte("made")? {
            0 => Ok(Self::Nothing),
            1 => Ok(Self::Signature(reader.bytes("signature", limits::SIGNATURE_BYTES_MAX)?.to_vec())),
            2 => Ok(Self::Certificate {
                subject: KeyId::new(reader.digest("subject")?),
                issuer: KeyId::new(reader.digest("issuer")?),
                der: reader.bytes("certificate", pki::CERTIFICATE_BYTES_MAX)?.to_vec(),
            }),
            _ => Err(LayoutError::Value { field: "made" }),
        }
    }
}
