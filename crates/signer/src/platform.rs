//! The platform as the key process tells of it: the registry replayed, the certificates of its keys read.

use std::collections::BTreeMap;

use model::{Form, KeyId};
use pki::{Certificate, CertificateError};
use quorum::{Registry, RegistryError};

use crate::State;

/// Certificates above a key's own that are followed.
const CHAIN_MAX: usize = 8;

/// The registry, replayed from its genesis, with the certificates of the platform's keys.
#[derive(Debug, Clone)]
pub struct Platform {
    registry: Registry,
    certificates: BTreeMap<KeyId, Certificate>,
}

/// A key's certificate and what vouches for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Its own and those above it, without the root; empty for a key that has none, and for a root.
    pub certificates: Vec<Certificate>,
    /// The root that ends it, where the platform has it.
    pub root: Option<Certificate>,
}

/// Why what the key process tells cannot be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// A chain of entries that does not hold together.
    #[error("the registry that the key process shows does not replay")]
    Registry(#[from] RegistryError),
    /// A certificate that cannot be read.
    #[error("the certificate of key `{key}` cannot be read")]
    Certificate {
        /// The key.
        key: KeyId,
        /// Why.
        #[source]
        source: CertificateError,
    },
}

impl State {
    /// Replays the registry from its genesis: whoever is told of it counts for themselves.
    pub fn replay(&self) -> Result<Registry, RegistryError> {
        Registry::replay(self.registry.iter().map(Vec::as_slice))
    }
}

impl Platform {
    /// Replays what the key process tells.
    pub fn replay(state: &State) -> Result<Self, PlatformError> {
        let registry = state.replay()?;
        let mut certificates = BTreeMap::new();
        for certified in &state.certificates {
            let key = certified.key;
            let read = Certificate::from_der(&certified.certificate)
                .map_err(|source| PlatformError::Certificate { key, source })?;
            certificates.insert(key, read);
        }
        Ok(Self { registry, certificates })
    }

    /// The registry.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The certificates at which the paths of the platform's keys end. Those of holders of ID tokens end elsewhere.
    pub fn roots(&self) -> impl Iterator<Item = &Certificate> {
        let authorities = self.registry.keys().filter(|key| key.record.form == Form::Ca);
        authorities.filter_map(|key| self.certificates.get(&key.record.id()))
    }

    /// A key's own certificate.
    pub fn certificate(&self, key: &KeyId) -> Option<&Certificate> {
        self.certificates.get(key)
    }

    /// A key's certificate and those above it.
    pub fn chain(&self, key: &KeyId) -> Chain {
        let mut chain = Chain::default();
        let mut next = self.certificates.get(key);
        while let Some(certificate) = next.filter(|_| chain.certificates.len() < CHAIN_MAX) {
            if certificate.is_self_issued() {
                let is_above = !chain.certificates.is_empty();
                chain.root = is_above.then(|| certificate.clone());
                break;
            }
            chain.certificates.push(certificate.clone());
            next = self.issuer(certificate);
        }
        chain
    }

    fn issuer(&self, certificate: &Certificate) -> Option<&Certificate> {
        let named = certificate.issuer_der();
        let mut above = self.certificates.values().filter(|above| above.subject_der() == named);
        above.find(|above| certificate.verify_signature_by(above).is_ok())
    }
}
