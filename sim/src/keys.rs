//! Private keys whose every use is held against what really happened, and which fail when a fault is planned.

use std::sync::{Arc, Mutex, MutexGuard};

use keystore::{Key, KeyStore, KeyStoreError, Signable, Stores};
use model::{Algorithm, Clock, KeyId, PublicKey};
use testkit::HandClock;

use crate::cells::{Cell, Fault, Step};
use crate::disk::JournalDisk;
use crate::module::Module;
use crate::plan::Plan;
use crate::stores::{self, Store};
use crate::truth::{Seen, Truth};

/// How long the DER of a signature is here: of an ECDSA signature over P-256, most are one byte shorter or longer. Only
/// where every one has the same length, a seed fills the journal's segments alike each time.
const ECDSA_BYTES: usize = 71;

/// The keys of a platform, watched.
#[derive(Clone)]
pub(crate) struct WatchedKeys {
    inner: stores::All,
    disk: JournalDisk,
    clock: Arc<HandClock>,
    truth: Truth,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    met: Vec<Cell>,
    module: Module,
    /// What happens while a key store is at work, if that is planned.
    meanwhile: Option<Meanwhile>,
    /// Did the intents of the batch at work stand in a snapshot alone, before something happened meanwhile?
    was_fresh: bool,
}

/// Something that happens while a key store is at work.
pub(crate) type Meanwhile = Box<dyn FnOnce() + Send>;

/// One of the stores, watched.
struct WatchedStore {
    inner: Arc<dyn KeyStore>,
    keys: WatchedKeys,
    store: Store,
}

struct WatchedKey {
    inner: Arc<dyn Key>,
    keys: WatchedKeys,
    store: Store,
    id: KeyId,
}

impl WatchedKeys {
    pub(crate) fn new(inner: stores::All, disk: JournalDisk, clock: Arc<HandClock>, truth: Truth) -> Self {
        Self { inner, disk, clock, truth, state: Arc::default() }
    }

    /// The stores, watched, as a key process holds them.
    pub(crate) fn stores(&self) -> Stores {
        self.state().module.restart();
        let store = |store: Store| -> Arc<dyn KeyStore> {
            Arc::new(WatchedStore { inner: Arc::clone(&self.inner[&store]), keys: self.clone(), store })
        };
        let name = |store: Store| store.word().parse().expect("a word is a name");
        let others = Store::ALL.into_iter().filter(|store| *store != Store::Software);
        others.fold(Stores::new(store(Store::Software)), |stores, one| stores.with(name(one), store(one)))
    }

    /// Plans a fault for a use of a key in a store.
    pub(crate) fn plan(&self, store: Store, after: u64, fault: Fault) {
        self.state().plan.add(Step::Lane(store), after, fault);
    }

    /// Plans a fault for a use of the module.
    pub(crate) fn plan_in_the_module(&self, after: u64, fault: Fault) {
        self.state().plan.add(Step::Module, after, fault);
    }

    /// What happens while a key store is at work, where that is planned, until the next word.
    pub(crate) fn meanwhile(&self, meanwhile: Option<Meanwhile>) {
        let mut state = self.state();
        (state.meanwhile, state.was_fresh) = (meanwhile, false);
    }

    /// The faults that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Cell> {
        std::mem::take(&mut self.state().met)
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        let mut state = self.state();
        (state.plan, state.module) = (Plan::default(), Module::default());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the plan")
    }

    fn meet(&self, store: Store) -> Option<Fault> {
        let mut state = self.state();
        let fault = state.plan.meet(Step::Lane(store))?;
        state.met.push((Step::Lane(store), fault));
        Some(fault)
    }

    /// Is the module there, where a store has one?
    fn reach(&self, store: Store) -> Result<(), KeyStoreError> {
        if store == Store::Token { self.state().module.stand(&self.clock) } else { Ok(()) }
    }

    /// Does the module fail, where a store has one, when it has signed?
    fn answer(&self, store: Store) -> Result<(), KeyStoreError> {
        let mut state = self.state();
        let fault = if store == Store::Token { state.plan.meet(Step::Module) } else { None };
        let Some(fault) = fault else { return Ok(()) };
        state.met.push((Step::Module, fault));
        Err(state.module.fail(fault, &self.clock))
    }

    fn overtake(&self) {
        // It is called without the lock: it uses keys itself.
        let meanwhile = self.state().meanwhile.take();
        let fresh = self.disk.is_fresh();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
            self.state().was_fresh = fresh;
        }
    }
}

impl KeyStore for WatchedStore {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        self.inner.generate(algorithm)
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        self.keys.reach(self.store)?;
        let inner = self.inner.key(id)?;
        Ok(Arc::new(WatchedKey { inner, keys: self.keys.clone(), store: self.store, id: *id }))
    }
}

impl Key for WatchedKey {
    fn public(&self) -> &PublicKey {
        self.inner.public()
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        self.keys.reach(self.store)?;
        let (disk, now) = (&self.keys.disk, self.keys.clock.now());
        let fresh = disk.is_fresh() || self.keys.state().was_fresh;
        let seen = Seen { now, is_durable: &|digest| disk.is_durable(digest.as_bytes()), fresh };
        self.keys.truth.used(&self.id, what, &seen);
        let signature = sign_alike(&*self.inner, what);
        if !self.keys.truth.knows(&self.id) {
            return signature;
        }
        self.keys.answer(self.store)?;
        match self.keys.meet(self.store) {
            Some(Fault::KeyStoreError) => Err(KeyStoreError::Library { action: "sign" }),
            Some(Fault::Overtaken) => {
                self.keys.overtake();
                signature
            }
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
