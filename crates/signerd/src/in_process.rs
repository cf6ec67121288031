//! The key process within this one: for tests, the simulation, and nothing that ships.

use std::sync::Arc;

use signer::{
    AdminAnswer, AdminMessage, Answers, Orders, Signer, SignerError, State, WitnessAnswer, WitnessMessage,
};

use crate::shared::Shared;
use crate::{KeyProcess, KeyProcessError};

/// A [`KeyProcess`] behind [`Signer`], without sockets between. Clones share it, from as many threads as there are.
#[derive(Clone)]
pub struct InProcess {
    process: Arc<Shared>,
}

impl InProcess {
    /// Shares it. What a crash interrupted and nobody has to order again (certificates) is finished.
    pub fn new(process: KeyProcess) -> Self {
        let process = Shared::new(process);
        // Where the journal fails, whoever orders is told.
        let _ = process.catch_up();
        Self { process: Arc::new(process) }
    }

    /// What comes over the administrative socket otherwise.
    pub fn administer(&self, message: &AdminMessage) -> Result<AdminAnswer, SignerError> {
        Ok(self.process.administer(message))
    }

    /// What comes over the socket for witnessing otherwise.
    pub fn witness(&self, message: &WitnessMessage) -> WitnessAnswer {
        self.process.witness(message)
    }

    /// A clean stop. Dropping the last clone instead is like a crash.
    pub fn stop(&self) -> Result<(), KeyProcessError> {
        self.process.stop()
    }
}

impl Signer for InProcess {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        // What a process would do is to stop: nothing is known of these orders.
        self.process.order(orders).map_err(|_| SignerError::Stopped)
    }

    fn state(&self) -> Result<State, SignerError> {
        self.process.state().map_err(SignerError::Refused)
    }
}
