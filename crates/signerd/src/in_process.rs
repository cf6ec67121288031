//! The key process within this one: for tests, the simulation, and nothing that ships.

use std::sync::{Arc, Mutex, MutexGuard};

use signer::{AdminAnswer, AdminMessage, Answers, Orders, Signer, SignerError, State};

use crate::{KeyProcess, KeyProcessError};

/// A [`KeyProcess`] behind [`Signer`], without sockets between. Clones share it.
#[derive(Clone)]
pub struct InProcess {
    process: Arc<Mutex<KeyProcess>>,
}

impl InProcess {
    /// Puts a lock around it.
    pub fn new(process: KeyProcess) -> Self {
        Self { process: Arc::new(Mutex::new(process)) }
    }

    /// What comes over the administrative socket otherwise.
    pub fn administer(&self, message: &AdminMessage) -> Result<AdminAnswer, SignerError> {
        Ok(self.lock()?.administer(message))
    }

    /// A clean stop. Dropping the last clone instead is like a crash.
    pub fn stop(&self) -> Result<(), KeyProcessError> {
        self.process.lock().map_err(|_| KeyProcessError::Stopped)?.stop()
    }

    fn lock(&self) -> Result<MutexGuard<'_, KeyProcess>, SignerError> {
        // Whatever panicked in there left a state that nobody knows: as a process, it would be gone.
        self.process.lock().map_err(|_| SignerError::Stopped)
    }
}

impl Signer for InProcess {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        // What a process would do is to stop: nothing is known of these orders.
        self.lock()?.order(orders).map_err(|_| SignerError::Stopped)
    }

    fn state(&self) -> Result<State, SignerError> {
        self.lock()?.state().map_err(SignerError::Refused)
    }
}
