//! The one place with threads: each stage on its own, and each lane of Sign, behind one bounded queue, taking whatever
//! has gathered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use envelope::rekor::SubmittedBody;
use model::Space;

use crate::board::Reply;
use crate::queue::{Batch, Queue, TurnedAway};
use crate::stages::{
    Arrival, Ended, Entrant, Lanes, LogStage, Logged, Onward, PASSAGES_MAX, PartlySigned, Passed,
    RETRY_AFTER, Settle, Sign, Signed, Stamp, Stopped, Submit, World,
};
use crate::{EntryError, EntryReply, Stage, SubmitError};

/// The most members of a batch.
const BATCH_MAX: usize = 256;

/// How many may wait in front of the first stage; more are told to come back.
const DOOR_MAX: usize = 2_048;

/// How many may wait between two stages: two batches, so that none ever starves while one is in work.
const BETWEEN_MAX: usize = 2 * BATCH_MAX;

/// How many a stage may hold that it could not do.
const HELD_MAX: usize = 4 * BATCH_MAX;

/// How long a stage waits before it tries again what could not be done, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The queues in front of the stages, and of each lane of Sign.
struct Queues {
    submit: Queue<Arrival>,
    sign: BTreeMap<Space, Queue<PartlySigned>>,
    stamp: Queue<Signed>,
    log: Queue<Entrant>,
    settle: Queue<Ended>,
}

/// The stages, running.
pub(crate) struct Cycle {
    world: Arc<World>,
    queues: Arc<Queues>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Queues {
    fn new(lanes: &Lanes) -> Self {
        // Every request in a lane has a passage, so that a lane's queue is never full.
        let lane = |store: &Space| (store.clone(), Queue::new(PASSAGES_MAX));
        Self {
            submit: Queue::new(DOOR_MAX),
            sign: lanes.iter().map(|one| lane(one.store())).collect(),
            stamp: Queue::new(BETWEEN_MAX),
            log: Queue::new(BETWEEN_MAX),
            settle: Queue::new(BETWEEN_MAX),
        }
    }

    /// Puts requests into the lanes that they need next; those for one lane together, so that they are a batch there.
    fn board(&self, many: impl IntoIterator<Item = PartlySigned>) {
        let mut boarding: BTreeMap<Space, Vec<PartlySigned>> = BTreeMap::new();
        for one in many {
            if let Some(store) = one.store().cloned() {
                boarding.entry(store).or_default().push(one);
            }
        }
        for (store, many) in boarding {
            // A passage was booked through each of their lanes, so that they are there.
            if let Some(queue) = self.sign.get(&store) {
                queue.push_all(many);
            }
        }
    }

    /// Closes the lane that comes after this store's, or the first; after the last comes Stamp. A request only ever
    /// goes on to a later lane, so that nothing is pushed into one that is closed.
    fn close_next(&self, store: Option<&Space>) {
        let mut lanes = self.sign.iter();
        let next = lanes.find(|(name, _)| store.is_none_or(|store| *name > store));
        match next {
            Some((_, queue)) => queue.close(),
            None => self.stamp.close(),
        }
    }
}

impl Cycle {
    /// Starts all of them.
    pub(crate) fn start(world: &Arc<World>, lanes: &Lanes, log: LogStage) -> std::io::Result<Self> {
        let queues = Arc::new(Queues::new(lanes));
        let cycle = Self { world: Arc::clone(world), queues, threads: Mutex::default() };
        let submit = Submit::new(Arc::clone(world), lanes.clone());
        cycle.spawn(&Stage::Submit, move |world, queues| run_submit(world, queues, &submit))?;
        for lane in lanes.iter() {
            cycle.spawn_lane(lane.store().clone(), Sign::new(Arc::clone(world), Arc::clone(lane)))?;
        }
        let stamp = Stamp::new(Arc::clone(world));
        cycle.spawn(&Stage::Stamp, move |world, queues| {
            let work = |batch| stamp.run(batch);
            run(world, &Stage::Stamp, &queues.stamp, work, |next, stopped| {
                queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                queues.log.push_all(next.into_iter().map(Entrant::from));
            });
            queues.log.close();
        })?;
        let mut log = log;
        cycle.spawn(&Stage::Log, move |world, queues| {
            let work = |batch| log.run(batch);
            run(world, &Stage::Log, &queues.log, work, |next: Vec<Logged>, stopped| {
                queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                queues.settle.push_all(next.into_iter().map(Ended::Logged));
            });
            queues.settle.close();
        })?;
        let settle = Settle::new(Arc::clone(world));
        cycle.spawn(&Stage::Settle, move |world, queues| {
            run(world, &Stage::Settle, &queues.settle, |batch| settle.run(batch), |_, _| ());
        })?;
        Ok(cycle)
    }

