//! The authority's own key and certificates, as the key process tells of them.

use model::{Form, Instant, KeyId, PublicKey};
use signer::{Chain, Platform};

use crate::AuthorityError;
use crate::sight::View;

/// The timestamp key in use with its certificates.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) key: KeyId,
    pub(crate) public_key: PublicKey,
    /// What stands above it now.
    pub(crate) chain: Chain,
    // INVARIANT: each begins with the key's own certificate, and there is at least one.
    /// What may stand above what it signs: of several, the key process says which.
    pub(crate) chains: Vec<Chain>,
    /// By whose certificate it is shown now.
    issuer: KeyId,
}

impl View for Own {
    type Error = AuthorityError;

    fn of(platform: &Platform, at: Instant) -> Result<Self, AuthorityError> {
        let known = platform.registry().in_use(Form::Timestamp, at).ok_or(AuthorityError::NoKey)?;
        let (key, public_key) = (known.record.id(), known.record.public_key.clone());
        let (issuer, chain) = (platform.issuer_at(&key, at), platform.chain_at(&key, at));
        let (Some(issuer), Some(chain)) = (issuer, chain) else {
            return Err(AuthorityError::NoCertificate { key });
        };
        Ok(Self { key, public_key, chain, chains: platform.chains(&key), issuer })
    }

    fn is_current(&self, platform: &Platform, at: Instant) -> bool {
        let in_use = platform.registry().in_use(Form::Timestamp, at).map(|key| key.record.id());
        in_use == Some(self.key) && platform.issuer_at(&self.key, at) == Some(self.issuer)
    }
}
