//! The platform as the key process tells of it: the registry replayed, the certificates of its keys read.

use std::collections::BTreeMap;

use model::{Form, Instant, KeyId};
use pki::{Certificate, CertificateError};
use quorum::{Registry, RegistryError};

use crate::{Certified, State};

/// The registry, replayed from its genesis, with the certificates of the platform's keys.
#[derive(Debug, Clone)]
pub struct Platform {
    registry: Registry,
    /// By the keys that they are for, and those that certified them.
    certificates: BTreeMap<KeyId, BTreeMap<KeyId, Certificate>>,
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
        let mut certificates: BTreeMap<KeyId, BTreeMap<KeyId, Certificate>> = BTreeMap::new();
        for Certified { key, issuer, certificate } in &state.certificates {
            // What keys of OpenPGP say of themselves stands above nothing.
            if registry.key(key).is_some_and(|known| known.record.form == Form::OpenPgp) {
                continue;
            }
            let read = Certificate::from_der(certificate)
                .map_err(|source| PlatformError::Certificate { key: *key, source })?;
            certificates.entry(*key).or_default().insert(*issuer, read);
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
        authorities.filter_map(|key| self.own(&key.record.id()))
    }

    /// The certificate by which a key stands for itself, of an authority.
    pub fn own(&self, key: &KeyId) -> Option<&Certificate> {
        self.certificates.get(key)?.get(key)
    }

    /// All certificates of the platform's keys.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.certificates.values().flat_map(BTreeMap::values)
    }

    /// What may stand above a key: one chain for each authority that certified it, the newest first; none for a key without
    /// certificates.
    pub fn chains(&self, key: &KeyId) -> Vec<Chain> {
        let certificates = self.certificates.get(key).into_iter().flatten();
        let place = |issuer: &KeyId| self.registry.key(issuer).map(|issuer| issuer.place);
        let mut chains: Vec<(Option<usize>, Chain)> =
            certificates.map(|(issuer, one)| (place(issuer), self.chain(key, issuer, one))).collect();
        chains.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        chains.into_iter().map(|(_, chain)| chain).collect()
    }

    /// What stands above a key at `at`: its certificate by the authority that is in use.
    pub fn chain_at(&self, key: &KeyId, at: Instant) -> Option<Chain> {
        let certificates = self.certificates.get(key)?;
        let issuer = self.issuer_at(key, at)?;
        certificates.get(&issuer).map(|certificate| self.chain(key, &issuer, certificate))
    }

    /// By whose certificate a key is shown at `at`.
    pub fn issuer_at(&self, key: &KeyId, at: Instant) -> Option<KeyId> {
        let certificates = self.certificates.get(key)?;
        // An authority that is to take over stands for itself before its time, too.
        let by_itself = certificates.contains_key(key).then_some(*key);
        by_itself.or_else(|| Some(self.registry.in_use_of(certificates.keys(), at)?.record.id()))
    }

    /// A key's certificate by this authority. No authority stands above another.
    fn chain(&self, key: &KeyId, issuer: &KeyId, certificate: &Certificate) -> Chain {
        if key == issuer {
            return Chain::default();
        }
        Chain { certificates: vec![certificate.clone()], root: self.own(issuer).cloned() }
    }
}
