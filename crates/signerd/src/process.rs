//! The core of the key process: orders in, answers out, over a disk, key stores, a clock and a source of randomness.

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use envelope::ToBeSigned;
use keystore::{Key as PrivateKey, Signable, Stores};
use model::journal::{Ending, Intent, Leaf, Outcome};
use model::{Algorithm, Clock, Digest, Disk, KeyId, PublicKey, merkle, told};
use signer::{Answer, Answers, Certified, Head, Order, Orders, Refusal, RefusalCode, Signed, State as Told};

use crate::certificate::Issuing;
use crate::continuity::Continuity;
use crate::guard::{ClockGuard, Reading};
use crate::journal::proof::{self, Place};
use crate::journal::{Journal, Made, Opened, Record, Work};
use crate::standing::refuse;
use crate::state::Signing;
use crate::{KeyProcessError, Random, certificate, checkpoint, code, timestamp};

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

/// The key process without its sockets.
///
/// It is one state machine: whoever shares it between threads puts a lock around it.
pub struct KeyProcess {
    pub(crate) keys: Stores,
    pub(crate) journal: Journal,
    clock: Arc<dyn Clock>,
    guard: ClockGuard,
    journal_signer: Arc<dyn PrivateKey>,
    refusals: Refusals,
    /// When it was last looked for what may be forgotten.
    made_room: Duration,
    /// Was the state restored from a backup?
    pub(crate) continuity: Continuity,
}

/// Orders that were refused and stand in no leaf yet.
struct Refusals {
    count: u64,
    written: Duration,
}

/// How far an order came before anything was written.
pub(crate) enum Prepared {
    /// It was signed before: this is the same signature.
    Kept(Intent, Vec<u8>),
    /// A new intent, which stands where it is put into the journal.
    Intended(Work, Intended),
    /// An intent that is in the journal and has no signature.
    Resumed(Intended),
}

/// A signature that may be made once its intent is durable.
pub(crate) struct Intended {
    pub(crate) intent: Intent,
    pub(crate) to_be_signed: ToBeSigned,
    pub(crate) key: Arc<dyn PrivateKey>,
}

/// One order of a batch, on its way.
enum Underway {
    Answered(Answer),
    /// With the place of its leaf, where the key is governed.
    Intended(Intended, Option<Place>),
    /// The same order stood earlier in the batch.
    Same(usize),
}

/// One order of a batch, at its end.
enum Finished {
    Answer(Answer),
    Same(usize),
}

impl Prepared {
    /// The answer of a signing that has its signature.
    pub(crate) fn kept(signing: &Signing) -> Option<Self> {
        Some(Self::Kept(signing.intent.clone(), signing.signature.clone()?))
    }
}

