//! Where clients sign, as a platform's trust root tells it.

use envelope::signing_config::{Endpoint, SigningConfig};
use envelope::trusted_root::Window;
use model::{Form, Instant};
use quorum::KeyState;

use crate::TrustRoot;

impl TrustRoot {
    /// Sigstore's signing config. All of it is served at one address.
    pub fn signing_config(&self, public_url: &str) -> SigningConfig {
        let registry = self.registry();
        let start = registry.keys().map(|key| key.record.not_before).min().unwrap_or(Instant::EPOCH);
        let window = Window { start, end: None };
        let at = |url: &str, version| Endpoint::new(url, version, window, public_url);
        let issuers = registry.issuers().people().map(|issuer| at(&issuer.record.url, 1)).collect();
        let mut logs = vec![at(public_url, 2)];
        // For clients that know no later one; whoever knows both takes the newer.
        let is_v1 = |key: &quorum::Key| key.record.form == Form::Set && key.state == KeyState::Active;
        if registry.keys().any(is_v1) {
            logs.push(at(public_url, 1));
        }
        let stamp = format!("{public_url}/api/v1/timestamp");
        SigningConfig::new(vec![at(public_url, 1)], issuers, logs, vec![at(&stamp, 1)])
    }

    /// The address at which the platform serves everybody, where the root says it.
    pub fn public_url(&self) -> Option<&str> {
        let authority = self.sigstore().certificate_authorities.last()?;
        Some(authority.uri.trim_end_matches('/')).filter(|url| !url.is_empty())
    }
}