    fn spawn_lane(&self, store: Space, sign: Sign) -> std::io::Result<()> {
        let stage = Stage::Sign { store: store.clone() };
        self.spawn(&stage.clone(), move |world, queues| {
            if let Some(queue) = queues.sign.get(&store) {
                run(
                    world,
                    &stage,
                    queue,
                    |batch| sign.run(batch),
                    |next, stopped| {
                        queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                        let (mut lanes, mut stamp) = (Vec::new(), Vec::new());
                        for onward in next {
                            match onward {
                                Onward::Lane(one) => lanes.push(one),
                                Onward::Stamp(signed) => stamp.push(signed),
                            }
                        }
                        queues.board(lanes);
                        queues.stamp.push_all(stamp);
                    },
                );
            }
            queues.close_next(Some(&store));
        })
    }

    /// Lets an arrival in, or says to whoever waits for it when to come back.
    pub(crate) fn offer(&self, arrival: Arrival) {
        let retry_after = RETRY_AFTER;
        let (arrival, error) = match self.queues.submit.offer(arrival) {
            Ok(()) => return,
            Err(TurnedAway::Full(arrival)) => (arrival, SubmitError::Busy { retry_after }),
            Err(TurnedAway::Closed(arrival)) => (arrival, SubmitError::Draining { retry_after }),
        };
        self.world.counters.turned_away();
        if let Some(reply) = reply_of(arrival) {
            reply(Err(error));
        }
    }

    /// Lets an entry in that somebody else asks for, or says when to come back. It stands in one queue with the signatures,
    /// behind a bounded number of its kind: whoever lets more of them in at a time holds signatures up.
    pub(crate) fn log(&self, body: SubmittedBody, reply: EntryReply) {
        let retry_after = RETRY_AFTER;
        let (turned_away, error) = match self.queues.log.offer(Entrant::Submitted { body, reply }) {
            Ok(()) => return,
            Err(TurnedAway::Full(entrant)) => (entrant, EntryError::Busy { retry_after }),
            Err(TurnedAway::Closed(entrant)) => (entrant, EntryError::Closed { retry_after }),
        };
        self.world.counters.turned_away();
        if let Entrant::Submitted { reply, .. } = turned_away {
            reply(Err(error));
        }
    }

    /// Lets in what no client waits for, and waits for room.
    pub(crate) fn bring(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        self.queues.submit.push_all(arrivals);
    }

    /// How many lanes there are.
    pub(crate) fn lanes(&self) -> usize {
        self.queues.sign.len()
    }

    /// How many wait in front of each stage and each lane, in their order.
    pub(crate) fn queued(&self) -> Vec<(Stage, u64)> {
        let Queues { submit, sign, stamp, log, settle } = &*self.queues;
        let mut queued = vec![(Stage::Submit, submit.length())];
        let lane = |store: &Space| Stage::Sign { store: store.clone() };
        queued.extend(sign.iter().map(|(store, queue)| (lane(store), queue.length())));
        queued.push((Stage::Stamp, stamp.length()));
        queued.push((Stage::Log, log.length()));
        queued.push((Stage::Settle, settle.length()));
        queued
    }

    /// Takes nothing in any more, and returns once what is in flight is finished, as far as it can be.
    pub(crate) fn finish(&self) {
        self.queues.submit.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A reply may hold the last handle to the engine, and then this is one of the threads themselves.
            if thread.thread().id() != thread::current().id() {
                // A stage that panicked said so already; the others are waited for all the same.
                let _ = thread.join();
            }
        }
        self.world.board.close(|| SubmitError::Draining { retry_after: RETRY_AFTER });
    }