impl KeyProcess {
    /// Opens the journal, or begins one; a fresh random leaf marks the start. What a crash interrupted and nobody
    /// has to order again (certificates) is finished.
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
        let journal_signer = keys.home().key(&journal.state().journal_key.id())?;
        let guard = ClockGuard::new(clock.now(), clock.boot(), journal.state().mark);
        let refusals = Refusals { count: 0, written: clock.boot() };
        let made_room = clock.boot();
        let mut process =
            Self { keys, journal, clock, guard, journal_signer, refusals, made_room, continuity };
        let time = process.now().time;
        let start = Leaf::Start { sequence: process.journal.state().next(), time, random: fresh };
        process.journal.append(Record::Plain(start))?;
        process.journal.sync()?;
        process.catch_up()?;
        Ok(process)
    }

    /// Issues the certificates that keys of the registry lack. A clock that is not believed, a key store that fails, or
    /// a state that waits to be adopted puts them off until the next entry or the next start.
    pub(crate) fn catch_up(&mut self) -> Result<(), KeyProcessError> {
        // INVARIANT: a state that was restored and not adopted issues none; its other history may have, otherwise.
        if !self.continuity.is_settled() {
            return Ok(());
        }
        match self.issue_certificates() {
            Err(refusal) if refusal.code == RefusalCode::Journal => Err(KeyProcessError::Stopped),
            _ => Ok(()),
        }
    }

    pub(crate) fn now(&mut self) -> Reading {
        self.guard.read(self.clock.now(), self.clock.boot(), self.journal.state().mark)
    }

    /// Answers a batch of orders, each for itself.
    ///
    /// An error says that the journal failed: what became of the orders is not known, and no order is taken any
    /// more until a new start has read the disk.
    ///
    /// INVARIANT: no signature exists without an earlier, durable intent. All intents of the batch are written and
    /// synced at once; only then is any key used.
    pub fn order(&mut self, orders: &Orders) -> Result<Answers, KeyProcessError> {
        self.journal.check_standing()?;
        let now = self.now();
        let underway = self.prepare(orders, now)?;
        self.make_durable(&underway, now)?;
        let finished = underway.iter().map(|order| self.finish(order)).collect::<Result<Vec<_>, _>>()?;
        // CRASH: outcomes ride on the next sync. If they are lost, the signatures may already be outside, but no
        // checkpoint and no timestamp of the same request is, because those sync; ordered again, the intent gives
        // a signature over the same bytes, and the journal still shows one intent. So a failure here takes nothing
        // back: what was signed stands under durable intents, and the next order finds the journal stopped.
        let _ = self.journal.write();
        Ok(Answers { journal: self.journal.durable(), answers: copy_same(&finished) })
    }

    fn make_room(&mut self) {
        let boot = self.clock.boot();
        if boot.saturating_sub(self.made_room) >= ROOM_PERIOD {
            self.made_room = boot;
            self.journal.make_room();
        }
    }

    fn prepare(&mut self, orders: &Orders, now: Reading) -> Result<Vec<Underway>, KeyProcessError> {
        self.make_room();
        let mut seen = HashMap::new();
        let mut underway = Vec::with_capacity(orders.orders.len());
        for (place, order) in orders.orders.iter().enumerate() {
            let (state, keys) = (self.journal.state(), &self.keys);
            let free = self.continuity.check(order, state.registry.as_ref());
            let prepared = free.and_then(|()| match order {
                Order::Sign(order) => code::prepare(state, keys, order, now),
                Order::Timestamp(order) => timestamp::prepare(state, keys, order, now),
                Order::Checkpoint(order) => checkpoint::prepare(state, keys, order, now),
            });
            let taken = self.take(prepared, orders.ledger, now)?;
            underway.push(once(taken, place, &mut seen));
        }
        Ok(underway)
    }

    /// Puts a new intent into the journal, in memory, so that the next order of the batch sees it.
    fn take(
        &mut self,
        prepared: Result<Prepared, Refusal>,
        ledger: Head,
        now: Reading,
    ) -> Result<Underway, KeyProcessError> {
        let intended = match prepared {
            Ok(Prepared::Kept(intent, signature)) => {
                let place = Place::of(self.journal.state(), &intent);
                return Ok(Underway::Answered(self.signed(&intent, signature, place.as_ref())));
            }
            Ok(Prepared::Resumed(intended)) => intended,
            Ok(Prepared::Intended(work, mut intended)) => {
                self.record_ledger(ledger, now)?;
                intended.intent.sequence = self.journal.state().next();
                self.journal.append(Record::Intent { intent: intended.intent.clone(), work })?;
                intended
            }
            Err(refusal) => {
                self.refusals.count += 1;
                return Ok(Underway::Answered(Answer::Refused(refusal)));
            }
        };
        let place = Place::of(self.journal.state(), &intended.intent);
        Ok(Underway::Intended(intended, place))
    }

    /// Records the ledger's head before the intents that it was told with, where it is another than the last: there it
    /// rides on their sync, and stands under their proofs. One that went back is recorded as well: to refuse it would
    /// stop signing, and here it shows.
    fn record_ledger(&mut self, told: Head, now: Reading) -> Result<(), KeyProcessError> {
        let state = self.journal.state();
        if state.ledger == told {
            return Ok(());
        }
        let leaf = Leaf::Ledger { sequence: state.next(), time: now.time, size: told.size, root: told.root };
        self.journal.append(Record::Plain(leaf))
    }

    /// Refusals alone wait for no disk.
    fn make_durable(&mut self, underway: &[Underway], now: Reading) -> Result<(), KeyProcessError> {
        self.add_up_refusals(now)?;
        if underway.iter().any(|order| matches!(order, Underway::Intended(..))) {
            self.journal.sync()?;
        }
        Ok(())
    }

    fn add_up_refusals(&mut self, now: Reading) -> Result<(), KeyProcessError> {
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

    fn finish(&mut self, order: &Underway) -> Result<Finished, KeyProcessError> {
        match order {
            Underway::Answered(answer) => Ok(Finished::Answer(answer.clone())),
            Underway::Same(first) => Ok(Finished::Same(*first)),
            Underway::Intended(intended, place) => self.sign(intended, place.as_ref()).map(Finished::Answer),
        }
    }

    fn sign(&mut self, intended: &Intended, place: Option<&Place>) -> Result<Answer, KeyProcessError> {
        match intended.sign() {
            Ok(signature) => {
                // Only items of requests may be ordered again; of all else the leaf is enough.
                let again = self.journal.state().unfinished.contains_key(&intended.intent.sequence);
                let made = if again { Made::Signature(signature.clone()) } else { Made::Nothing };
                self.conclude(&intended.intent, &signature, made)?;
                Ok(self.signed(&intended.intent, signature, place))
            }
            Err(refusal) => {
                // The intent stands; the same order may succeed under it later.
                let ending = NonZeroU8::new(refusal.code.byte()).map(Ending::Refused);
                let ending = ending.expect("no refusal code is zero");
                self.end(&intended.intent, ending, Made::Nothing)?;
                Ok(Answer::Refused(refusal))
            }
        }
    }

    /// The answer of an intent that is durable, with its proof where the key is governed.
    fn signed(&self, intent: &Intent, signature: Vec<u8>, place: Option<&Place>) -> Answer {
        debug_assert!(intent.sequence < self.journal.durable().size, "only what is durable is ever proven");
        let leaf = Leaf::Intent(intent.clone()).encode();
        let key = self.journal_signer.as_ref();
        match place.map(|place| place.prove(merkle::leaf_hash(&leaf), key)).transpose() {
            Ok(journal) => {
                let (chosen, index) = (intent.chosen.clone(), intent.sequence);
                Answer::Signed(Signed { signature, chosen, index, leaf, journal })
            }
            // The signature stands in the journal; the same order gets it once the journal's key can be used again.
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    /// Appends the outcome of an intent that was signed.
    fn conclude(&mut self, intent: &Intent, signature: &[u8], made: Made) -> Result<(), KeyProcessError> {
        self.end(intent, Ending::Signed(Digest::of(signature)), made)
    }

    fn end(&mut self, intent: &Intent, ending: Ending, made: Made) -> Result<(), KeyProcessError> {
        let outcome = Outcome { sequence: self.journal.state().next(), intent: intent.sequence, ending };
        self.journal.append(Record::Outcome { outcome, made })
    }

    fn issue_certificates(&mut self) -> Result<(), Refusal> {
        let now = self.now();
        while let Some(issuing) = certificate::next(&mut self.journal, &self.keys, now)? {
            self.issue(issuing)?;
        }
        Ok(())
    }

    fn issue(&mut self, issuing: Issuing) -> Result<(), Refusal> {
        let Issuing { intended, subject, certificate, step } = issuing;
        let failed = |error: KeyProcessError| journal_failed(&error);
        if let Some(step) = step {
            self.journal.append(step).and_then(|()| self.journal.sync()).map_err(failed)?;
        }
        let signature = intended.sign()?;
        let sealed = certificate.seal(&signature).map_err(|error| refuse(RefusalCode::Key, told(&error)))?;
        let made = Made::Certificate { subject, der: sealed.der().to_vec() };
        self.conclude(&intended.intent, &signature, made).map_err(failed)?;
        // CRASH: a certificate that is told and then lost would be issued again with other bytes; so it is durable
        // before anybody is told.
        self.journal.sync().map_err(failed)
    }

    /// What the key process tells of itself.
    pub fn state(&self) -> Result<Told, Refusal> {
        self.journal.check_standing().map_err(|error| journal_failed(&error))?;
        let state = self.journal.state();
        let certificates = state.certificates.iter();
        let certified = |(key, der): (&KeyId, &Vec<u8>)| Certified { key: *key, certificate: der.clone() };
        Ok(Told {
            registry: state.entries.clone(),
            certificates: certificates.map(certified).collect(),
            journal: self.journal.durable(),
            journal_key: state.journal_key.spki().to_vec(),
            journal_checkpoint: self.journal_checkpoint()?,
            ledger: state.ledger,
            checkpoints: state.heads.iter().map(|(origin, head)| (origin.clone(), *head)).collect(),
            stores: self.keys.names().cloned().collect(),
        })
    }

    /// The journal's checkpoint over what is durable; empty before a platform is begun, which gives it its origin,
    /// and while a restored state waits to be adopted.
    fn journal_checkpoint(&self) -> Result<String, Refusal> {
        let registry = self.journal.state().registry.as_ref().filter(|_| self.continuity.is_settled());
        let origin = registry.and_then(|registry| registry.journal_origins().next_back());
        let checkpoint =
            |origin: String| proof::checkpoint(&origin, self.journal.durable(), self.journal_signer.as_ref());
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

impl Intended {
    /// Uses the key. The intent must be durable.
    fn sign(&self) -> Result<Vec<u8>, Refusal> {
        let signable = match &self.to_be_signed {
            ToBeSigned::Message(message) => Signable::Message(message),
            ToBeSigned::Hashed(hashed) => Signable::Hashed(hashed),
        };
        let signature =
            self.key.sign(signable).map_err(|error| refuse(RefusalCode::KeyStore, told(&error)))?;
        // INVARIANT: a signature that does not verify never leaves. The engine looks at every one; here it is looked
        // at before the journal says that it exists, because a faulty RSA signature would give the key away.
        self.to_be_signed.verify(self.key.public(), &signature).map_err(|_| {
            refuse(RefusalCode::KeyStore, "the key store gave a signature that does not verify")
        })?;
        Ok(signature)
    }
}

pub(crate) fn journal_failed(error: &KeyProcessError) -> Refusal {
    refuse(RefusalCode::Journal, told(error))
}

/// Of the orders of a batch that are for one intent, the first is signed.
fn once(taken: Underway, place: usize, seen: &mut HashMap<u64, usize>) -> Underway {
    let Underway::Intended(intended, _) = &taken else { return taken };
    let first = *seen.entry(intended.intent.sequence).or_insert(place);
    if first == place { taken } else { Underway::Same(first) }
}

/// Gives every order that stood in the batch before the answer of its first.
fn copy_same(finished: &[Finished]) -> Vec<Answer> {
    let answer = |one: &Finished| match one {
        Finished::Answer(answer) => answer.clone(),
        Finished::Same(first) => match finished.get(*first) {
            Some(Finished::Answer(answer)) => answer.clone(),
            _ => {
                Answer::Refused(refuse(RefusalCode::Malformed, "the batch names an order that is not in it"))
            }
        },
    };
    finished.iter().map(answer).collect()
}
