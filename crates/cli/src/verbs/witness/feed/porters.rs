//! Who goes to the witnesses: for each a thread of its own, so that one that is slow, or out of reach, holds up no other.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::journal;
use super::log::{self, LogErrand};
use super::way::Way;
use crate::failure::Failure;
use signer::Offer;

/// How long nobody goes to a witness after that was in vain.
const REST: Duration = Duration::from_secs(2);

/// What is brought to a witness.
#[derive(Debug, Clone)]
pub(super) enum Errand {
    /// A checkpoint of the journal.
    Journal(Offer),
    /// One of the log.
    Log(LogErrand),
}

/// What came back.
pub(super) struct Brought {
    /// From which witness.
    pub(super) witness: String,
    /// What it said.
    pub(super) said: Result<Said, Failure>,
}

/// What a witness said.
pub(super) enum Said {
    /// A checkpoint of the journal that it cosigned: the one that it was brought, or another that it knows.
    Journal(String),
    /// It cosigned that checkpoint of the log: the note, with its lines.
    Log {
        /// What it was brought.
        errand: LogErrand,
        /// The lines of its cosignatures.
        lines: String,
    },
}

/// All of them.
pub(super) struct Porters {
    porters: BTreeMap<String, Porter>,
    brought: Receiver<Brought>,
}

struct Porter {
    errands: Sender<Errand>,
    standing: Standing,
}

enum Standing {
    Ready,
    Away,
    Rests { until: Instant },
}

impl Porters {
    /// One for each of these ways.
    pub(super) fn start(ways: BTreeMap<String, Way>) -> Self {
        let (done, brought) = channel();
        let porter = |(name, way): (String, Way)| {
            let (errands, waiting) = channel();
            let (done, witness) = (done.clone(), name.clone());
            // It ends with the channel.
            thread::spawn(move || carry(&witness, &way, &waiting, &done));
            (name, Porter { errands, standing: Standing::Ready })
        };
        Self { porters: ways.into_iter().map(porter).collect(), brought }
    }

    /// Is there a way to this witness?
    pub(super) fn know(&self, witness: &str) -> bool {
        self.porters.contains_key(witness)
    }

    /// Sends somebody, if nobody is on that way and the last was not in vain just now.
    pub(super) fn send(&mut self, witness: &str, errand: Errand) -> bool {
        let Some(porter) = self.porters.get_mut(witness) else { return false };
        let is_ready = match porter.standing {
            Standing::Ready => true,
            Standing::Away => false,
            Standing::Rests { until } => until <= Instant::now(),
        };
        let sent = is_ready && porter.errands.send(errand).is_ok();
        if sent {
            porter.standing = Standing::Away;
        }
        sent
    }

    /// Is somebody on the way?
    pub(super) fn are_away(&self) -> bool {
        self.porters.values().any(|porter| matches!(porter.standing, Standing::Away))
    }

    /// What comes back next; `None`, where nothing does in this time.
    pub(super) fn next(&mut self, patience: Duration) -> Option<Brought> {
        match self.brought.recv_timeout(patience) {
            Ok(brought) => {
                if let Some(porter) = self.porters.get_mut(&brought.witness) {
                    porter.standing = match brought.said {
                        Ok(_) => Standing::Ready,
                        Err(_) => Standing::Rests { until: Instant::now() + REST },
                    };
                }
                Some(brought)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(patience);
                None
            }
        }
    }
}

fn carry(witness: &str, way: &Way, waiting: &Receiver<Errand>, done: &Sender<Brought>) {
    // Where it stood last, for each log.
    let mut stands = BTreeMap::new();
    while let Ok(errand) = waiting.recv() {
        let said = match errand {
            Errand::Journal(offer) => journal::bring(&offer, way).map(Said::Journal),
            Errand::Log(errand) => {
                let lines = log::bring(&errand, witness, way, &mut stands);
                lines.map(|lines| Said::Log { errand, lines })
            }
        };
        if done.send(Brought { witness: witness.to_owned(), said }).is_err() {
            return;
        }
    }
}
