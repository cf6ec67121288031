//! Orders: what the engine and the authorities ask of the key process.

use model::layout::Writer;
use model::{Digest, KeyId, Tag, merkle};

use crate::wire;

/// A batch of orders, in one frame. The answers come in the same order, each for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// The head of the audit ledger. The journal keeps it, so that a rollback of the ledger shows.
    pub ledger: Head,
    /// The orders, at most 256.
    pub orders: Vec<Order>,
}

/// The head of a Merkle tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many leaves there are.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Sign an item of a request.
    Sign(SignOrder),
    /// Make a timestamp token.
    Timestamp(TimestampOrder),
    /// Sign the next checkpoint of a log.
    Checkpoint(CheckpointOrder),
    /// Take the next step to a certificate for the holder of an ID token.
    Holder(HolderOrder),
    /// Promise that an entry stands in a log of Rekor v1.
    Promise(PromiseOrder),
    /// Give up an item, and give back what was signed for it.
    Recall(RecallOrder),
    /// Sign a version of TUF metadata.
    Tuf(TufOrder),
}

/// An order to sign one item of a request. Two orders of one (request digest, item) are the same order and get the
/// same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOrder {
    /// The canonical JSON of the request.
    pub request: Vec<u8>,
    /// The canonical JSON of the item.
    pub item: Vec<u8>,
    /// The item's inclusion path in the request's item tree.
    pub path: Vec<Digest>,
    /// The canonical JSON of the endorsements.
    pub endorsements: Vec<Vec<u8>>,
}

/// An order to give up an item of a request that ends without receipts: nothing is signed for it any more. If something
/// was, that comes back, so that it is logged and not known to the journal alone; else the order is refused as
/// [recalled](crate::RefusalCode::Recalled).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecallOrder {
    /// The digest of the request.
    pub request: Digest,
    /// The index of the item.
    pub item: u32,
}

/// An order for a timestamp token. The key process chooses time and serial number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampOrder {
    /// The timestamp key.
    pub key: KeyId,
    /// What is stamped.
    pub imprint: Imprint,
    /// The requester's nonce, as the content octets of its DER INTEGER; at most 32 of them.
    pub nonce: Option<Vec<u8>>,
}

/// The message imprint of a timestamp token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imprint {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// An order to sign a checkpoint. The key process composes the note from its own record of the origin, and signs
/// only what extends the last head that it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointOrder {
    /// The checkpoint key.
    pub key: KeyId,
    /// The head that was signed last, as the log knows it; the empty tree for the first.
    pub old: Head,
    /// The head to be signed.
    pub new: Head,
    /// The consistency proof between them (RFC 9162 §2.1.4).
    pub proof: Vec<Digest>,
}

impl Head {
    /// The head of the empty tree, which every other extends.
    pub fn empty() -> Self {
        Self { size: 0, root: merkle::root(&[]) }
    }
}

/// An order for a certificate for the holder of an ID token, in one of its steps. One token gets one certificate, for
/// one key: ordered again, each step gives the same bytes, and for another key it is refused.
///
/// What is signed in each step follows from the token, the key, and what the key process chose in the first: names,
/// serial number and times are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderOrder {
    /// The key of form `certificate` that issues.
    pub authority: KeyId,
    /// The token, as its issuer gave it.
    pub token: Vec<u8>,
    /// The SubjectPublicKeyInfo of the key that is certified.
    pub public_key: Vec<u8>,
    /// Which step.
    pub step: HolderStep,
}

/// The steps to a certificate for the holder of an ID token (RFC 6962 §3.1), in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderStep {
    /// The authority signs the precertificate, for the log.
    Precertificate,
    /// The log's key signs the timestamp, for a leaf that stands in the log.
    Timestamp {
        /// The key of form `sct`.
        log: KeyId,
        /// The index of the leaf.
        leaf: u64,
    },
    /// The authority signs the certificate with that timestamp in it.
    Certificate {
        /// The key of form `sct`.
        log: KeyId,
        /// The index of the leaf.
        leaf: u64,
    },
}

impl HolderOrder {
    /// What the journal's intents name of the token: the digest of its header and claims.
    ///
    /// INVARIANT: nothing of its signature. Whoever sees a signature of ECDSA makes another over the same bytes, and one
    /// token would be two.
    pub fn digest(&self) -> Digest {
        Self::digest_of(&self.token)
    }

    /// The same, of a token by itself.
    pub fn digest_of(token: &[u8]) -> Digest {
        let signed = token.rsplitn(2, |byte| *byte == b'.').nth(1);
        Tag::IdToken.digest(&[signed.unwrap_or(token)])
    }
}

impl HolderStep {
    /// Its number, which stands for the item in the journal's intent.
    pub const fn number(self) -> u32 {
        match self {
            Self::Precertificate => 0,
            Self::Timestamp { .. } => 1,
            Self::Certificate { .. } => 2,
        }
    }
}

/// An order for a promise of Rekor v1 that an entry stands in its log: a signed entry timestamp. The key process chooses
/// the time, and promises only what stands under the last head that it signed for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseOrder {
    /// The key of form `set`.
    pub key: KeyId,
    /// The entry.
    pub body: Vec<u8>,
    /// Its index.
    pub index: u64,
    /// The head that was signed last.
    pub head: Head,
    /// The entry's inclusion path to that head.
    pub path: Vec<Digest>,
}

impl PromiseOrder {
    /// The digest that the journal's intent names.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::new();
        wire::order::put_promise(&mut writer, self);
        Tag::PromiseOrder.digest(&[&writer.finish()])
    }
}

/// An order to sign a version of the TUF metadata of the role that the key's record names. What roots and targets say
/// stands in the registry; of snapshots and timestamps the key process decides everything, and this says no more than
/// which version is meant: the one that stands, or the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TufOrder {
    /// The key of form `tuf`.
    pub key: KeyId,
    /// The version.
    pub version: u64,
}

impl TufOrder {
    /// The digest that the journal's intent names.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::new();
        wire::order::put_tuf(&mut writer, self);
        Tag::TufOrder.digest(&[&writer.finish()])
    }
}

impl TimestampOrder {
    /// The digest that the journal's intent names.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::new();
        wire::order::put_timestamp(&mut writer, self);
        Tag::TimestampOrder.digest(&[&writer.finish()])
    }
}

impl CheckpointOrder {
    /// The digest that the journal's intent names.
    pub fn digest(&self) -> Digest {
        let mut writer = Writer::new();
        wire::order::put_checkpoint(&mut writer, self);
        Tag::CheckpointOrder.digest(&[&writer.finish()])
    }
}
