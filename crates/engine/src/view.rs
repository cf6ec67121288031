//! What clients see: how a request stands, and what a profile is at this moment.

use model::receipt::Receipt;
use model::{Digest, Form, Instant, ItemKey, PlatformId, Profile, PublicKey, RequestId, Requester, Space};

use crate::Standing;

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id. A repeat gets the id of the request that was signed.
    pub id: RequestId,
    /// The request digest.
    pub digest: Digest,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// Why, where it is refused, rejected, expired or failed; what is missing, where it waits.
    pub reasons: Vec<String>,
    /// One receipt a file with the file's name, in the order of their first items; there once it is done.
    pub receipts: Vec<(String, Receipt)>,
}

impl View {
    /// A request without receipts.
    pub(crate) fn of(id: RequestId, digest: Digest, standing: Standing) -> Self {
        let Standing { state, since, reasons } = standing;
        Self { id, digest, state, since, reasons, receipts: Vec::new() }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// For endorsements.
    Waiting,
    /// The intent is recorded; the order is on its way.
    Intended,
    /// Signed, not yet logged.
    Signed,
    /// Logged, not yet settled.
    Logged,
    /// The receipts are there.
    Done,
    /// Refused by policy or by the key process.
    Refused,
    /// Rejected by an endorser.
    Rejected,
    /// Taken back by the requester.
    Withdrawn,
    /// Its deadline passed.
    Expired,
    /// It was in flight when the server stopped, three times, and is set aside.
    Failed,
}

impl State {
    /// Every state there is.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Intended,
        Self::Signed,
        Self::Logged,
        Self::Done,
        Self::Refused,
        Self::Rejected,
        Self::Withdrawn,
        Self::Expired,
        Self::Failed,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Intended => "intended",
            Self::Signed => "signed",
            Self::Logged => "logged",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// Will nothing change any more?
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Intended | Self::Signed | Self::Logged)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// All that a client cannot know by itself when it composes a request under a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileView {
    /// The platform.
    pub platform: PlatformId,
    /// The registry's head.
    pub registry: Digest,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The requester, as the platform sees them.
    pub requester: Requester,
    /// The space in which the request acts.
    pub space: Space,
    /// The profile.
    pub profile: Profile,
    /// Its digest.
    pub version: Digest,
    /// The active key for each form.
    pub keys: Vec<KeyView>,
    /// The time here: a client whose clock is off says so before it asks.
    pub now: Instant,
    /// How long, in seconds, the request may stay open.
    pub period_s_max: u64,
}

/// A key that a profile signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// What it signs.
    pub form: Form,
    /// What an item names: name, generation, record.
    pub key: ItemKey,
    /// The public key.
    pub public_key: PublicKey,
    /// Its certificate and those above it without the root, in DER; empty for forms that have none.
    pub chain: Vec<Vec<u8>>,
    /// Does it ask for endorsements?
    pub governed: bool,
    /// The namespaces in which it makes SSH signatures.
    pub namespaces: Vec<String>,
}
