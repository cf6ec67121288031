//! What an issuer publishes of itself.

use serde::Deserialize;

use super::{Address, OidcError};

/// What stands where, at an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The issuer, as it names itself: exactly as it was asked.
    pub issuer: String,
    /// Its keys.
    pub keys: Address,
    authorization: Option<Address>,
    token: Option<Address>,
    device: Option<Address>,
}

/// OpenID Provider Metadata (OpenID Connect Discovery 1.0 §3), as far as it is needed.
#[derive(Deserialize)]
struct Wire {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint: Option<String>,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
}

impl Discovered {
    /// Where an issuer publishes what it is.
    pub(super) fn address(issuer: &str) -> Result<Address, OidcError> {
        Address::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
    }

    /// Reads the document of the issuer that was asked.
    pub(super) fn parse(issuer: &str, asked: &Address, json: &[u8]) -> Result<Self, OidcError> {
        let wire: Wire = serde_json::from_slice(json)
            .map_err(|source| OidcError::Document { url: asked.to_string(), source })?;
        // INVARIANT: an issuer speaks for itself alone (§4.3), or one could have tokens believed in another's name.
        if wire.issuer != issuer {
            let said = wire.issuer.chars().filter(|c| !c.is_control()).take(256).collect();
            return Err(OidcError::OtherIssuer { asked: issuer.to_owned(), said });
        }
        let named = |text: Option<String>| text.map(|text| asked.named_by(&text)).transpose();
        Ok(Self {
            issuer: wire.issuer,
            keys: asked.named_by(&wire.jwks_uri)?,
            authorization: named(wire.authorization_endpoint)?,
            token: named(wire.token_endpoint)?,
            device: named(wire.device_authorization_endpoint)?,
        })
    }

    /// Where people prove who they are.
    pub fn authorization(&self) -> Result<&Address, OidcError> {
        self.authorization.as_ref().ok_or_else(|| self.not_offered("authorization_endpoint"))
    }

    /// Where codes become tokens.
    pub fn token(&self) -> Result<&Address, OidcError> {
        self.token.as_ref().ok_or_else(|| self.not_offered("token_endpoint"))
    }

    /// Where a device without a browser begins.
    pub fn device(&self) -> Result<&Address, OidcError> {
        self.device.as_ref().ok_or_else(|| self.not_offered("device_authorization_endpoint"))
    }

    fn not_offered(&self, endpoint: &'static str) -> OidcError {
        OidcError::NotOffered { url: self.issuer.clone(), endpoint }
    }
}
