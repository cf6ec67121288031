//! Private keys whose every use is held against what really happened, and which fail when a fault is planned.

use std::sync::{Arc, Mutex, MutexGuard};

use keystore::{Key, KeyStore, KeyStoreError, Signable};
use model::{Algorithm, Clock, KeyId, PublicKey};
use testkit::HandClock;

use crate::cells::{Cell, Fault, Step};
use crate::disk::JournalDisk;
use crate::plan::Plan;
use crate::truth::{Seen, Truth};

/// How long the DER of a signature is here: of an ECDSA signature over P-256, most are one byte shorter or longer. Only
/// where every one has the same length, a seed fills the journal's segments alike each time.
const ECDSA_BYTES: usize = 71;

/// The keys of a platform, watched.
#[derive(Clone)]
pub(crate) struct WatchedKeys {
    inner: Arc<dyn KeyStore>,
    disk: JournalDisk,
    clock: Arc<HandClock>,
    truth: Truth,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    met: Vec<Cell>,
}

struct WatchedKey {
    inner: Arc<dyn Key>,
    store: WatchedKeys,
    id: KeyId,
}

impl WatchedKeys {
    pub(crate) fn new(
        inner: Arc<dyn KeyStore>,
        disk: JournalDisk,
        clock: Arc<HandClock>,
        truth: Truth,
    ) -> Self {
        Self { inner, disk, clock, truth, state: Arc::default() }
    }

    /// Plans a fault for a use of a key.
    pub(crate) fn plan(&self, after: u64, fault: Fault) {
        self.state().plan.add(Step::PrivateKey, after, fault);
    }

    /// The faults that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Cell> {
        std::mem::take(&mut self.state().met)
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        self.state().plan = Plan::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the plan")
    }

    fn meet(&self) -> Option<Fault> {
        let mut state = self.state();
        let fault = state.plan.meet(Step::PrivateKey)?;
        state.met.push((Step::PrivateKey, fault));
        Some(fault)
    }
}

impl KeyStore for WatchedKeys {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        self.inner.generate(algorithm)
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        let inner = self.inner.key(id)?;
        Ok(Arc::new(WatchedKey { inner, store: self.clone(), id: *id }))
    }
}

impl Key for WatchedKey {
    fn public(&self) -> &PublicKey {
        self.inner.public()
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        let (disk, now) = (&self.store.disk, self.store.clock.now());
        let seen =
            Seen { now, is_durable: &|digest| disk.is_durable(digest.as_bytes()), fresh: disk.is_fresh() };
        self.store.truth.used(&self.id, what, &seen);
        let signature = sign_alike(&*self.inner, what);
        if !self.store.truth.knows(&self.id) {
            return signature;
        }
        match self.store.meet() {
            Some(Fault::KeyStoreError) => Err(KeyStoreError::Library { action: "sign" }),
            Some(_) => signature.map(spoil),
            None => signature,
        }
    }
}

/// Signs until the signature has the length that all have here.
fn sign_alike(key: &dyn Key, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
    loop {
        let signature = key.sign(what)?;
        if key.public().algorithm() != Algorithm::EcdsaP256 || signature.len() == ECDSA_BYTES {
            return Ok(signature);
        }
    }
}

/// One bit is another.
fn spoil(mut signature: Vec<u8>) -> Vec<u8> {
    if let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    signature
}
