//! The core of the key process: orders in, answers out, over a disk, key stores, a clock and a source of randomness.

use std::sync::Arc;
use std::time::Duration;

use keystore::{Key, Stores};
use model::journal::{Ending, Intent, Leaf, Outcome};
use model::{Algorithm, Clock, Digest, Disk, KeyId, PublicKey, told};
use signer::{Certified, Refusal, RefusalCode, State as Told};

use crate::anchor::Anchoring;
use crate::certificate::{self, Issued, Issuing};
use crate::continuity::{Continuity, Lost};
use crate::guard::{ClockGuard, Reading};
use crate::journal::{Journal, Made, Opened, Record, proof};
use crate::recall::GivenUp;
use crate::seats::Seats;
use crate::standing::refuse;
use crate::state::State;
use crate::{KeyProcessError, Random};

/// How long a segment of the journal is before it is left, beyond its snapshot.
pub const SEGMENT_BYTES: usize = 4 * 1024 * 1024;

/// Refused orders are written as one leaf in such a period, so that a stranger cannot fill a disk on which signing
/// depends.
const REFUSALS_PERIOD: Duration = Duration::from_secs(60);

/// What is past its time is looked for that often, where there is little room left.
const ROOM_PERIOD: Duration = Duration::from_secs(1);

/// What a key process is made of.
pub struct Parts {
    /// The folder of the journal.
    pub disk: Arc<dyn Disk>,
    /// Where the private keys are.
    pub keys: Stores,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness for serial numbers and the like; private keys have their own.
    pub random: Random,
    /// How long a segment of the journal is: [`SEGMENT_BYTES`], or less where a test wants to see many.
    pub segment_bytes: usize,
}

/// The key process without its sockets: one state machine, which many share. What it knows it has from the journal
/// alone, and it asks no key store for anything while somebody waits for it.
pub struct KeyProcess {
    pub(crate) keys: Stores,
    pub(crate) journal: Journal,
    pub(crate) clock: Arc<dyn Clock>,
    guard: ClockGuard,
    pub(crate) journal_key: Arc<dyn Key>,
    /// Who is at work in which key store.
    pub(crate) seats: Seats,
    /// What is not signed any more, since its server gave it up.
    pub(crate) given_up: GivenUp,
    refusals: Refusals,
    /// When it was last looked for what may be forgotten.
    made_room: Duration,
    /// Was the state restored from a backup?
    pub(crate) continuity: Continuity,
    /// What is known of the witnesses in this run.
    pub(crate) anchoring: Anchoring,
}

/// Orders that were refused and stand in no leaf yet.
struct Refusals {
    count: u64,
    written: Duration,
}

impl KeyProcess {
    /// Opens the journal, or begins one; a fresh random leaf marks the start.
    pub fn open(parts: Parts) -> Result<Self, KeyProcessError> {
        let Parts { disk, keys, clock, mut random, segment_bytes } = parts;
        let mut fresh = [0; 32];
        random(&mut fresh);
        let marked = Arc::clone(&disk);
        let journal = match Journal::open(Arc::clone(&disk), random, segment_bytes)? {
            Opened::Found(journal) => journal,
            Opened::Absent(random) => {
                // CRASH: a key without a journal is nobody's: the next start makes another.
                let key = keys.home().generate(Algorithm::Ed25519)?;
                Journal::begin(disk, random, segment_bytes, key)?
            }
        };
        let continuity = Continuity::read(marked.as_ref(), journal.state().registry.as_ref())?;
        let journal_key = keys.home().key(&journal.state().journal_key.id())?;
        let guard = ClockGuard::new(clock.now(), clock.boot(), journal.state().mark);
        let refusals = Refusals { count: 0, written: clock.boot() };
        let (made_room, seats, given_up) = (clock.boot(), Seats::default(), GivenUp::default());
        let mut process = Self {
            keys,
            journal,
            clock,
            guard,
            journal_key,
            seats,
            given_up,
            refusals,
            made_room,
            continuity,
            anchoring: Anchoring::default(),
        };
        let time = process.now().time;
        let start = Leaf::Start { sequence: process.journal.state().next(), time, random: fresh };
        process.journal.append(Record::Plain(start))?;
        process.journal.sync()?;
        Ok(process)
    }

    pub(crate) fn now(&mut self) -> Reading {
        self.guard.read(self.clock.now(), self.clock.boot(), self.journal.state().mark)
    }

    pub(crate) fn make_room(&mut self) {
        let boot = self.clock.boot();
        if boot.saturating_sub(self.made_room) >= ROOM_PERIOD {
            self.made_room = boot;
            self.journal.make_room();
        }
    }

    pub(crate) const fn count_refusal(&mut self) {
        self.refusals.count += 1;
    }

