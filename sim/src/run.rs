//! One run: a seed chooses what happens next, until everything has happened; then the world is mended, everything is
//! brought to its end, and what must be true is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authority::TimestampAuthority;
use engine::stages::{
    Arrival, Ended, Intended, LogStage, Received, Settle, Sign, Signed, Stamp, Stamped, Submit, World,
};
use engine::{Parts, State, found_log, take_up};
use model::{RequestId, to_canonical};
use quorum::Registry;
use signer::Signer;
use testkit::{CrashDisk, Fault, HandClock, Seeded};

use crate::check::{self, WatchedKeys, WatchedPolicy};
use crate::clients::{Asked, Told, compose};
use crate::founding::{BEGINNING, endorse};
use crate::store::{CrashStore, Step};
use crate::transport::{Loss, Transport};
use crate::{Platform, Tally};

/// Requests in a run.
const REQUESTS: usize = 50;

/// Steps before the world is mended.
const STEPS: u64 = 900;

/// Rounds in which everything must come to its end once nothing fails any more.
const ROUNDS: usize = 400;

/// An invariant that did not hold.
#[derive(Debug)]
pub struct Violation {
    /// The seed that shows it.
    pub seed: u64,
    /// Which invariant, by its number in ARCHITECTURE.md; 0 for a run that does not end.
    pub invariant: u8,
    /// What was found.
    pub what: String,
}

/// The stages of a server that runs, with what waits in front of each.
struct Server {
    world: Arc<World>,
    submit: Submit,
    sign: Sign,
    stamp: Stamp,
    log: LogStage,
    settle: Settle,
    arrivals: Vec<Arrival>,
    intended: Vec<Intended>,
    signed: Vec<Signed>,
    stamped: Vec<Stamped>,
    ended: Vec<Ended>,
}

struct Run<'a> {
    platform: &'a Platform,
    dice: Seeded,
    clock: Arc<HandClock>,
    disk: CrashDisk,
    store: CrashStore,
    transport: Transport,
    policy: WatchedPolicy,
    registry: Registry,
    server: Option<Server>,
    asked: Vec<Asked>,
    told: Told,
    tally: Tally,
    watch: check::Watch,
}

/// Rehearses one seed.
pub fn rehearse(platform: &Platform, seed: u64) -> Result<Tally, Violation> {
    let violation = |(invariant, what)| Violation { seed, invariant, what };
    let mut run = Run::begin(platform, seed);
    for _ in 0..STEPS {
        run.step();
        run.watch.look(&run.store).map_err(violation)?;
    }
    run.mend();
    run.finish().map_err(violation)?;
    run.check().map_err(violation)?;
    run.collect();
    run.store.rows().iter().for_each(|row| run.tally.end(row.standing.state.word()));
    Ok(run.tally)
}

impl<'a> Run<'a> {
    fn begin(platform: &'a Platform, seed: u64) -> Self {
        let clock = Arc::new(HandClock::at(BEGINNING.after(Duration::from_secs(60))));
        let disk = platform.journal.copy();
        let watch = check::Watch::default();
        let keys = WatchedKeys::new(Arc::clone(&platform.keys), disk.clone(), watch.clone());
        let transport = Transport::new(disk.clone(), Arc::new(keys), Arc::clone(&clock), seed);
        let state = transport.state().expect("nothing fails yet");
        let registry = Registry::replay(state.registry.iter().map(Vec::as_slice));
        let store = CrashStore::new(platform.profiles.clone(), vec![platform.caller.clone()]);
        let mut run = Self {
            platform,
            dice: Seeded::new(seed),
            clock,
            disk,
            store,
            transport,
            policy: WatchedPolicy::default(),
            registry: registry.expect("what the key process tells replays"),
            server: None,
            asked: Vec::new(),
            told: Told::default(),
            tally: Tally::default(),
            watch,
        };
        let world = run.world();
        found_log(&world).expect("nothing fails yet");
        run
    }

    fn world(&mut self) -> Arc<World> {
        let mut dice = Seeded::new(self.dice.number());
        let (store, signer) = (Arc::new(self.store.clone()), Arc::new(self.transport.clone()));
        Arc::new(World::new(Parts {
            clock: Arc::clone(&self.clock) as _,
            random: Box::new(move |bytes| dice.fill(bytes)),
            signer: signer.clone(),
            policy: Arc::new(self.policy.clone()),
            timestamper: Arc::new(TimestampAuthority::new(signer, store.clone())),
            requests: store.clone(),
            ledger: store.clone(),
            directory: store.clone(),
            tiles: store.clone(),
            lock: store,
        }))
    }

