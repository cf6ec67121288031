//! The authority's own key and certificates, as the key process tells of them.

use model::{Form, Instant, KeyId, PublicKey};
use pki::Certificate;
use signer::{Chain, Platform};

use crate::AuthorityError;
use crate::sight::View;

/// The timestamp key in use with its certificates.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) key: KeyId,
    pub(crate) public_key: PublicKey,
    /// Its certificate and those above it, without the root.
    pub(crate) chain: Vec<Certificate>,
    /// The root that ends the chain, where the platform has it.
    pub(crate) root: Option<Certificate>,
}

impl View for Own {
    type Error = AuthorityError;

    fn of(platform: &Platform, at: Instant) -> Result<Self, AuthorityError> {
        let known = platform.registry().in_use(Form::Timestamp, at).ok_or(AuthorityError::NoKey)?;
        let (key, public_key) = (known.record.id(), known.record.public_key.clone());
        let Chain { certificates: chain, root } = platform.chain(&key);
        if chain.is_empty() {
            return Err(AuthorityError::NoCertificate { key });
        }
        Ok(Self { key, public_key, chain, root })
    }

    fn is_current(&self, platform: &Platform, at: Instant) -> bool {
        platform.registry().in_use(Form::Timestamp, at).is_some_and(|key| key.record.id() == self.key)
    }
}

impl Own {
    /// The certificate that tokens name.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.chain.first().expect("a chain begins with the authority's own certificate")
    }
}
