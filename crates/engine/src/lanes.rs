//! The one place with threads: each stage on its own, behind one bounded queue, taking whatever has gathered.

use std::sync::Arc;
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
    threads: Vec<JoinHandle<()>>,
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
        let mut lanes = Self { world: Arc::clone(world), queues: Arc::clone(&queues), threads: Vec::new() };
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

    /// Takes nothing in any more. What is in flight is finished, as far as it can be.
    pub(crate) fn close(&self) {
        self.queues.submit.close();
    }

    fn spawn(
        &mut self,
        name: &str,
        lane: impl FnOnce(&World, &Queues) + Send + 'static,
    ) -> std::io::Result<()> {
        let (world, queues) = (Arc::clone(&self.world), Arc::clone(&self.queues));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || lane(&world, &queues))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            // A stage that panicked said so already; the others are waited for all the same.
            let _ = thread.join();
        }
        self.world.board.close(|| SubmitError::Draining { retry_after: RETRY_AFTER });
    }
}

struct Lane<'a, T> {
    stage: usize,
    queue: &'a Queue<T>,
}

/// Runs a stage until its queue is closed and empty. What could not be done is held and tried again together with
/// what has gathered, after a pause that doubles; what is held when the end comes is left to recovery.
fn run<Same, Next>(
    world: &World,
    lane: Lane<'_, Same>,
    mut stage: impl FnMut(Vec<Same>) -> Passed<Next, Same>,
    mut forward: impl FnMut(Vec<Next>, Vec<Stopped>),
) {
    let mut held: Vec<Same> = Vec::new();
    let mut pause = BACK_OFF.0;
    loop {
        let room = BATCH_MAX.saturating_sub(held.len());
        let gathered = match held.is_empty() {
            true => lane.queue.take(BATCH_MAX, None),
            false => {
                thread::sleep(pause);
                pause = (pause * 2).min(BACK_OFF.1);
                lane.queue.take(room, Some(Duration::ZERO))
            }
        };
        let mut batch = std::mem::take(&mut held);
        match gathered {
            Batch::Of(more) => batch.extend(more),
            Batch::Idle => {}
            Batch::Closed => return,
        }
        let (members, began) = (batch.len(), world.clock.boot());
        let passed = stage(batch);
        world.counters.batch(lane.stage, members, world.clock.boot().saturating_sub(began));
        if passed.trouble.is_some() {
            world.counters.trouble(lane.stage);
        }
        world.troubles.note(lane.stage, passed.trouble);
        held = passed.again;
        if held.is_empty() {
            pause = BACK_OFF.0;
        }
        forward(passed.next, passed.stopped);
    }
}

/// Submit has no one to hold back: who waits for a reply is told, and what nobody waits for comes once more.
fn run_submit(world: &World, queues: &Queues, submit: &Submit) {
    let mut later: Vec<Arrival> = Vec::new();
    let mut pause = BACK_OFF.0;
    loop {
        let gathered = match later.is_empty() {
            true => queues.submit.take(BATCH_MAX, None),
            false => queues.submit.take(BATCH_MAX, Some(Duration::ZERO)),
        };
        let mut batch = std::mem::take(&mut later);
        match gathered {
            Batch::Of(more) => batch.extend(more),
            Batch::Idle => {}
            Batch::Closed if batch.is_empty() => break,
            Batch::Closed => {}
        }
        let (members, began) = (batch.len(), world.clock.boot());
        let submitted = submit.run(batch);
        world.counters.batch(0, members, world.clock.boot().saturating_sub(began));
        later = submitted.later;
        if later.len() == members {
            // Nothing of it could be done: the store or the key process is away.
            thread::sleep(pause);
            pause = (pause * 2).min(BACK_OFF.1);
        } else {
            pause = BACK_OFF.0;
        }
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