    /// One thing happens.
    fn step(&mut self) {
        self.keep_running();
        match self.dice.below(100) {
            0..12 => self.ask(),
            12..18 => self.ask_again(),
            18..28 => self.endorse(),
            28..82 => self.run_a_stage(),
            82..90 => self.clock.advance(Duration::from_millis(1 + self.dice.below(2_000))),
            90..97 => self.plan_a_fault(),
            97 => self.kill_the_server(),
            98 => self.kill_the_key_process(),
            _ => self.set_the_clock(),
        }
        if self.store.is_dark() {
            self.server = None;
        }
    }

    fn keep_running(&mut self) {
        if self.store.is_dark() {
            self.store.switch_on();
        }
        if self.server.is_none() {
            self.server = self.start_a_server();
        }
    }

    /// A server as it starts: it opens the log and takes up what was in flight. It may fail, and is started again.
    fn start_a_server(&mut self) -> Option<Server> {
        let world = self.world();
        let log = LogStage::open(Arc::clone(&world)).ok()?;
        let arrivals = take_up(&world).ok()?;
        Some(Server {
            submit: Submit::new(Arc::clone(&world)),
            sign: Sign::new(Arc::clone(&world)),
            stamp: Stamp::new(Arc::clone(&world)),
            settle: Settle::new(Arc::clone(&world)),
            log,
            arrivals,
            intended: Vec::new(),
            signed: Vec::new(),
            stamped: Vec::new(),
            ended: Vec::new(),
            world,
        })
    }

    fn ask(&mut self) {
        if self.asked.len() >= REQUESTS {
            return self.ask_again();
        }
        let at = usize::try_from(self.dice.below(3)).expect("less than three");
        let profile = &self.platform.profiles[at];
        let now = model::Clock::now(&*self.clock);
        let requester = self.platform.caller.requester();
        let asked = compose(&self.registry, requester, profile, now, &mut self.dice);
        self.submit(asked.clone());
        self.asked.push(asked);
    }

    fn ask_again(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let at = self.below(self.asked.len());
        self.submit(self.asked[at].clone());
    }

    fn submit(&mut self, asked: Asked) {
        let now = model::Clock::now(&*self.clock);
        let Some(server) = &mut self.server else { return };
        let received = Received::parse(self.platform.caller.clone(), asked.submission, now);
        let received = Box::new(received.expect("what clients compose here can be read"));
        server.arrivals.push(Arrival::Submission { received, reply: self.told.reply() });
    }

    /// Somebody who may, endorses something that waits; sometimes twice.
    fn endorse(&mut self) {
        let governed: Vec<Asked> = self.asked.iter().filter(|asked| asked.governed).cloned().collect();
        if governed.is_empty() {
            return;
        }
        let asked = &governed[self.below(governed.len())];
        let person = &self.platform.endorsers[self.below(self.platform.endorsers.len())];
        let now = model::Clock::now(&*self.clock);
        let endorsement = endorse(person, &self.registry.platform(), &asked.digest, now);
        let (id, endorsement, reply) = (asked.id, to_canonical(&endorsement), self.told.reply());
        if let Some(server) = &mut self.server {
            server.arrivals.push(Arrival::Endorsement { id, endorsement, reply });
        }
    }

    fn run_a_stage(&mut self) {
        let stage = self.dice.below(5);
        let share = self.dice.below(3);
        if let Some(server) = &mut self.server {
            server.run(stage, share);
        }
    }

    /// Something will go wrong soon: on the server's disk, on the key process's, or between the two.
    fn plan_a_fault(&mut self) {
        let nth = self.dice.below(12);
        let fault = [Fault::Error, Fault::CutBefore, Fault::CutAfter, Fault::Full][self.below(4)];
        match self.dice.below(5) {
            0 | 1 => self.store.plan(nth, fault),
            2 | 3 => self.disk.plan(nth, fault),
            _ => self.transport.plan(nth % 4, if nth < 4 { Loss::Frame } else { Loss::Reply }),
        }
    }

    fn kill_the_server(&mut self) {
        self.server = None;
        self.tally.count("server", "kill");
        if self.dice.below(2) == 0 {
            self.store.cut(self.dice.number());
            self.tally.count("server", "power cut");
        }
    }

    fn kill_the_key_process(&mut self) {
        self.transport.kill();
        self.tally.count("key process", "kill");
        if self.dice.below(2) == 0 {
            self.disk.cut(self.dice.number());
            self.tally.count("key process", "power cut");
        }
    }

