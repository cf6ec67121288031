//! Answers: what comes back from the key process.

use envelope::tuf::Named;
use model::receipt::Sighting;
use model::{Digest, Instant, KeyId, Space, TufRole};

use crate::{Anchor, Head};

/// The answers to a batch of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The head of the journal after the batch: a rollback of it would show in the ledger.
    pub journal: Head,
    /// One answer for each order, in their order.
    pub answers: Vec<Answer>,
}

/// The answer to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is signed.
    Signed(Signed),
    /// It is not, and will not be.
    Refused(Refusal),
}

/// A signature, and what the key process chose to make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature.
    pub signature: Vec<u8>,
    /// What was chosen, in the form's own encoding: with it, anybody composes the signed bytes again.
    pub chosen: Vec<u8>,
    /// The index of the intent in the journal.
    pub index: u64,
    /// The intent's leaf.
    pub leaf: Vec<u8>,
    /// Where the key's record asks for endorsements: the proof that the intent is in the journal.
    pub journal: Option<JournalProof>,
}

/// The proof that a leaf is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalProof {
    /// The leaf's inclusion path to the root that the checkpoint names.
    pub path: Vec<Digest>,
    /// A signed checkpoint of the journal that covers the leaf.
    pub checkpoint: String,
    /// What witnesses saw of the journal with this leaf in it.
    pub witnessed: Vec<Sighting>,
}

/// Why an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people: what was checked and what to do.
    pub text: String,
}

/// Why an order is refused, for programs. The numbers are part of the frame's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCode {
    /// The order cannot be read.
    Malformed,
    /// The request is for another platform.
    OtherPlatform,
    /// The request names a registry head, policy or key record that is not in force.
    Stale,
    /// The key does not exist, is not active, not valid now, or not of this form, purpose or class.
    Key,
    /// The item does not stand in the request.
    NotInRequest,
    /// The request's time has not come, or has passed.
    Expired,
    /// Too few endorsements, or a rejection.
    Quorum,
    /// The key's rate is used up.
    Rate,
    /// A checkpoint that does not extend the last one signed.
    NotConsistent,
    /// The clock moved in a way that cannot be believed.
    Clock,
    /// The key store failed; a retry may help.
    KeyStore,
    /// The journal cannot be written, or its state was restored and not adopted.
    Journal,
    /// The ID token is not believed, names nobody, or was used for another key.
    Token,
    /// The item was given up before anything was signed for it, and nothing will be.
    Recalled,
    /// Too few witnesses hold the journal now.
    Anchor,
}

impl RefusalCode {
    /// Every code there is.
    pub const ALL: [Self; 15] = [
        Self::Malformed,
        Self::OtherPlatform,
        Self::Stale,
        Self::Key,
        Self::NotInRequest,
        Self::Expired,
        Self::Quorum,
        Self::Rate,
        Self::NotConsistent,
        Self::Clock,
        Self::KeyStore,
        Self::Journal,
        Self::Token,
        Self::Recalled,
        Self::Anchor,
    ];

    /// Its number.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Malformed => 1,
            Self::OtherPlatform => 2,
            Self::Stale => 3,
            Self::Key => 4,
            Self::NotInRequest => 5,
            Self::Expired => 6,
            Self::Quorum => 7,
            Self::Rate => 8,
            Self::NotConsistent => 9,
            Self::Clock => 10,
            Self::KeyStore => 11,
            Self::Journal => 12,
            Self::Token => 13,
            Self::Recalled => 14,
            Self::Anchor => 15,
        }
    }

    /// The code of a number.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.byte() == byte)
    }

    /// Could the same order succeed later?
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::KeyStore | Self::Rate | Self::Clock | Self::Anchor)
    }
}

/// What the key process tells of itself: all of it public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The entries of the registry, from the genesis on.
    pub registry: Vec<Vec<u8>>,
    /// The certificates of its own keys.
    pub certificates: Vec<Certified>,
    /// The head of the journal.
    pub journal: Head,
    /// The SubjectPublicKeyInfo of the journal's checkpoint key.
    pub journal_key: Vec<u8>,
    /// The journal's latest signed checkpoint.
    pub journal_checkpoint: String,
    /// Is the journal held by witnesses?
    pub anchor: Anchor,
    /// The longest head of the audit ledger that the journal recorded since the platform was begun or adopted; the empty
    /// one, where it recorded none.
    pub ledger: Head,
    /// The head that was signed last for each origin.
    pub checkpoints: Vec<(String, Head)>,
    /// The TUF metadata that was signed: every root, and of the other roles the version that stands.
    pub tuf: Vec<TufVersion>,
    /// The names of its key stores. Each is a lane of its own: one that is slow holds up no other.
    pub stores: Vec<Space>,
}

/// A key of the platform with a certificate of it. It has one by each authority that was in use, or about to be, while it
/// could sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// The key.
    pub key: KeyId,
    /// The key that certified it: its own, of an authority.
    pub issuer: KeyId,
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
}

/// A version of TUF metadata, as far as it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TufVersion {
    /// Whose metadata.
    pub role: TufRole,
    /// Its version.
    pub version: u64,
    /// Until when it counts.
    pub expires: Instant,
    /// The file that it names, in snapshots and timestamps.
    pub names: Option<Named>,
    /// The signatures so far.
    pub signatures: Vec<(KeyId, Vec<u8>)>,
}
