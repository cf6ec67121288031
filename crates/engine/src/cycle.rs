//! The one place with threads: each stage on its own, behind one bounded queue, taking whatever has gathered.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::SubmitError;
use crate::board::Reply;
use crate::queue::{Batch, Queue, TurnedAway};
use crate::stages::{
    Arrival, Ended, Intended, LogStage, Logged, Passed, Settle, Sign, Signed, Stamp, Stamped, Stopped,
    Submit, World,
};

/// The most members of a batch.
const BATCH_MAX: usize = 256;

/// How many may wait in front of the first stage; more are told to come back.
const DOOR_MAX: usize = 2_048;

/// How many may wait between two stages: two batches, so that none ever starves while one is in work.
const BETWEEN_MAX: usize = 2 * BATCH_MAX;

/// How many a stage may hold that it could not do.
const HELD_MAX: usize = 4 * BATCH_MAX;

/// When somebody who was turned away should come back.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a stage waits before it tries again what could not be done, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The queues in front of the stages.
struct Queues {
    submit: Queue<Arrival>,
    sign: Queue<Intended>,
    stamp: Queue<Signed>,
    log: Queue<Stamped>,
    settle: Queue<Ended>,
}

/// The stages, running.
pub(crate) struct Lanes {
    world: Arc<World>,
    queues: Arc<Queues>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Lanes {
    /// Starts all five.
    pub(crate) fn start(world: &Arc<World>, log: LogStage) -> std::io::Result<Self> {
        let queues = Arc::new(Queues {
            submit: Queue::new(DOOR_MAX),
            sign: Queue::new(BETWEEN_MAX),
            stamp: Queue::new(BETWEEN_MAX),
            log: Queue::new(BETWEEN_MAX),
            settle: Queue::new(BETWEEN_MAX),
        });
        let lanes = Self { world: Arc::clone(world), queues: Arc::clone(&queues), threads: Mutex::default() };
        let submit = Submit::new(Arc::clone(world));
        lanes.spawn("submit", move |world, queues| run_submit(world, queues, &submit))?;
        let sign = Sign::new(Arc::clone(world));
        lanes.spawn("sign", move |world, queues| {
            let stage = |batch| sign.run(batch);
            run(world, Lane { stage: 1, queue: &queues.sign }, stage, |next, stopped| {
                queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                queues.stamp.push_all(next);
            });
            queues.stamp.close();
        })?;
        let stamp = Stamp::new(Arc::clone(world));
        lanes.spawn("stamp", move |world, queues| {
            let stage = |batch| stamp.run(batch);
            run(world, Lane { stage: 2, queue: &queues.stamp }, stage, |next, stopped| {
                queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                queues.log.push_all(next);
            });
            queues.log.close();
        })?;
        let mut log = log;
        lanes.spawn("log", move |world, queues| {
            let stage = |batch| log.run(batch);
            run(world, Lane { stage: 3, queue: &queues.log }, stage, |next: Vec<Logged>, stopped| {
                queues.settle.push_all(stopped.into_iter().map(Ended::Stopped));
                queues.settle.push_all(next.into_iter().map(Ended::Logged));
            });
            queues.settle.close();
        })?;
        let settle = Settle::new(Arc::clone(world));
        lanes.spawn("settle", move |world, queues| {
            let stage = |batch| settle.run(batch);
            run(world, Lane { stage: 4, queue: &queues.settle }, stage, |_, _| ());
        })?;
        Ok(lanes)
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

    /// Lets in what no client waits for, and waits for room.
    pub(crate) fn bring(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        self.queues.submit.push_all(arrivals);
    }

    /// How many wait in front of each stage.
    pub(crate) fn queued(&self) -> [u64; 5] {
        let Queues { submit, sign, stamp, log, settle } = &*self.queues;
        [submit.length(), sign.length(), stamp.length(), log.length(), settle.length()]
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

    fn spawn(&self, name: &str, lane: impl FnOnce(&World, &Queues) + Send + 'static) -> std::io::Result<()> {
        let (world, queues) = (Arc::clone(&self.world), Arc::clone(&self.queues));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || lane(&world, &queues))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Lane<'a, T> {
    stage: usize,
    queue: &'a Queue<T>,
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
    lane: Lane<'_, Same>,
    mut stage: impl FnMut(Vec<Same>) -> Passed<Next, Same>,
    mut forward: impl FnMut(Vec<Next>, Vec<Stopped>),
) {
    let mut held = Held::nothing();
    loop {
        // A lane that holds as much as it may takes nothing more in, and so holds back the stage before.
        let room = HELD_MAX.saturating_sub(held.members.len()).min(BATCH_MAX);
        let gathered = lane.queue.take(room, held.patience(world.clock.boot()));
        let began = world.clock.boot();
        let Some(batch) = held.join(gathered, began) else { return };
        let members = batch.len();
        let passed = stage(batch);
        let ended = world.clock.boot();
        world.counters.batch(lane.stage, members, ended.saturating_sub(began));
        if passed.trouble.is_some() {
            world.counters.trouble(lane.stage);
        }
        world.troubles.note(lane.stage, passed.trouble, ended);
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
        world.counters.batch(0, members, ended.saturating_sub(began));
        // Whoever waits for a reply comes at once; a row that could not be read waits until that may have changed.
        let (replying, unfinished): (Vec<_>, Vec<_>) =
            submitted.later.into_iter().partition(|arrival| !matches!(arrival, Arrival::Unfinished { .. }));
        later = replying;
        held.keep(unfinished, ended);
        queues.sign.push_all(submitted.intended);
    }
    queues.sign.close();
}

pub(crate) fn reply_of(arrival: Arrival) -> Option<Reply> {
    match arrival {
        Arrival::Submission { reply, .. }
        | Arrival::Endorsement { reply, .. }
        | Arrival::Withdrawal { reply, .. } => Some(reply),
        Arrival::Unfinished { .. } => None,
    }
}
