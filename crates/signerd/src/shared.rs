//! A key process that several threads share.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard};

use keystore::Stores;
use signer::{
    AdminAnswer, AdminMessage, Anchor, Answers, Orders, Refusal, RefusalCode, State, WitnessAnswer,
    WitnessMessage,
};

use crate::gate::{Gate, Pass};
use crate::process::{KeyProcess, journal_failed};
use crate::{KeyProcessError, admin};

/// A key process that several threads share. Each waits for the journal in its turn, and for a key store only when it
/// uses that one itself: no lock is held while a key store is at work.
pub(crate) struct Shared {
    // A lock alone lets whoever has just had it take it again; through the gate they come in their order, so that a
    // lane that orders without a pause holds up no other.
    gate: Gate,
    process: Mutex<KeyProcess>,
    stores: Stores,
}

/// The process, while a thread has it.
struct Held<'a> {
    // Dropped in this order.
    process: MutexGuard<'a, KeyProcess>,
    _pass: Pass<'a>,
}

impl Deref for Held<'_> {
    type Target = KeyProcess;

    fn deref(&self) -> &KeyProcess {
        &self.process
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut KeyProcess {
        &mut self.process
    }
}

impl Shared {
    pub(crate) fn new(process: KeyProcess) -> Self {
        let stores = process.keys.clone();
        Self { gate: Gate::new(1), process: Mutex::new(process), stores }
    }

    /// Answers a batch of orders, each for itself. An error says that nothing is known of any of them.
    pub(crate) fn order(&self, orders: &Orders) -> Result<Answers, KeyProcessError> {
        let batch = self.held()?.prepare(orders)?;
        let tried = batch.sign();
        self.held()?.conclude(tried)
    }

    /// Answers an administrative message.
    pub(crate) fn administer(&self, message: &AdminMessage) -> AdminAnswer {
        let answer = match message {
            AdminMessage::Begin { entry } => self.entered(|process| process.begin(entry)),
            AdminMessage::Generate { store, algorithm } => admin::generate(&self.stores, store, *algorithm),
            AdminMessage::Append { entry } => self.append(entry),
        };
        answer.unwrap_or_else(AdminAnswer::Refused)
    }

    /// Answers whoever goes between this process and the witnesses.
    pub(crate) fn witness(&self, message: &WitnessMessage) -> WitnessAnswer {
        let answer = self.entered(|process| process.witness(message));
        // Certificates that had to wait until the journal was held are issued now.
        if matches!(answer, Ok(WitnessAnswer::Anchored(Anchor::Held { .. }))) {
            let _told_to_whoever_orders_next = self.catch_up();
        }
        answer.unwrap_or_else(WitnessAnswer::Refused)
    }

    /// Takes the next entry, and issues the certificates that it calls for.
    fn append(&self, entry: &[u8]) -> Result<AdminAnswer, Refusal> {
        let opened = admin::open_keys(&self.stores, entry)?;
        let answer = self.entered(|process| process.append(entry, &opened))?;
        // CRASH: the entry stands; certificates that are missing are issued at the next start.
        self.catch_up().map_err(|error| journal_failed(&error))?;
        Ok(answer)
    }

    /// Issues the certificates that keys of the registry lack. A clock that is not believed, a key store that fails, or
    /// a state that waits to be adopted puts them off until the next entry or the next start.
    pub(crate) fn catch_up(&self) -> Result<(), KeyProcessError> {
        match self.issue_certificates() {
            Err(refusal) if refusal.code == RefusalCode::Journal => Err(KeyProcessError::Stopped),
            _ => Ok(()),
        }
    }

    fn issue_certificates(&self) -> Result<(), Refusal> {
        while let Some(issuing) = self.entered(KeyProcess::next_certificate)? {
            let issued = issuing.sign()?;
            self.entered(|process| process.keep_certificate(issued))?;
        }
        Ok(())
    }

    /// What the key process tells of itself.
    pub(crate) fn state(&self) -> Result<State, Refusal> {
        self.entered(|process| process.state())
    }

    /// A clean stop: everything that is known becomes durable, and no order is taken any more. Nobody waits for a key
    /// store that is at work: what it signs then is dropped, and the same order gives the same bytes after a start.
    pub(crate) fn stop(&self) -> Result<(), KeyProcessError> {
        self.held()?.stop()
    }

    /// A stop that waits for nothing, as a crash would be.
    pub(crate) fn abandon(&self) {
        if let Ok(mut process) = self.held() {
            process.abandon();
        }
    }

    fn entered<T>(&self, call: impl FnOnce(&mut KeyProcess) -> Result<T, Refusal>) -> Result<T, Refusal> {
        call(&mut *self.held().map_err(|error| journal_failed(&error))?)
    }

    fn held(&self) -> Result<Held<'_>, KeyProcessError> {
        let pass = self.gate.enter(1);
        // Whatever panicked while it held the lock left a state that nobody knows. Only a new start helps.
        let process = self.process.lock().map_err(|_| KeyProcessError::Stopped)?;
        Ok(Held { process, _pass: pass })
    }
}
