//! What the platform keeps of principals and of the credentials that prove them.

use model::{Digest, Instant, KeyId, PersonId, PrincipalId, Space};
use serde::{Deserialize, Serialize};

use crate::ApiKeyId;

/// Somebody, or something, that asks for signatures.
///
/// This is the server's own record: it says who may ask. Who *endorses* stands in the registry, which no row of a
/// database can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalRecord {
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

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRecord {
    /// Its id.
    pub id: ApiKeyId,
    /// What is kept of the secret: [`crate::ApiKey::digest`].
    pub digest: Digest,
    /// Whom it proves.
    pub principal: PrincipalId,
    /// The prefixes of spaces that it reaches, within the principal's own.
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

/// A client certificate, by its key: certificates may be renewed, the key is what is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// The SHA-256 of its SubjectPublicKeyInfo.
    pub key: KeyId,
    /// Whom it proves.
    pub principal: PrincipalId,
    /// When it was registered.
    pub created: Instant,
    /// Since when it proves nothing, because somebody took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Instant>,
}

/// Where credentials are looked up.
///
/// *Consistency*: a credential that was added, revoked or disabled is seen so by every look-up that begins after the
/// change returned. *Concurrency*: any number of callers at once; they block. An absent row is `Ok(None)`, and an
/// error says only that it could not be looked at: nobody is let in on an error, and a retry may help.
pub trait KeySet: Send + Sync {
    /// An API key, and whom it proves.
    fn api_key(&self, id: &ApiKeyId) -> Result<Option<(ApiKeyRecord, PrincipalRecord)>, KeySetError>;

    /// A client certificate's key, and whom it proves.
    fn certificate(&self, key: &KeyId) -> Result<Option<(CertificateRecord, PrincipalRecord)>, KeySetError>;
}

/// Why a credential could not be looked up. It says nothing about the credential.
#[derive(Debug, thiserror::Error)]
#[error("the credentials cannot be looked up")]
pub struct KeySetError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
