//! Administration, on the server's local socket: who may ask, with which credential, for which profiles.
//!
//! None of it says who endorses: that stands in the registry, and changes only through endorsed entries.

use identity::ApiKeyId;
use model::{Digest, Instant, KeyId, PersonId, PrincipalId, Profile, Space};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to ask `?after=` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// `POST /v1/admin/principals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPrincipal {
    /// What it is called.
    pub name: String,
    /// The person it is, or who is responsible for it; absent for somebody new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The prefixes of spaces in which it may sign.
    pub spaces: Vec<Space>,
}

/// A principal: who may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalView {
    /// Its id.
    pub id: PrincipalId,
    /// The person it is, or who is responsible for it.
    pub person: PersonId,
    /// What it is called.
    pub name: String,
    /// The prefixes of spaces in which it may sign.
    pub spaces: Vec<Space>,
    /// Since when it may do nothing; absent while it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Instant>,
}

/// `POST /v1/admin/principals/{id}/certificates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// The client certificate, in PEM. Its key is what is registered.
    pub certificate: String,
}

/// A client certificate's key that proves a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateView {
    /// The key.
    pub key: KeyId,
    /// Whom it proves.
    pub principal: PrincipalId,
    /// When it was registered.
    pub created: Instant,
    /// Since when it proves nothing; absent while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
}

/// `POST /v1/admin/api-keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Whom it is to prove.
    pub principal: PrincipalId,
    /// The prefixes of spaces that it reaches, within the principal's own.
    pub spaces: Vec<Space>,
    /// The profiles that it reaches; absent for all in those spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<Space>>,
    /// From when on it proves nothing.
    pub expires: Instant,
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyView {
    /// Its id.
    pub id: ApiKeyId,
    /// Whom it proves.
    pub principal: PrincipalId,
    /// The prefixes of spaces that it reaches.
    pub spaces: Vec<Space>,
    /// The profiles that it reaches; absent for all in those spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Vec<Space>>,
    /// When it was made.
    pub created: Instant,
    /// From when on it proves nothing.
    pub expires: Instant,
    /// Since when it proves nothing, because somebody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
}

/// The answer to [`NewApiKey`]: the only time that the key is seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedApiKey {
    /// The key: `avk_<id>_<secret>`.
    pub key: String,
    /// What is kept of it.
    pub view: ApiKeyView,
}

impl std::fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedApiKey").field("view", &self.view).finish_non_exhaustive()
    }
}

/// A version of a profile. `POST /v1/admin/profiles` takes a [`Profile`] and answers with this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileVersion {
    /// The profile.
    pub profile: Profile,
    /// The digest that addresses this version.
    pub version: Digest,
}

/// `POST /v1/admin/registry/refresh`: what the server now knows of the key process's registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryView {
    /// Its head.
    pub head: Digest,
    /// How many entries it has.
    pub entries: u64,
}
