//! The way to the key process, on which replies get lost and behind which the process may have died.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use keystore::KeyStore;
use signer::{Answers, Orders, Signer, SignerError, State};
use signerd::{InProcess, KeyProcess, Parts};
use testkit::{CrashDisk, HandClock, Seeded};

use crate::founding::SEGMENT_BYTES;

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// It never arrives.
    Frame,
    /// The answer never arrives.
    Reply,
}

/// The key process, as the server reaches it. Clones reach the same.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Mutex<Line>>);

struct Line {
    disk: CrashDisk,
    keys: Arc<dyn KeyStore>,
    clock: Arc<HandClock>,
    process: Option<InProcess>,
    starts: u64,
    frames: u64,
    plan: BTreeMap<u64, Loss>,
    met: Vec<Loss>,
}

impl Transport {
    pub(crate) fn new(disk: CrashDisk, keys: Arc<dyn KeyStore>, clock: Arc<HandClock>, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Line {
            disk,
            keys,
            clock,
            process: None,
            starts: seed << 16,
            frames: 0,
            plan: BTreeMap::new(),
            met: Vec::new(),
        })))
    }

    /// Plans a loss for the `nth` frame from now.
    pub(crate) fn plan(&self, nth: u64, loss: Loss) {
        let mut line = self.line();
        let at = line.frames + nth;
        line.plan.insert(at, loss);
    }

    /// The losses that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Loss> {
        std::mem::take(&mut self.line().met)
    }

    /// Nothing gets lost any more.
    pub(crate) fn mend(&self) {
        self.line().plan.clear();
    }

    /// Kills the process; the disk keeps what was written, synced or not.
    pub(crate) fn kill(&self) {
        self.line().process = None;
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("nothing panics while it holds the line")
    }
}

impl Line {
    fn process(&mut self) -> Option<InProcess> {
        if self.disk.is_dark() {
            // Power came back before anybody looked.
            self.process = None;
            self.disk.switch_on();
        }
        if self.process.is_none() {
            self.starts += 1;
            let mut dice = Seeded::new(self.starts);
            let parts = Parts {
                disk: Arc::new(self.disk.clone()),
                keys: Arc::clone(&self.keys),
                clock: Arc::clone(&self.clock) as _,
                random: Box::new(move |bytes| dice.fill(bytes)),
                segment_bytes: SEGMENT_BYTES,
            };
            self.process = KeyProcess::open(parts).ok().map(InProcess::new);
        }
        self.process.clone()
    }
}

fn unreachable() -> SignerError {
    SignerError::Unreachable {
        socket: "signerd.sock".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    }
}

impl Signer for Transport {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        let mut line = self.line();
        let nth = line.frames;
        line.frames += 1;
        let loss = line.plan.get(&nth).copied();
        line.met.extend(loss);
        if loss == Some(Loss::Frame) {
            return Err(unreachable());
        }
        let process = line.process().ok_or_else(unreachable)?;
        let answers = process.order(orders);
        if line.disk.is_dark() || loss == Some(Loss::Reply) {
            return Err(unreachable());
        }
        answers
    }

    fn state(&self) -> Result<State, SignerError> {
        let mut line = self.line();
        let state = line.process().ok_or_else(unreachable)?.state();
        if line.disk.is_dark() { Err(unreachable()) } else { state }
    }
}
