//! A batch of orders on its way through the key process, in three steps.
//!
//! | step | who else waits | what |
//! |---|---|---|
//! | [`KeyProcess::prepare`] | everybody | orders are checked, intents written, and waited for |
//! | [`Batch::sign`] | nobody | private keys are used: a key store may take its time |
//! | [`KeyProcess::conclude`] | everybody | outcomes are written, and the answers given |
//!
//! All that orders reserve is reserved in the first step, in the order of their intents: a head of a log, a token's
//! number, a part of a rate. So it does not matter which of two batches is signed first.

use std::collections::{BTreeMap, HashMap};
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use keystore::Key;
use model::journal::{Ending, Intent, Leaf};
use model::{Clock, Digest, Space, merkle};
use quorum::KeyState;
use signer::{Answer, Answers, Head, JournalProof, Order, Orders, Refusal, RefusalCode, Signed};

use crate::abreast::abreast;
use crate::guard::Reading;
use crate::intended::{Intended, Prepared, Recall};
use crate::journal::proof::Place;
use crate::journal::{Made, Record};
use crate::process::KeyProcess;
use crate::seats::Seat;
use crate::standing::{check_key, refuse, registry};
use crate::{KeyProcessError, checkpoint, code, holder, promise, timestamp, tuf};

/// How long a batch goes on to use keys. Whoever ordered it waits for half a minute, and then orders it once more: were it
/// still at work, a token that is slow would sign everything twice, and be slower. What was signed by then is kept.
const PATIENCE: Duration = Duration::from_secs(15);

/// A batch whose intents are durable.
///
/// INVARIANT: no signature exists without an earlier, durable intent. All intents of a batch are written and synced at
/// once, and only then there is one of these, which alone uses keys.
pub(crate) struct Batch {
    orders: Vec<Underway>,
    journal_key: Arc<dyn Key>,
    clock: Arc<dyn Clock>,
    seats: BTreeMap<Space, Seat>,
}

/// A batch whose keys were used, and whose outcomes are not written yet.
pub(crate) struct Tried {
    orders: Vec<Attempt>,
    /// Given up once the outcomes are written: whoever hangs in a store sits there.
    _seats: BTreeMap<Space, Seat>,
}

/// One order of a batch, before its key is used.
enum Underway {
    Refused(Refusal),
    /// It was signed before.
    Kept(Intent, Vec<u8>, Option<Place>),
    /// With the place of its leaf, where the key is governed.
    Intended(Intended, Option<Place>),
    /// The same order stood earlier in the batch.
    Same(usize),
}

/// One order of a batch, after its key was used.
enum Attempt {
    Refused(Refusal),
    Kept(Intent, Vec<u8>, Proof),
    Made { intent: Intent, recall: Recall, signature: Result<Vec<u8>, Refusal>, proof: Proof },
    Same(usize),
}

/// The proof of an intent, where its key is governed.
type Proof = Result<Option<JournalProof>, Refusal>;

impl KeyProcess {
    /// Takes a batch of orders as far as their intents, which are durable then.
    ///
    /// An error says that the journal failed: what became of the orders is not known, and no order is taken any
    /// more until a new start has read the disk.
    pub(crate) fn prepare(&mut self, orders: &Orders) -> Result<Batch, KeyProcessError> {
        self.journal.check_standing()?;
        self.make_room();
        let now = self.now();
        let (journal_key, clock) = (Arc::clone(&self.journal_key), Arc::clone(&self.clock));
        let mut batch = Batch { orders: Vec::new(), journal_key, clock, seats: BTreeMap::new() };
        let mut seen = HashMap::new();
        for (at, order) in orders.orders.iter().enumerate() {
            // Only a certificate has a number that nobody may foresee.
            let serial = if matches!(order, Order::Holder(_)) { self.journal.draw() } else { [0; 16] };
            let (state, keys) = (self.journal.state(), &self.keys);
            let registry = state.registry.as_ref();
            let free = self.continuity.check(order, registry);
            let free = free.and_then(|()| self.anchoring.check(order, registry, self.clock.boot()));
            let given_up = &mut self.given_up;
            let prepared = free.and_then(|()| match order {
                Order::Sign(order) => code::prepare(state, keys, order, now),
                Order::Timestamp(order) => timestamp::prepare(state, keys, order, now),
                Order::Checkpoint(order) => checkpoint::prepare(state, keys, order, now),
                Order::Holder(order) => holder::prepare(state, keys, order, serial, now),
                Order::Recall(order) => given_up.recall(state, order),
                Order::Promise(order) => promise::prepare(state, keys, order, now),
                Order::Tuf(order) => tuf::prepare(state, keys, order, now),
            });
            let seated = prepared.and_then(|prepared| self.seat(prepared, &mut batch.seats));
            let taken = self.take(seated, orders.ledger, now)?;
            batch.orders.push(once(taken, at, &mut seen));
        }
        self.make_durable(&batch, now)?;
        Ok(batch)
    }

