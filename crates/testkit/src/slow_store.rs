//! A key store that signs when it is let.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use keystore::{Key, KeyStore, KeyStoreError, Signable};
use model::{Algorithm, KeyId, PublicKey};

/// A [`KeyStore`] whose keys wait for the test before they sign, where it says so. Clones are the same store.
#[derive(Clone)]
pub struct SlowStore {
    inner: Arc<dyn KeyStore>,
    desk: Arc<Desk>,
    at_once: NonZeroUsize,
}

/// As long as it is there, uses of a key wait. A test that fails lets them go on, too.
#[must_use = "who drops it lets all go on"]
pub struct Hold {
    desk: Arc<Desk>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        *self.desk.state() = State::default();
        self.desk.moved.notify_all();
    }
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    /// How many uses of a key wait at this moment.
    waiting: usize,
    /// How many of those to come shall wait.
    holding: usize,
}

struct SlowKey {
    inner: Arc<dyn Key>,
    desk: Arc<Desk>,
}

impl SlowStore {
    /// The keys of another store, which are not slow yet.
    pub fn new(inner: Arc<dyn KeyStore>) -> Self {
        Self { inner, desk: Arc::default(), at_once: NonZeroUsize::MIN }
    }

    /// The same store, of whose keys so many get on at once.
    #[must_use]
    pub fn at_once(self, at_once: NonZeroUsize) -> Self {
        Self { at_once, ..self }
    }

    /// The next uses of a key wait, so many of them, until what is returned is dropped.
    pub fn hold(&self, uses: usize) -> Hold {
        self.desk.state().holding = uses;
        Hold { desk: Arc::clone(&self.desk) }
    }

    /// Returns once so many uses wait.
    pub fn await_waiting(&self, uses: usize) {
        self.desk.wait_while(|state| state.waiting < uses);
    }
}

impl Desk {
    fn pass(&self) {
        let mut state = self.state();
        if state.holding == 0 {
            return;
        }
        state.holding -= 1;
        state.waiting += 1;
        drop(state);
        self.moved.notify_all();
        self.wait_while(|state| state.waiting > 0);
    }

    fn wait_while(&self, holds: impl Fn(&State) -> bool) {
        let mut state = self.state();
        while holds(&state) {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for SlowStore {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        self.inner.generate(algorithm)
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        Ok(Arc::new(SlowKey { inner: self.inner.key(id)?, desk: Arc::clone(&self.desk) }))
    }

    fn at_once(&self) -> NonZeroUsize {
        self.at_once
    }
}

impl Key for SlowKey {
    fn public(&self) -> &PublicKey {
        self.inner.public()
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        self.desk.pass();
        self.inner.sign(what)
    }
}
