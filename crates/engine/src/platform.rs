//! The platform as the key process tells of it, with each key beside its certificates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Clock, Form, Instant, KeyId, Space};
use pki::Certificate;
use quorum::{Key, KeyRecord, Registry};
use signer::Signer;

use crate::SubmitError;

/// How long a replay is believed without asking again. The key process counts for itself, so that an old one can
/// at worst send it an order that it refuses.
const AGE_MAX: Duration = Duration::from_secs(1);

/// What the key process told, with each key beside its certificates.
#[derive(Debug)]
pub(crate) struct Platform {
    told: signer::Platform,
    keys: BTreeMap<KeyId, Arc<PlatformKey>>,
    roots: Vec<Certificate>,
}

/// A key, with all that composing and checking its signatures takes.
#[derive(Debug)]
pub(crate) struct PlatformKey {
    pub(crate) key: Key,
    /// What may stand above it, the newest first; none for forms without certificates.
    chains: Vec<KeyChain>,
}

/// A key's certificate and those above it without the root; empty for forms that have none.
pub(crate) type KeyChain = Arc<[Certificate]>;

/// Why what the key process tells cannot be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Entries that do not hold together, or a certificate that cannot be read.
    #[error(transparent)]
    Told(#[from] signer::PlatformError),
    /// No key of a form that the platform itself needs.
    #[error("the registry has no active `{form}` key: add one")]
    NoKey {
        /// The form.
        form: Form,
    },
}

impl PlatformKey {
    pub(crate) const fn record(&self) -> &KeyRecord {
        &self.key.record
    }

    /// What may stand above what it signs: of several, the key process says which.
    pub(crate) fn chains(&self) -> impl Iterator<Item = KeyChain> {
        let bare = self.chains.is_empty().then(|| KeyChain::from([]));
        self.chains.iter().cloned().chain(bare)
    }

    /// Its newest certificate.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.chains.first()?.first()
    }
}

impl Platform {
    /// Replays what the key process tells.
    pub(crate) fn replay(state: &signer::State) -> Result<Self, PlatformError> {
        let told = signer::Platform::replay(state)?;
        let keys = told.registry().keys().map(|key| {
            let id = key.record.id();
            let chains = told.chains(&id).into_iter().map(|chain| chain.certificates.into()).collect();
            (id, Arc::new(PlatformKey { key: key.clone(), chains }))
        });
        let (keys, roots) = (keys.collect(), told.roots().cloned().collect());
        Ok(Self { told, keys, roots })
    }

    /// The certificates at which the paths of the platform's keys end.
    pub(crate) fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    pub(crate) const fn registry(&self) -> &Registry {
        self.told.registry()
    }

    /// What stands above a key at `at`.
    pub(crate) fn chain_at(&self, key: &KeyId, at: Instant) -> Vec<Certificate> {
        self.told.chain_at(key, at).map(|chain| chain.certificates).unwrap_or_default()
    }

    /// A key by its id.
    pub(crate) fn key(&self, key: &KeyId) -> Option<&Arc<PlatformKey>> {
        self.keys.get(key)
    }

    /// The newest active generation under a name.
    pub(crate) fn active(&self, name: &Space) -> Option<&Arc<PlatformKey>> {
        self.keys.get(&self.registry().active_key(name)?.record.id())
    }

    /// A generation of a key, whatever its state.
    pub(crate) fn named(&self, name: &Space, generation: u32) -> Option<&Arc<PlatformKey>> {
        self.keys.get(&self.registry().key_named(name, generation)?.record.id())
    }

    /// The key of a form that only the platform itself has, in use at `at`.
    pub(crate) fn own(&self, form: Form, at: Instant) -> Result<&Arc<PlatformKey>, PlatformError> {
        let key = self.registry().in_use(form, at).and_then(|key| self.keys.get(&key.record.id()));
        key.ok_or(PlatformError::NoKey { form })
    }
}

/// Asks the key process for its state, and keeps the replay for a moment.
pub(crate) struct PlatformCache {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    asked: Duration,
    state: signer::State,
    platform: Arc<Platform>,
}

impl PlatformCache {
    pub(crate) fn new(signer: Arc<dyn Signer>, clock: Arc<dyn Clock>) -> Self {
        Self { signer, clock, kept: Mutex::new(None) }
    }

    /// The platform, at most [`AGE_MAX`] old.
    pub(crate) fn current(&self) -> Result<Arc<Platform>, SubmitError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.boot();
        if let Some(kept) = kept.as_ref().filter(|kept| now.saturating_sub(kept.asked) < AGE_MAX) {
            return Ok(Arc::clone(&kept.platform));
        }
        drop(kept);
        self.refreshed()
    }

    /// The platform as it is now: asked again, and replayed again if anything but the journal moved.
    pub(crate) fn refreshed(&self) -> Result<Arc<Platform>, SubmitError> {
        let asked = self.clock.boot();
        let state = self
            .signer
            .state()
            .map_err(|source| SubmitError::unavailable("the key process", Arc::new(source)))?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let platform = match kept.as_ref().filter(|kept| is_same(&kept.state, &state)) {
            Some(kept) => Arc::clone(&kept.platform),
            None => Arc::new(
                Platform::replay(&state)
                    .map_err(|source| SubmitError::unavailable("the key process", Arc::new(source)))?,
            ),
        };
        *kept = Some(Kept { asked, state, platform: Arc::clone(&platform) });
        Ok(platform)
    }
}

fn is_same(a: &signer::State, b: &signer::State) -> bool {
    a.registry == b.registry && a.certificates == b.certificates
}
