//! Profiles, as a client needs them to compose a request.

use model::{Base64, Digest, Form, Instant, ItemKey, PlatformId, Profile, PublicKey, Requester, Space};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// `GET /v1/profiles/{name}`: all that a client cannot know by itself when it composes a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileView {
    /// The platform.
    #[schema(value_type = schema::PlatformId)]
    pub platform: PlatformId,
    /// The registry's head.
    #[schema(value_type = schema::Digest)]
    pub registry: Digest,
    /// The digest of the policy in force.
    #[schema(value_type = schema::Digest)]
    pub policy: Digest,
    /// The requester, as the server sees them.
    #[schema(value_type = schema::Requester)]
    pub requester: Requester,
    /// The space in which the request acts.
    #[schema(value_type = schema::Space)]
    pub space: Space,
    /// The profile.
    #[schema(value_type = schema::Profile)]
    pub profile: Profile,
    /// Its digest.
    #[schema(value_type = schema::Digest)]
    pub version: Digest,
    /// The active key for each form.
    pub keys: Vec<KeyView>,
    /// The server's time: a client whose clock is off says so before it asks.
    #[schema(value_type = schema::Instant)]
    pub now: Instant,
    /// How long, in seconds, the request may stay open.
    pub period_s_max: u64,
}

/// A key that a profile signs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyView {
    /// What it signs.
    #[schema(value_type = schema::Form)]
    pub form: Form,
    /// What an item names: name, generation, record.
    #[schema(value_type = schema::ItemKey)]
    pub key: ItemKey,
    /// The public key.
    #[schema(value_type = schema::PublicKey)]
    pub public_key: PublicKey,
    /// Its certificate and those above it, without the root, in DER.
    #[schema(value_type = Vec<schema::Base64>)]
    pub chain: Vec<Base64>,
    /// Does it ask for endorsements?
    pub governed: bool,
    /// The namespaces in which it makes SSH signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// `GET /v1/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Whoami {
    /// The requester, as the server sees them.
    #[schema(value_type = schema::Requester)]
    pub requester: Requester,
    /// What they are called.
    pub name: String,
    /// Every profile of the platform, and whether they may use it.
    pub profiles: Vec<WhoamiProfile>,
}

/// A profile, and whether somebody may use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoamiProfile {
    /// Its name.
    #[schema(value_type = schema::Space)]
    pub profile: Space,
    /// Why not; absent where they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refused: Option<String>,
}