    /// Takes a seat at the store of an order's key, one for the whole batch. Nobody sits down for what was given up.
    fn seat(&mut self, prepared: Prepared, taken: &mut BTreeMap<Space, Seat>) -> Result<Prepared, Refusal> {
        if let Prepared::Intended(_, intended) | Prepared::Resumed(intended) = &prepared {
            self.given_up.check(&intended.intent)?;
            let store = intended.key.store();
            if !taken.contains_key(store) {
                taken.insert(store.clone(), self.seats.take(store)?);
            }
        }
        Ok(prepared)
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
                return Ok(Underway::Kept(intent, signature, place));
            }
            Ok(Prepared::Resumed(intended)) => intended,
            Ok(Prepared::Intended(work, mut intended)) => {
                self.record_ledger(ledger, now)?;
                intended.intent.sequence = self.journal.state().next();
                self.journal.append(Record::Intent { intent: intended.intent.clone(), work })?;
                intended
            }
            Err(refusal) => {
                self.count_refusal();
                return Ok(Underway::Refused(refusal));
            }
        };
        // What nobody has seen is shown first; whoever goes between here and the witnesses makes it durable with that.
        if let Err(refusal) = self.journal.state().check_seen(&intended.intent) {
            return Ok(Underway::Refused(refusal));
        }
        let place = Place::of(self.journal.state(), &intended.intent);
        Ok(Underway::Intended(intended, place))
    }

    /// Records the ledger's head before the intents that it was told with, where it is another than the longest so far:
    /// there it rides on their sync, and stands under their proofs. One that went back is recorded as well: to refuse it
    /// would stop signing, and here it shows.
    fn record_ledger(&mut self, told: Head, now: Reading) -> Result<(), KeyProcessError> {
        let state = self.journal.state();
        if state.ledger == told {
            return Ok(());
        }
        let leaf = Leaf::Ledger { sequence: state.next(), time: now.time, size: told.size, root: told.root };
        self.journal.append(Record::Plain(leaf))
    }

    /// Refusals alone wait for no disk.
    fn make_durable(&mut self, batch: &Batch, now: Reading) -> Result<(), KeyProcessError> {
        self.add_up_refusals(now)?;
        if batch.orders.iter().any(|order| matches!(order, Underway::Intended(..))) {
            self.journal.sync()?;
        }
        Ok(())
    }

    /// Writes the outcomes of a batch, and answers each of its orders for itself.
    ///
    /// CRASH: before this, and where the process stops while a key store is at work, the intents stand without outcomes.
    /// What was signed is dropped; ordered again, each gives a signature over the same bytes.
    pub(crate) fn conclude(&mut self, tried: Tried) -> Result<Answers, KeyProcessError> {
        self.journal.check_standing()?;
        let mut answers: Vec<Answer> = Vec::with_capacity(tried.orders.len());
        for attempt in tried.orders {
            let answer = match attempt {
                Attempt::Refused(refusal) => Answer::Refused(refusal),
                Attempt::Kept(intent, signature, proof) => signed(&intent, signature, proof),
                Attempt::Made { intent, recall, signature, proof } => {
                    self.record(&intent, recall, signature, proof)?
                }
                Attempt::Same(first) => {
                    answers.get(first).cloned().expect("the first of two stands before the second")
                }
            };
            answers.push(answer);
        }
        // CRASH: outcomes ride on the next sync. If they are lost, the signatures may already be outside, but no
        // checkpoint and no timestamp of the same request is, because those sync; ordered again, the intent gives
        // a signature over the same bytes, and the journal still shows one intent. So a failure here takes nothing
        // back: what was signed stands under durable intents, and the next order finds the journal stopped.
        let _ = self.journal.write();
        Ok(Answers { journal: self.journal.durable(), answers })
    }

    /// Appends the outcome of one attempt.
    fn record(
        &mut self,
        intent: &Intent,
        recall: Recall,
        signature: Result<Vec<u8>, Refusal>,
        proof: Proof,
    ) -> Result<Answer, KeyProcessError> {
        let first = self.journal.state().signings.get(&(intent.request, intent.item));
        if let Some(first) = first.and_then(|signing| signing.signature.clone())
            && recall == Recall::Remembered
        {
            // The same was ordered over another connection while the key store was at work. Both signed the same bytes
            // under one intent; the signature that was recorded first is the one that there is.
            return Ok(signed(intent, first, proof));
        }
        match signature.and_then(|signature| self.check_still(intent, recall).map(|()| signature)) {
            Ok(signature) => {
                let made = match recall {
                    Recall::Remembered | Recall::Standing => Made::Signature(signature.clone()),
                    Recall::Once | Recall::Again => Made::Nothing,
                };
                self.end(intent, Ending::Signed(Digest::of(&signature)), made)?;
                Ok(signed(intent, signature, proof))
            }
            Err(refusal) => {
                // The intent stands; the same order may succeed under it later.
                let ending = NonZeroU8::new(refusal.code.byte()).map(Ending::Refused);
                let ending = ending.expect("no refusal code is zero");
                self.end(intent, ending, Made::Nothing)?;
                Ok(Answer::Refused(refusal))
            }
        }
    }

    /// INVARIANT: a key that is taken away signs nothing more, from the moment on at which that is answered. Where its
    /// store was at work then, what it signed is dropped; so is what is done after its item was given up, or its request
    /// forgotten.
    fn check_still(&self, intent: &Intent, recall: Recall) -> Result<(), Refusal> {
        self.given_up.check(intent)?;
        let state = self.journal.state();
        if recall == Recall::Remembered && !state.unfinished.contains_key(&intent.sequence) {
            let text = "the request's time passed while the key store was at work";
            return Err(refuse(RefusalCode::Expired, text));
        }
        let key = registry(state)?.key(&intent.key);
        let key =
            key.ok_or_else(|| refuse(RefusalCode::Key, format!("the registry knows no {}", intent.key)))?;
        match recall {
            Recall::Again if key.state == KeyState::Retired => Ok(()),
            _ => check_key(key, intent.time),
        }
    }
}

