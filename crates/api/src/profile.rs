//! Profiles, as a client needs them to compose a request.

use model::{Base64, Digest, Form, Instant, ItemKey, PlatformId, Profile, PublicKey, Requester, Space};
use serde::{Deserialize, Serialize};

/// `GET /v1/profiles/{name}`: all that a client cannot know by itself when it composes a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileView {
    /// The platform.
    pub platform: PlatformId,
    /// The registry's head.
    pub registry: Digest,
    /// The digest of the policy in force.
    pub policy: Digest,
    /// The requester, as the server sees them.
    pub requester: Requester,
    /// The space in which the request acts.
    pub space: Space,
    /// The profile.
    pub profile: Profile,
    /// Its digest.
    pub version: Digest,
    /// The active key for each form.
    pub keys: Vec<KeyView>,
    /// The server's time: a client whose clock is off says so before it asks.
    pub now: Instant,
    /// How long, in seconds, the request may stay open.
    pub period_s_max: u64,
}

/// A key that a profile signs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyView {
    /// What it signs.
    pub form: Form,
    /// What an item names: name, generation, record.
    pub key: ItemKey,
    /// The public key.
    pub public_key: PublicKey,
    /// Its certificate and those above it, without the root, in DER.
    pub chain: Vec<Base64>,
    /// Does it ask for endorsements?
    pub governed: bool,
}

/// `GET /v1/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whoami {
    /// The requester, as the server sees them.
    pub requester: Requester,
    /// What they are called.
    pub name: String,
    /// Every profile of the platform, and whether they may use it.
    pub profiles: Vec<WhoamiProfile>,
}

/// A profile, and whether somebody may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoamiProfile {
    /// Its name.
    pub profile: Space,
    /// Why not; absent where they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}
