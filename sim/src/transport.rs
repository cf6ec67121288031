//! The way to the key process, on which replies get lost and behind which the process may have died.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use model::journal::Leaf;
use model::{Item, Request};
use signer::{
    AdminAnswer, AdminMessage, Answer, Answers, Head, Order, Orders, Refusal, RefusalCode, Signer,
    SignerError, State,
};
use signerd::{InProcess, KeyProcess, Parts};
use testkit::{HandClock, Seeded};

use crate::cells::{Cell, Fault, Step};
use crate::disk::JournalDisk;
use crate::founding::SEGMENT_BYTES;
use crate::keys::WatchedKeys;
use crate::plan::Plan;
use crate::store::CrashStore;
use crate::stores::Store;
use crate::truth::{Truth, must};

/// The key process, as the server reaches it. Clones reach the same.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Mutex<Line>>);

struct Line {
    disk: JournalDisk,
    keys: WatchedKeys,
    clock: Arc<HandClock>,
    store: CrashStore,
    truth: Truth,
    process: Option<InProcess>,
    starts: u64,
    plan: Plan,
    met: Vec<Cell>,
    /// How many checkpoints the key process did not sign because they do not extend the last one.
    forks_refused: u64,
}

/// What the way is made of.
pub(crate) struct Ends {
    pub(crate) disk: JournalDisk,
    pub(crate) keys: WatchedKeys,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) store: CrashStore,
    pub(crate) truth: Truth,
    pub(crate) seed: u64,
}

impl Transport {
    pub(crate) fn new(ends: Ends) -> Self {
        let Ends { disk, keys, clock, store, truth, seed } = ends;
        let (plan, met) = (Plan::default(), Vec::new());
        let (starts, forks_refused) = (seed << 16, 0);
        let process = None;
        Self(Arc::new(Mutex::new(Line {
            disk,
            keys,
            clock,
            store,
            truth,
            process,
            starts,
            plan,
            met,
            forks_refused,
        })))
    }

    /// Plans a loss, after so many frames of this kind.
    pub(crate) fn plan(&self, step: Step, after: u64, fault: Fault) {
        self.line().plan.add(step, after, fault);
    }

    /// The losses that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Cell> {
        std::mem::take(&mut self.line().met)
    }

    /// Nothing gets lost any more.
    pub(crate) fn mend(&self) {
        self.line().plan = Plan::default();
    }

    /// Kills the process; the disk keeps what was written, synced or not.
    pub(crate) fn kill(&self) {
        self.line().process = None;
    }

    pub(crate) fn forks_refused(&self) -> u64 {
        self.line().forks_refused
    }

    /// What an administrator says, over a socket that fails as the other does.
    pub(crate) fn administer(&self, message: &AdminMessage) -> Result<AdminAnswer, SignerError> {
        let mut line = self.line();
        line.exchange(Step::Frame, |process| process.administer(message))
    }

    /// What somebody says who owns the server: it was never decided there.
    pub(crate) fn intrude(&self, order: Order) -> Result<Answer, SignerError> {
        let mut line = self.line();
        let ledger = engine::Ledger::head(&line.store).map_err(|_| unreachable())?;
        let orders = Orders { ledger, orders: vec![order] };
        let news = line.news(&orders);
        let answers = line.exchange(Step::Frame, |process| process.order(&orders))?;
        line.check_turns(&news, &answers);
        answers.answers.into_iter().next().ok_or_else(unreachable)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("nothing panics while it holds the line")
    }
}

