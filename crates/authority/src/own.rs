//! The authority's own key and certificates, as the key process tells of them.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Form, KeyId, PublicKey};
use pki::Certificate;
use quorum::Registry;
use signer::State;

use crate::AuthorityError;

/// Certificates above the authority's own that are followed.
const CHAIN_MAX: usize = 8;

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
        let entries = state.registry.iter().map(Vec::as_slice);
        let registry =
            Registry::replay(entries).map_err(|source| AuthorityError::Registry(Arc::new(source)))?;
        let record = &registry.platform_key(Form::Timestamp).ok_or(AuthorityError::NoKey)?.record;
        let key = record.id();
        let mut certificates = HashMap::new();
        for certified in &state.certificates {
            let read = Certificate::from_der(&certified.certificate).map_err(|source| {
                AuthorityError::NoCertificate { key: certified.key, source: Some(Arc::new(source)) }
            })?;
            certificates.insert(certified.key, read);
        }
        let leaf = certificates.get(&key).ok_or(AuthorityError::NoCertificate { key, source: None })?;
        let (chain, root) = chain(leaf, &certificates);
        Ok(Self { key, public_key: record.public_key.clone(), chain, root })
    }

    /// The certificate that tokens name.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.chain.first().expect("a chain begins with the authority's own certificate")
    }
}

fn chain(leaf: &Certificate, known: &HashMap<KeyId, Certificate>) -> (Vec<Certificate>, Option<Certificate>) {
    let mut chain = vec![leaf.clone()];
    while let Some(last) = chain.last().filter(|_| chain.len() < CHAIN_MAX) {
        let issuer = known.values().find(|issuer| last.verify_signature_by(issuer).is_ok()).cloned();
        match issuer {
            Some(issuer) if issuer.is_self_issued() => return (chain, Some(issuer)),
            Some(issuer) => chain.push(issuer),
            None => break,
        }
    }
    (chain, None)
}