    /// Somebody sets the clock, an hour or a day, either way.
    fn set_the_clock(&mut self) {
        let by = Duration::from_secs([3_600, 86_400][self.below(2)]);
        let now = model::Clock::now(&*self.clock);
        self.clock.set_now(if self.dice.below(2) == 0 { now.after(by) } else { now.before(by) });
        self.tally.count("clock", "jump");
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.dice.below(bound)).expect("below a small bound")
    }

    /// Nothing fails any more, and the clock is right.
    fn mend(&mut self) {
        self.collect();
        self.store.switch_on();
        self.disk.switch_on();
        self.transport.mend();
        let boot = model::Clock::boot(&*self.clock).saturating_sub(Duration::from_secs(3_600));
        self.clock.set_now(BEGINNING.after(Duration::from_secs(60)).after(boot));
        self.transport.kill();
        self.server = None;
    }

    /// Everything comes to its end: clients ask until they know.
    fn finish(&mut self) -> Result<(), (u8, String)> {
        for round in 0..ROUNDS {
            self.keep_running();
            let open: Vec<Asked> =
                self.asked.iter().filter(|asked| !self.told.is_final(&asked.id)).cloned().collect();
            if open.iter().all(|asked| self.is_left(asked)) {
                return Ok(());
            }
            if round % 8 == 0 {
                open.into_iter().for_each(|asked| self.submit(asked));
            }
            self.clock.advance(Duration::from_millis(50));
            if let Some(server) = &mut self.server {
                (0..5).for_each(|stage| server.run(stage, 2));
            }
            self.watch.look(&self.store)?;
        }
        let open: Vec<_> = self.asked.iter().filter(|asked| !self.told.is_final(&asked.id)).collect();
        let states: BTreeMap<RequestId, State> =
            self.store.rows().iter().map(|row| (row.id, row.standing.state)).collect();
        let standing: Vec<String> =
            open.iter().take(3).map(|asked| format!("{} {:?}", asked.id, states.get(&asked.id))).collect();
        let (count, error) = (open.len(), self.told.last_error());
        Err((
            0,
            format!("{count} are not final after {ROUNDS} quiet rounds: {}; {error}", standing.join(", ")),
        ))
    }

    /// Is it right that nobody knows more of this one? It waits for people, or it was never taken and its time is not
    /// now, because a clock was wrong when it was composed.
    fn is_left(&self, asked: &Asked) -> bool {
        match self.store.rows().iter().find(|row| row.id == asked.id) {
            Some(row) => row.standing.state == State::Waiting,
            None => {
                let now = model::Clock::now(&*self.clock);
                !(asked.created <= now && now < asked.deadline)
            }
        }
    }

    fn check(&mut self) -> Result<(), (u8, String)> {
        check::Ending {
            registry: &self.registry,
            store: &self.store,
            signer: &self.transport,
            policy: &self.policy,
            asked: &self.asked,
            told: &self.told.all(),
            watch: &self.watch,
        }
        .check()
    }

    /// Adds what was met to the tally.
    fn collect(&mut self) {
        for (step, fault) in self.store.met() {
            let step = match step {
                Step::Intent => "intent",
                Step::Swap => "checkpoint swap",
                Step::Tiles => "tiles",
                Step::Publish => "published checkpoint",
                Step::Outcome => "outcome",
            };
            self.tally.count(step, name(fault));
        }
        for (fault, action) in self.disk.met() {
            let step = match action {
                "write" => "journal write",
                "sync" => "journal sync",
                "replace" => "journal segment",
                _ => "journal read",
            };
            self.tally.count(step, name(fault));
        }
        for loss in self.transport.met() {
            self.tally.count("frame", if loss == Loss::Frame { "lost frame" } else { "lost reply" });
        }
    }
}

const fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Error => "error",
        Fault::CutBefore => "cut before",
        Fault::CutAfter => "cut after",
        Fault::Full => "full disk",
    }
}

impl Server {
    /// Runs one stage over all that waits in front of it, over half, or over one.
    fn run(&mut self, stage: u64, share: u64) {
        match stage {
            0 => {
                let submitted = self.submit.run(take(&mut self.arrivals, share));
                self.intended.extend(submitted.intended);
                self.arrivals.extend(submitted.later);
            }
            1 => {
                let passed = self.sign.run(take(&mut self.intended, share));
                self.intended.extend(passed.again);
                self.signed.extend(passed.next);
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            2 => {
                let passed = self.stamp.run(take(&mut self.signed, share));
                self.signed.extend(passed.again);
                self.stamped.extend(passed.next);
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            3 => {
                let passed = self.log.run(take(&mut self.stamped, share));
                self.stamped.extend(passed.again);
                self.ended.extend(passed.next.into_iter().map(Ended::Logged));
                self.ended.extend(passed.stopped.into_iter().map(Ended::Stopped));
            }
            _ => {
                let passed = self.settle.run(take(&mut self.ended, share));
                self.ended.extend(passed.again);
            }
        }
        let _ = &self.world;
    }
}

fn take<T>(queue: &mut Vec<T>, share: u64) -> Vec<T> {
    let count = match share {
        0 => queue.len().min(1),
        1 => queue.len().div_ceil(2),
        _ => queue.len(),
    };
    queue.drain(..count).collect()
}
