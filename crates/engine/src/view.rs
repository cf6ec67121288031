//! What clients see: how a request stands, and what a profile is at this moment.

use model::receipt::Receipt;
use model::{Digest, Form, Instant, ItemKey, PlatformId, Profile, PublicKey, RequestId, Requester, Space};

use crate::{Standing, State};

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
