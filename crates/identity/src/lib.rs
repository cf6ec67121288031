//! Who is asking: from a credential at the door to a [`Caller`].
//!
//! **In scope**: API keys and client certificates, and what a caller may reach; the keys of issuers of ID tokens, fetched
//! and kept ([`oidc`]).
//!
//! **Out of scope**: what policy decides about a caller (`policy`), who endorses (`quorum`).

mod api_key;
mod authenticate;
mod credential;
pub mod oidc;

pub use api_key::{ApiKey, ApiKeyId, NotAnApiKey, WrongSecret};
pub use authenticate::{AuthenticationError, ClientCertificate, Presented, authenticate};
pub use credential::{ApiKeyRecord, CertificateRecord, KeySet, KeySetError, PrincipalRecord};

use model::{PersonId, PrincipalId, Proven, Requester, Space};
use serde::{Deserialize, Serialize};

/// Whoever calls, as their credential proved them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The principal.
    pub principal: PrincipalId,
    /// The person it is, or who is responsible for it.
    pub person: PersonId,
    /// What the principal is called.
    pub name: String,
    /// How that was proven.
    pub proven: Proven,
    /// The prefixes of spaces that the credential reaches.
    pub spaces: Vec<Space>,
    /// The profiles that the credential reaches; absent for all in those spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<Space>>,
}

impl Caller {
    /// The caller as requests name them.
    pub const fn requester(&self) -> Requester {
        Requester { principal: self.principal, person: self.person, proven: self.proven }
    }

    /// The same caller, where only these prefixes are granted any more: never more than the credential reached.
    pub fn within(self, granted: &[Space]) -> Self {
        Self { spaces: authenticate::narrower(granted, &self.spaces), ..self }
    }

    /// Does the credential reach this profile?
    pub fn reaches(&self, profile: &Space) -> bool {
        self.spaces.iter().any(|prefix| profile.is_within(prefix))
            && self.profiles.as_ref().is_none_or(|profiles| profiles.contains(profile))
    }
}