impl Line {
    /// One frame there and one back.
    fn exchange<T>(
        &mut self,
        step: Step,
        call: impl FnOnce(&InProcess) -> Result<T, SignerError>,
    ) -> Result<T, SignerError> {
        let loss = self.plan.meet(step);
        self.met.extend(loss.map(|loss| (step, loss)));
        if loss == Some(Fault::LostFrame) {
            return Err(unreachable());
        }
        let process = self.process().ok_or_else(unreachable)?;
        let answer = call(&process);
        if matches!(answer, Err(SignerError::Stopped)) {
            // The journal failed: the process stops, and whoever watches over it starts it anew.
            self.process = None;
        }
        if self.disk.is_dark() || loss == Some(Fault::LostReply) {
            return Err(unreachable());
        }
        answer
    }

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
                keys: self.keys.stores(),
                clock: self.clock.clone(),
                random: Box::new(move |bytes| dice.fill(bytes)),
                segment_bytes: SEGMENT_BYTES,
            };
            self.process = KeyProcess::open(parts).ok().map(InProcess::new);
        }
        self.process.clone()
    }

    /// Orders; where that is planned, the same comes once more over another connection while a key store is at work.
    fn order(&mut self, orders: &Orders) -> Result<Answers, SignerError> {
        let (keys, again) = (self.keys.clone(), orders.clone());
        let overtaker: Arc<Mutex<Option<Answers>>> = Arc::default();
        let told = Arc::clone(&overtaker);
        let step = self.step(orders);
        let answers = self.exchange(step, move |process| {
            let other = process.clone();
            keys.meanwhile(Some(Box::new(move || {
                *told.lock().expect("nothing panics while it holds answers") = other.order(&again).ok();
            })));
            let answers = process.order(orders);
            keys.meanwhile(None);
            answers
        });
        let other = overtaker.lock().expect("nothing panics while it holds answers").take();
        if let (Ok(answers), Some(other)) = (&answers, other) {
            self.check_same(orders, answers, &other);
        }
        answers
    }

    /// The lane that orders come through; those of the platform's own keys come through none.
    fn step(&self, orders: &Orders) -> Step {
        let key = match orders.orders.first() {
            Some(Order::Sign(order)) => Item::parse(&order.item).ok().map(|item| item.key.name),
            Some(Order::Recall(order)) => self.store.key_of(&order.request, order.item),
            _ => None,
        };
        key.map_or(Step::Frame, |key| Step::Lane(Store::of(key.as_str())))
    }

    /// INVARIANT 1: one intent has one signature, whoever ordered it over which connection.
    fn check_same(&self, orders: &Orders, answers: &Answers, others: &Answers) {
        for ((order, one), other) in orders.orders.iter().zip(&answers.answers).zip(&others.answers) {
            // The other came later and was done earlier: what it was given is what there is.
            if let (Order::Sign(_), Answer::Signed(_)) = (order, other) {
                self.truth.hold(must(one == other, 1, || {
                    "one order has two answers, over two connections".to_owned()
                }));
            }
        }
    }

    /// INVARIANT 13: no key signs before its turn, or anything new after it, whatever the clock says.
    fn check_turns(&self, news: &[bool], answers: &Answers) {
        for (is_news, answer) in news.iter().zip(&answers.answers) {
            let Answer::Signed(signed) = answer else { continue };
            if let (Ok(Leaf::Intent(intent)), true) = (Leaf::decode(&signed.leaf), is_news) {
                self.truth.signed_at(&intent.key, intent.time);
            }
        }
    }

    /// Which of these orders ask for something new? A head that was signed before is signed again, and so is one that the
    /// journal holds the intent of, and whose signature failed: it was intended when it was the key's turn.
    fn news(&self, orders: &Orders) -> Vec<bool> {
        let is_intended = |head: &Head| self.disk.is_durable(head.root.as_bytes());
        let is_news = |order: &Order| match order {
            Order::Checkpoint(order) => !self.truth.knows_head(&order.new) && !is_intended(&order.new),
            _ => true,
        };
        orders.orders.iter().map(is_news).collect()
    }

    /// INVARIANT 1 and 7: what is ordered was decided, and the ledger says so.
    fn check_intents(&self, orders: &Orders) {
        for order in &orders.orders {
            let Order::Sign(order) = order else { continue };
            let known =
                Request::parse(&order.request).is_ok_and(|request| self.store.has_intent(&request.id));
            self.truth.hold(must(known, 7, || "an order without its intent in the ledger".to_owned()));
        }
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
        line.check_intents(orders);
        let news = line.news(orders);
        let answers = line.order(orders)?;
        line.check_turns(&news, &answers);
        let is_fork = |answer: &&Answer| {
            matches!(answer, Answer::Refused(Refusal { code: RefusalCode::NotConsistent, .. }))
        };
        line.forks_refused += u64::try_from(answers.answers.iter().filter(is_fork).count()).unwrap_or(0);
        Ok(answers)
    }

    fn state(&self) -> Result<State, SignerError> {
        let mut line = self.line();
        let state = line.process().ok_or_else(unreachable)?.state();
        if line.disk.is_dark() { Err(unreachable()) } else { state }
    }
}