impl Batch {
    /// Uses the keys. It is the one step that waits for key stores, and nobody else waits meanwhile.
    pub(crate) fn sign(self) -> Tried {
        let width = self.width();
        let Self { orders, journal_key, clock, seats } = self;
        let until = clock.boot() + PATIENCE;
        let attempt = |order| match order {
            Underway::Refused(refusal) => Attempt::Refused(refusal),
            Underway::Kept(intent, signature, place) => {
                let proof = prove(&intent, place.as_ref(), &*journal_key);
                Attempt::Kept(intent, signature, proof)
            }
            Underway::Intended(intended, place) => {
                let proof = prove(&intended.intent, place.as_ref(), &*journal_key);
                let signature = if clock.boot() < until { intended.sign() } else { Err(late()) };
                Attempt::Made { intent: intended.intent, recall: intended.recall, signature, proof }
            }
            Underway::Same(first) => Attempt::Same(first),
        };
        Tried { orders: abreast(orders, width, attempt), _seats: seats }
    }

    /// How many of the batch's keys are used at the same time: as many as the store of one of them can.
    fn width(&self) -> NonZeroUsize {
        let widths = self.orders.iter().filter_map(|order| match order {
            Underway::Intended(intended, _) => Some(intended.key.at_once()),
            _ => None,
        });
        widths.max().unwrap_or(NonZeroUsize::MIN)
    }
}

/// Of the orders of a batch that are for one intent, the first is signed.
fn once(taken: Underway, at: usize, seen: &mut HashMap<u64, usize>) -> Underway {
    let Underway::Intended(intended, _) = &taken else { return taken };
    let first = *seen.entry(intended.intent.sequence).or_insert(at);
    if first == at { taken } else { Underway::Same(first) }
}

/// The proof of an intent, which is durable.
fn prove(intent: &Intent, place: Option<&Place>, key: &dyn Key) -> Proof {
    let leaf = merkle::leaf_hash(&Leaf::Intent(intent.clone()).encode());
    place.map(|place| place.prove(leaf, key)).transpose()
}

fn late() -> Refusal {
    refuse(RefusalCode::KeyStore, "those before it in its batch took all the time there is; order again")
}

/// The answer of an intent that has its signature.
fn signed(intent: &Intent, signature: Vec<u8>, proof: Proof) -> Answer {
    match proof {
        Ok(journal) => {
            let (chosen, index) = (intent.chosen.clone(), intent.sequence);
            let leaf = Leaf::Intent(intent.clone()).encode();
            Answer::Signed(Signed { signature, chosen, index, leaf, journal })
        }
        // The signature stands in the journal; the same order gets it once the journal's key can be used again.
        Err(refusal) => Answer::Refused(refusal),
    }
}
