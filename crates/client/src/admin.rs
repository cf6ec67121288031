//! The administrative paths, on the server's local socket.

use std::path::Path;

use api::{
    ApiKeyView, CertificateView, IssuedApiKey, NewApiKey, NewCertificate, NewPrincipal, Page, PrincipalView,
    ProfileVersion, RegistryView,
};
use identity::ApiKeyId;
use model::{KeyId, PrincipalId, Profile, Space};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ClientError;
use crate::exchange::{Call, Exchange};

const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A client of the server's administrative socket. Who may open the socket may administer: the file's permissions
/// are the credential.
#[derive(Debug, Clone)]
pub struct AdminClient {
    exchange: Exchange,
}

impl AdminClient {
    /// Sets a client up; nothing is sent yet.
    pub fn new(socket: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .map_err(ClientError::Setup)?;
        // The name is for the Host header alone: the socket is where calls go.
        let base = "http://admin.localhost/".parse().expect("a constant address");
        Ok(Self { exchange: Exchange { http, base, authorization: None } })
    }

    /// Adds a principal.
    pub async fn add_principal(&self, new: &NewPrincipal) -> Result<PrincipalView, ClientError> {
        self.post("/v1/admin/principals", new).await
    }

    /// One page of the principals, after this one.
    pub async fn principals(&self, after: Option<&str>) -> Result<Page<PrincipalView>, ClientError> {
        self.page("/v1/admin/principals", after).await
    }

    /// Disables a principal, and with it every credential of theirs.
    pub async fn disable_principal(&self, id: &PrincipalId) -> Result<PrincipalView, ClientError> {
        self.post(&format!("/v1/admin/principals/{id}/disable"), &Nothing {}).await
    }

    /// Registers a client certificate for a principal.
    pub async fn add_certificate(
        &self,
        principal: &PrincipalId,
        new: &NewCertificate,
    ) -> Result<CertificateView, ClientError> {
        self.post(&format!("/v1/admin/principals/{principal}/certificates"), new).await
    }

    /// Revokes a client certificate's key.
    pub async fn revoke_certificate(&self, key: &KeyId) -> Result<CertificateView, ClientError> {
        self.post(&format!("/v1/admin/certificates/{key}/revocation"), &Nothing {}).await
    }

    /// Issues an API key. Its secret is in the answer, and never seen again.
    pub async fn issue_api_key(&self, new: &NewApiKey) -> Result<IssuedApiKey, ClientError> {
        self.post("/v1/admin/api-keys", new).await
    }

    /// One page of the API keys, after this one.
    pub async fn api_keys(&self, after: Option<&str>) -> Result<Page<ApiKeyView>, ClientError> {
        self.page("/v1/admin/api-keys", after).await
    }

    /// Revokes an API key.
    pub async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<ApiKeyView, ClientError> {
        self.post(&format!("/v1/admin/api-keys/{id}/revocation"), &Nothing {}).await
    }

    /// Puts a version of a profile into force.
    pub async fn put_profile(&self, profile: &Profile) -> Result<ProfileVersion, ClientError> {
        self.post("/v1/admin/profiles", profile).await
    }

    /// One page of the profiles in force, after this one.
    pub async fn profiles(&self, after: Option<&Space>) -> Result<Page<ProfileVersion>, ClientError> {
        self.page("/v1/admin/profiles", after.map(Space::as_str)).await
    }

    /// Makes the server read the key process's registry again.
    pub async fn refresh_registry(&self) -> Result<RegistryView, ClientError> {
        self.post("/v1/admin/registry/refresh", &Nothing {}).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.exchange.json(&Call::post(path, body, ANSWER_BYTES_MAX)?).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> Result<Page<T>, ClientError> {
        let mut call = Call::get(path, ANSWER_BYTES_MAX);
        call.query.extend(after.map(|after| ("after", after.to_owned())));
        self.exchange.json(&call).await
    }
}

/// The body of calls that say all in their path.
#[derive(Serialize)]
struct Nothing {}