    fn spawn(
        &self,
        stage: &Stage,
        work: impl FnOnce(&World, &Queues) + Send + 'static,
    ) -> std::io::Result<()> {
        let (world, queues) = (Arc::clone(&self.world), Arc::clone(&self.queues));
        let thread = thread::Builder::new().name(stage.to_string()).spawn(move || work(&world, &queues))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Drop for Cycle {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What a stage could not do and tries again, after a pause that doubles as long as nothing helps.
struct Held<T> {
    members: Vec<T>,
    due: Duration,
    pause: Duration,
}

impl<T> Held<T> {
    const fn nothing() -> Self {
        Self { members: Vec::new(), due: Duration::ZERO, pause: BACK_OFF.0 }
    }

    /// How long to wait for something new before what is held is tried again.
    fn patience(&self, now: Duration) -> Option<Duration> {
        (!self.members.is_empty()).then(|| self.due.saturating_sub(now))
    }

    /// The next batch: what has gathered, and what is held once its time has come. `None` is the end; what is held
    /// then is left to recovery.
    fn join(&mut self, gathered: Batch<T>, now: Duration) -> Option<Vec<T>> {
        match gathered {
            Batch::Of(more) if now < self.due => Some(more),
            Batch::Of(more) => {
                let mut batch = std::mem::take(&mut self.members);
                batch.extend(more);
                Some(batch)
            }
            Batch::Idle => Some(std::mem::take(&mut self.members)),
            Batch::Closed => None,
        }
    }

    fn keep(&mut self, again: Vec<T>, now: Duration) {
        if again.is_empty() {
            if self.members.is_empty() {
                self.pause = BACK_OFF.0;
            }
            return;
        }
        self.members.extend(again);
        self.due = now.saturating_add(self.pause);
        self.pause = (self.pause * 2).min(BACK_OFF.1);
    }
}

/// Runs a stage until its queue is closed and empty. What could not be done holds nothing else up.
fn run<Same, Next>(
    world: &World,
    stage: &Stage,
    queue: &Queue<Same>,
    mut work: impl FnMut(Vec<Same>) -> Passed<Next, Same>,
    mut forward: impl FnMut(Vec<Next>, Vec<Stopped>),
) {
    let mut held = Held::nothing();
    loop {
        // A stage that holds as much as it may takes nothing more in, and so holds back the one before.
        let room = HELD_MAX.saturating_sub(held.members.len()).min(BATCH_MAX);
        let gathered = queue.take(room, held.patience(world.clock.boot()));
        let began = world.clock.boot();
        let Some(batch) = held.join(gathered, began) else { return };
        let members = batch.len();
        let passed = work(batch);
        let ended = world.clock.boot();
        world.counters.batch(stage, members, ended.saturating_sub(began));
        if passed.trouble.is_some() {
            world.counters.trouble(stage);
        }
        world.troubles.note(stage, passed.trouble, ended);
        held.keep(passed.again, ended);
        forward(passed.next, passed.stopped);
    }
}

/// Submit holds nothing back: who waits for a reply is told, and what nobody waits for comes once more.
fn run_submit(world: &World, queues: &Queues, submit: &Submit) {
    let mut held = Held::nothing();
    let mut later: Vec<Arrival> = Vec::new();
    loop {
        let patience =
            if later.is_empty() { held.patience(world.clock.boot()) } else { Some(Duration::ZERO) };
        let gathered = queues.submit.take(BATCH_MAX, patience);
        let is_closed = matches!(gathered, Batch::Closed);
        let began = world.clock.boot();
        let mut batch = std::mem::take(&mut later);
        batch.extend(held.join(gathered, began).unwrap_or_default());
        if batch.is_empty() && is_closed {
            break;
        }
        let members = batch.len();
        let submitted = submit.run(batch);
        let ended = world.clock.boot();
        world.counters.batch(&Stage::Submit, members, ended.saturating_sub(began));
        // Whoever waits for a reply comes at once; a row that could not be read waits until that may have changed.
        let (replying, unfinished): (Vec<_>, Vec<_>) =
            submitted.later.into_iter().partition(|arrival| !matches!(arrival, Arrival::Unfinished { .. }));
        later = replying;
        held.keep(unfinished, ended);
        queues.board(submitted.intended.into_iter().map(PartlySigned::from));
    }
    queues.close_next(None);
}

pub(crate) fn reply_of(arrival: Arrival) -> Option<Reply> {
    match arrival {
        Arrival::Submission { reply, .. }
        | Arrival::Endorsement { reply, .. }
        | Arrival::Withdrawal { reply, .. } => Some(reply),
        Arrival::Unfinished { .. } => None,
    }
}
