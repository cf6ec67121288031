//! The authority's own key and certificates, as the key process tells of them.

use std::sync::Arc;

use model::{Form, KeyId, PublicKey};
use pki::Certificate;
use signer::{Chain, Platform, State};

use crate::AuthorityError;

/// The active timestamp key with its certificates.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) key: KeyId,
    pub(crate) public_key: PublicKey,
    /// Its certificate and those above it, without the root.
    pub(crate) chain: Vec<Certificate>,
    /// The root that ends the chain, where the platform has it.
    pub(crate) root: Option<Certificate>,
}

impl Own {
    pub(crate) fn of(state: &State) -> Result<Self, AuthorityError> {
        let platform =
            Platform::replay(state).map_err(|source| AuthorityError::Platform(Arc::new(source)))?;
        let known = platform.registry().platform_key(Form::Timestamp).ok_or(AuthorityError::NoKey)?;
        let (key, public_key) = (known.record.id(), known.record.public_key.clone());
        let Chain { certificates: chain, root } = platform.chain(&key);
        if chain.is_empty() {
            return Err(AuthorityError::NoCertificate { key });
        }
        Ok(Self { key, public_key, chain, root })
    }

    /// The certificate that tokens name.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.chain.first().expect("a chain begins with the authority's own certificate")
    }
}