    pub(crate) fn add_up_refusals(&mut self, now: Reading) -> Result<(), KeyProcessError> {
        match self.clock.boot().saturating_sub(self.refusals.written) {
            passed if passed < REFUSALS_PERIOD => Ok(()),
            _ => self.write_refusals(now),
        }
    }

    fn write_refusals(&mut self, now: Reading) -> Result<(), KeyProcessError> {
        if self.refusals.count == 0 {
            return Ok(());
        }
        let sequence = self.journal.state().next();
        let leaf = Leaf::Refusals { sequence, time: now.time, count: self.refusals.count };
        self.refusals = Refusals { count: 0, written: self.clock.boot() };
        self.journal.append(Record::Plain(leaf))
    }

    /// Appends the outcome of an intent.
    pub(crate) fn end(&mut self, intent: &Intent, ending: Ending, made: Made) -> Result<(), KeyProcessError> {
        let outcome = Outcome { sequence: self.journal.state().next(), intent: intent.sequence, ending };
        self.journal.append(Record::Outcome { outcome, made })
    }

    /// The next certificate that a key of the registry lacks, its intent durable.
    pub(crate) fn next_certificate(&mut self) -> Result<Option<Issuing>, Refusal> {
        // INVARIANT: a state that was restored and not adopted issues none, nor one that no witness holds; its other
        // history may have, otherwise.
        if self.lost() == Lost::Something {
            return Ok(None);
        }
        let now = self.now();
        let Some(mut issuing) = certificate::next(&mut self.journal, &self.keys, now)? else {
            return Ok(None);
        };
        if let Some(step) = issuing.step.take() {
            let written = self.journal.append(step).and_then(|()| self.journal.sync());
            written.map_err(|error| journal_failed(&error))?;
        }
        Ok(Some(issuing))
    }

    /// Keeps a certificate that was signed.
    pub(crate) fn keep_certificate(&mut self, issued: Issued) -> Result<(), Refusal> {
        let Issued { intent, subject, signature, der } = issued;
        if self.journal.state().is_certified_by(&subject, &intent.key) {
            // Another entry called for the same one while the key store was at work. It has one, and keeps that.
            return Ok(());
        }
        let made = Made::Certificate { subject, issuer: intent.key, der };
        // CRASH: a certificate that is told and then lost would be issued again with other bytes; so it is durable
        // before anybody is told.
        let kept = self.end(&intent, Ending::Signed(Digest::of(&signature)), made);
        kept.and_then(|()| self.journal.sync()).map_err(|error| journal_failed(&error))
    }

    /// What the key process tells of itself.
    pub fn state(&self) -> Result<Told, Refusal> {
        self.journal.check_standing().map_err(|error| journal_failed(&error))?;
        let state = self.journal.state();
        Ok(Told {
            registry: state.entries.clone(),
            certificates: certified(state).collect(),
            journal: self.journal.durable(),
            journal_key: state.journal_key.spki().to_vec(),
            journal_checkpoint: self.journal_checkpoint()?,
            anchor: self.anchored(),
            ledger: state.ledger,
            checkpoints: state.heads.iter().map(|(origin, head)| (origin.clone(), *head)).collect(),
            stores: self.keys.names().cloned().collect(),
            tuf: state.tuf.told(),
        })
    }

    /// The journal's checkpoint over what is durable; empty before a platform is begun, which gives it its origin,
    /// and while a restored state waits to be adopted.
    fn journal_checkpoint(&self) -> Result<String, Refusal> {
        let registry = self.journal.state().registry.as_ref().filter(|_| self.continuity.is_settled());
        let origin = registry.and_then(|registry| registry.journal_origins().next_back());
        let checkpoint =
            |origin: String| proof::checkpoint(&origin, self.journal.durable(), self.journal_key.as_ref());
        origin.map_or(Ok(String::new()), checkpoint)
    }

    /// A clean stop: everything that is known becomes durable, and no order is taken any more.
    pub fn stop(&mut self) -> Result<(), KeyProcessError> {
        let now = self.now();
        let stopped = self.write_refusals(now).and_then(|()| self.journal.sync());
        self.journal.close();
        stopped
    }

    /// A stop that waits for nothing, as a crash would be.
    pub(crate) const fn abandon(&mut self) {
        self.journal.close();
    }

    /// The key of the journal's checkpoints.
    pub fn journal_key(&self) -> &PublicKey {
        &self.journal.state().journal_key
    }
}

/// The certificates of the platform's keys.
fn certified(state: &State) -> impl Iterator<Item = Certified> {
    state.certificates.iter().flat_map(|(key, certificates)| {
        let certified = |(issuer, der): (&KeyId, &Vec<u8>)| Certified {
            key: *key,
            issuer: *issuer,
            certificate: der.clone(),
        };
        certificates.iter().map(certified)
    })
}

pub(crate) fn journal_failed(error: &KeyProcessError) -> Refusal {
    refuse(RefusalCode::Journal, told(error))
}
