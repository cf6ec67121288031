//! One run: a seed chooses what happens next, until everything has happened; then the world is mended, everything is
//! brought to its end, and what must be true is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authority::TimestampAuthority;
use engine::stages::{Arrival, Received, World};
use engine::{Parts, State, found_log};
use model::{Clock as _, Form, Instant, KeyId, RequestId};
use quorum::{KeyState, Registry};
use signer::{Agreement, Signer as _};
use testkit::{HandClock, Seeded};

use crate::cells::{self, Fault, Kind, Step};
use crate::check::{Ending, WatchedPolicy, root_at};
use crate::clients::{Asked, Told, compose};
use crate::disk::JournalDisk;
use crate::founding::{BEGINNING, space};
use crate::index::CrashIndex;
use crate::keys::WatchedKeys;
use crate::logs::origin;
use crate::server::{Server, Share, Stage};
use crate::store::{CrashStore, Reach};
use crate::stores::Store;
use crate::submitters::Submitters;
use crate::transport::{Ends, Transport};
use crate::truth::{Found, Truth, must};
use crate::{Platform, Tally, outcomes};

/// Requests in a run that were taken in, at least.
const REQUESTS_MIN: usize = 50;

/// Faults in a run that were met, at least.
const FAULTS_MIN: u64 = 5;

/// Steps before the world is mended; more, where the above did not happen yet.
const STEPS: u64 = 900;

/// More steps than any run needs.
const STEPS_MAX: u64 = 20_000;

/// Rounds in which everything must come to its end once nothing fails any more.
const ROUNDS: usize = 400;

/// Rounds with a server whose store is a backup.
const ROUNDS_AFTER_BACKUP: usize = 40;

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

pub(crate) struct Run<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) dice: Seeded,
    pub(crate) clock: Arc<HandClock>,
    disk: JournalDisk,
    keys: WatchedKeys,
    store: CrashStore,
    index: CrashIndex,
    submitters: Submitters,
    pub(crate) transport: Transport,
    policy: WatchedPolicy,
    pub(crate) registry: Registry,
    server: Option<Server>,
    pub(crate) asked: Vec<Asked>,
    told: Told,
    pub(crate) tally: Tally,
    pub(crate) truth: Truth,
    notes: Vec<String>,
    /// The latest time that a clock ever showed.
    latest: Instant,
    backup: Option<CrashStore>,
    naps: BTreeMap<Store, Nap>,
}

/// For so many turns nothing of a lane comes through.
struct Nap {
    left: u64,
    /// Did anybody wait for it?
    met: bool,
}

/// Rehearses one seed.
pub fn rehearse(platform: &Platform, seed: u64) -> Result<Tally, Violation> {
    let violation = |(invariant, what)| Violation { seed, invariant, what };
    let mut run = Run::begin(platform, seed);
    run.act().map_err(violation)?;
    crate::witnesses::rehearse(platform, seed, &mut run.tally).map_err(violation)?;
    Ok(run.tally)
}

impl<'a> Run<'a> {
    fn begin(platform: &'a Platform, seed: u64) -> Self {
        let clock = Arc::new(HandClock::at(BEGINNING.after(Duration::from_secs(60))));
        let disk = JournalDisk::new(platform.journal.copy());
        let registry = platform.registry();
        let truth = Truth::begin(&registry, platform.people.endorsers.iter().map(|person| person.person));
        let keys = WatchedKeys::new(platform.keys.clone(), disk.clone(), Arc::clone(&clock), truth.clone());
        let store = CrashStore::new(platform.profiles.clone(), platform.people.callers());
        let transport = Transport::new(Ends {
            disk: disk.clone(),
            keys: keys.clone(),
            clock: Arc::clone(&clock),
            store: store.clone(),
            truth: truth.clone(),
            seed,
        });
        let mut run = Self {
            platform,
            dice: Seeded::new(seed),
            clock,
            disk,
            keys,
            told: Told::new(store.clone(), truth.clone()),
            store,
            index: CrashIndex::default(),
            submitters: Submitters::default(),
            transport,
            policy: WatchedPolicy::default(),
            registry,
            server: None,
            asked: Vec::new(),
            tally: Tally::default(),
            truth,
            notes: Vec::new(),
            latest: BEGINNING,
            backup: None,
            naps: BTreeMap::new(),
        };
        let world = run.world();
        found_log(&world).expect("nothing fails yet");
        run
    }

    fn world(&mut self) -> Arc<World> {
        let mut dice = Seeded::new(self.dice.number());
        let (store, signer) = (Arc::new(self.store.clone()), Arc::new(self.transport.clone()));
        Arc::new(World::new(Parts {
            clock: self.clock.clone(),
            random: Box::new(move |bytes| dice.fill(bytes)),
            signer: signer.clone(),
            policy: Arc::new(self.policy.clone()),
            timestamper: Arc::new(TimestampAuthority::new(signer, store.clone(), self.clock.clone())),
            requests: store.clone(),
            ledger: store.clone(),
            directory: store.clone(),
            tiles: store.clone(),
            lock: store,
            index: Arc::new(self.index.clone()),
        }))
    }

    /// All of it, in its order.
    fn act(&mut self) -> Found {
        let mut steps = 0;
        while steps < STEPS || self.tally.faults() < FAULTS_MIN || self.store.count() < REQUESTS_MIN {
            self.step();
            self.look()?;
            steps += 1;
            must(steps < STEPS_MAX, 0, || "too little happens".to_owned())?;
        }
        self.mend();
        self.finish()?;
        self.ending().check()?;
        self.count_endings();
        self.rehearse_backup()
    }

    /// Looks at what is public now, and at what was found.
    fn look(&mut self) -> Found {
        self.latest = self.latest.max(self.clock.now());
        if let Ok(Some(note)) = tlog::TileStore::published(&self.store)
            && self.notes.last() != Some(&note)
        {
            self.notes.push(note);
        }
        self.truth.look()
    }

    /// One thing happens.
    fn step(&mut self) {
        self.keep_running();
        match self.dice.below(100) {
            0..9 => self.ask(),
            9..13 => self.ask_again(),
            13 => self.bring_an_entry(),
            14..26 => self.endorse(),
            26..86 => self.run_a_stage(),
            86..92 => self.clock.advance(Duration::from_millis(1 + self.dice.below(2_000))),
            92..94 => self.plan_a_fault(),
            94..96 => self.administer(),
            96 => self.intrude(),
            97 => self.keep_house(),
            _ => self.set_the_clock_right(),
        }
        if self.store.is_dark() {
            self.server = None;
        }
        self.collect();
    }

    fn keep_running(&mut self) {
        if self.store.is_dark() {
            self.store.switch_on();
        }
        if self.server.is_none() {
            let world = self.world();
            self.server = Server::start(&world);
        }
    }

    /// Mostly the pipeline asks; now and then somebody who endorses as well, or who may not.
    fn ask(&mut self) {
        if self.store.count() >= REQUESTS_MIN + 10 {
            return self.ask_again();
        }
        let people = &self.platform.people;
        let caller = match self.dice.below(16) {
            0 => people.guest.clone(),
            1..5 => people.engineer.clone(),
            _ => people.pipeline.clone(),
        };
        let profile = self.platform.profiles[self.below(self.platform.profiles.len())].clone();
        let now = self.clock.now();
        let asked = compose(&self.registry, &caller, &profile, now, &mut self.dice);
        let Some(asked) = asked else { return };
        self.truth.asked(&asked);
        self.submit(asked.clone());
        self.asked.push(asked);
    }

    fn ask_again(&mut self) {
        if !self.asked.is_empty() {
            let at = self.below(self.asked.len());
            self.submit(self.asked[at].clone());
        }
    }

    /// Somebody brings entries of their own. Now and then the index has no room for them.
    fn bring_an_entry(&mut self) {
        let Some(server) = &mut self.server else { return };
        for _ in 0..=self.dice.below(3) {
            server.entrants.push(self.submitters.bring(&mut self.dice));
        }
        if self.dice.below(8) == 0 {
            self.index.fill(self.dice.below(3));
        }
    }

    fn submit(&mut self, asked: Asked) {
        let now = self.clock.now();
        let Some(server) = &mut self.server else { return };
        let received = Received::parse(asked.caller, asked.submission, now);
        let received = Box::new(received.expect("what clients compose here can be read"));
        server.arrivals.push(Arrival::Submission { received, reply: self.told.reply() });
    }

    /// Brings an endorsement to a request that waits.
    pub(crate) fn bring(&mut self, asked: &Asked, endorsement: Vec<u8>) {
        let reply = self.told.reply();
        if let Some(server) = &mut self.server {
            server.arrivals.push(Arrival::Endorsement { id: asked.id, endorsement, reply });
        }
    }

    /// A governed request that waits, if there is one; sometimes one that does not.
    pub(crate) fn pick_governed(&mut self) -> Option<Asked> {
        let waits = |asked: &&Asked| {
            self.store.row(&asked.id).is_some_and(|row| row.standing.state == State::Waiting)
        };
        let governed = self.asked.iter().filter(|asked| asked.governed);
        let waiting: Vec<Asked> = governed.clone().filter(waits).cloned().collect();
        let among = if waiting.is_empty() { governed.cloned().collect() } else { waiting };
        if among.is_empty() {
            return None;
        }
        let at = self.below(among.len());
        among.get(at).cloned()
    }

    fn run_a_stage(&mut self) {
        let stage = Stage::ALL[self.below(Stage::ALL.len())];
        let share = [Share::One, Share::Half, Share::All][self.below(3)];
        if self.is_asleep(stage) {
            return;
        }
        if let Some(server) = &mut self.server {
            server.run(stage, share);
        }
    }

    /// Is the lane slow at this time?
    fn is_asleep(&mut self, stage: Stage) -> bool {
        let Stage::Sign(store) = stage else { return false };
        let Some(nap) = self.naps.get_mut(&store) else { return false };
        let wanted = self.server.as_ref().is_some_and(|server| server.is_wanted(store));
        if wanted && !std::mem::replace(&mut nap.met, true) {
            self.tally.count(Step::Lane(store), Fault::Slow);
        }
        nap.left -= 1;
        if nap.left == 0 {
            self.naps.remove(&store);
        }
        true
    }

    /// Something goes wrong now, or soon: every cell of the table is as likely as any other.
    fn plan_a_fault(&mut self) {
        let cells = cells::all();
        let (step, fault) = cells[self.below(cells.len())];
        match (step.kind(), step) {
            (Kind::Disk, Step::JournalSegment) => self.disk.plan(step, 0, fault),
            (Kind::Disk, Step::JournalWrite | Step::JournalSync) => {
                self.disk.plan(step, self.dice.below(4), fault);
            }
            (Kind::Disk, _) => self.store.plan(step, self.dice.below(4), fault),
            (Kind::Line, _) => self.transport.plan(step, self.dice.below(4), fault),
            (Kind::Lane, Step::Lane(store)) => self.plan_in_a_lane(store, fault),
            (Kind::Lane, _) => {}
            (Kind::Module, _) => self.keys.plan_in_the_module(self.dice.below(4), fault),
            (Kind::Process, Step::Server) => self.stop_the_server(fault),
            (Kind::Process, _) => self.stop_the_key_process(fault),
            (Kind::Clock, _) => self.set_the_clock(),
        }
    }

    fn plan_in_a_lane(&mut self, store: Store, fault: Fault) {
        match fault {
            Fault::LostFrame | Fault::LostReply => {
                self.transport.plan(Step::Lane(store), self.dice.below(2), fault);
            }
            Fault::Slow => {
                self.naps.insert(store, Nap { left: 5 + self.dice.below(40), met: false });
            }
            _ => self.keys.plan(store, self.dice.below(4), fault),
        }
    }

    fn stop_the_server(&mut self, fault: Fault) {
        self.server = None;
        if fault == Fault::PowerCut {
            self.store.cut(self.dice.number());
            self.index.cut(self.dice.number());
        }
        self.tally.count(Step::Server, fault);
    }

    fn stop_the_key_process(&mut self, fault: Fault) {
        self.transport.kill();
        if fault == Fault::PowerCut {
            self.disk.cut(self.dice.number());
        }
        self.tally.count(Step::KeyProcess, fault);
    }

    /// Somebody sets the clock, an hour or a day, either way.
    fn set_the_clock(&mut self) {
        let by = Duration::from_secs([3_600, 86_400][self.below(2)]);
        let now = self.clock.now();
        self.clock.set_now(if self.dice.below(2) == 0 { now.after(by) } else { now.before(by) });
        self.tally.count(Step::Clock, Fault::Jump);
    }

    fn set_the_clock_right(&mut self) {
        let boot = self.clock.boot().saturating_sub(Duration::from_secs(3_600));
        self.clock.set_now(BEGINNING.after(Duration::from_secs(60)).after(boot));
    }

    /// Now and then somebody takes a backup of the server; the last one is kept. Or somebody may ask for less from now on,
    /// or for as much as before: what is in flight then is refused once it is taken up again.
    fn keep_house(&mut self) {
        if self.dice.below(4) == 0 {
            self.backup = Some(self.store.copy());
            return;
        }
        let people = &self.platform.people;
        let callers = [people.pipeline.principal, people.engineer.principal];
        let reach = match self.dice.below(8) {
            0 => Reach::Nothing,
            1 => Reach::Disabled,
            _ => Reach::Whole,
        };
        let principal = callers[self.below(2)];
        self.store.reach(principal, reach);
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.dice.below(bound)).expect("below a small bound")
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The key that is taken away and given back.
    pub(crate) fn plain_key(&self) -> (KeyId, KeyState) {
        let key = self.registry.key_named(&space("release/blob"), 1).expect("it was founded with one");
        (key.record.id(), key.state)
    }

    /// Reads the registry anew, if the key process can be reached.
    pub(crate) fn refresh(&mut self) {
        let Ok(state) = self.transport.state() else { return };
        if u64::try_from(state.registry.len()).is_ok_and(|entries| entries == self.registry.entries()) {
            return;
        }
        if let Ok(registry) = state.replay() {
            self.truth.learn(&registry);
            self.registry = registry;
        }
    }

    /// Nothing fails any more, and the clock is right.
    fn mend(&mut self) {
        self.collect();
        self.store.mend();
        self.index.fill(0);
        self.disk.mend();
        self.keys.mend();
        self.transport.mend();
        self.naps.clear();
        self.set_the_clock_right();
        self.transport.kill();
        self.server = None;
        self.refresh();
    }

    /// Everything comes to its end: the server is started once more, and clients ask until they know.
    fn finish(&mut self) -> Found {
        for round in 0..ROUNDS {
            let open = self.open();
            // A checkpoint that was shown when the power went is shown again by the next start, which is this one.
            if open.is_empty() && round > 0 {
                return Ok(());
            }
            if round % 8 == 0 {
                open.into_iter().for_each(|asked| self.submit(asked));
            }
            self.run_a_round(patience(round))?;
        }
        let open = self.open();
        let standing: Vec<String> = open
            .iter()
            .take(3)
            .map(|asked| format!("{} {:?}", asked.id, self.store.row(&asked.id).map(|row| row.standing)))
            .collect();
        let (count, standing, error) = (open.len(), standing.join(", "), self.told.last_error());
        Err((0, format!("{count} are not final after {ROUNDS} quiet rounds: {standing}; {error}")))
    }

    fn run_a_round(&mut self, tick: Duration) -> Found {
        self.keep_running();
        self.clock.advance(tick);
        if let Some(server) = &mut self.server {
            Stage::ALL.into_iter().for_each(|stage| server.run(stage, Share::All));
        }
        self.look()
    }

    /// Those whose clients do not know how they ended, and should.
    fn open(&self) -> Vec<Asked> {
        let open = self.asked.iter().filter(|asked| !self.told.is_final(&asked.id) && !self.is_left(asked));
        open.cloned().collect()
    }

    /// Is it right that nobody knows more of this one? It waits for people, or it was never taken: its time is not
    /// now, because a clock was wrong when it was composed, or its key was taken away.
    fn is_left(&self, asked: &Asked) -> bool {
        if let Some(row) = self.store.row(&asked.id) {
            return row.standing.state == State::Waiting;
        }
        let suspended = asked.contents.iter().any(|(key, _)| self.registry.active_key(key).is_none());
        let now = self.clock.now();
        suspended || !(asked.created <= now && now < asked.deadline)
    }

    fn ending(&self) -> Ending<'_> {
        Ending {
            registry: &self.registry,
            store: &self.store,
            disk: &self.disk,
            latest: self.latest,
            signer: &self.transport,
            policy: &self.policy,
            asked: &self.asked,
            told: self.told.all(),
            truth: &self.truth,
            notes: &self.notes,
            submitters: &self.submitters,
        }
    }

    /// A backup takes the place of the store. What the log lost, the key process knows.
    fn rehearse_backup(&mut self) -> Found {
        let Some(backup) = self.backup.take() else { return Ok(()) };
        if backup.newest_checkpoint() == self.store.newest_checkpoint() {
            self.tally.note("backups that missed nothing", 1);
            return Ok(());
        }
        let before = self.truth.all_heads();
        self.server = None;
        self.store.restore(&backup);
        self.check_ledger_of_backup()?;
        let (now, pipeline) = (self.clock.now(), self.platform.people.pipeline.clone());
        let profile = self.platform.profiles[0].clone();
        let fresh = compose(&self.registry, &pipeline, &profile, now, &mut self.dice);
        fresh.iter().for_each(|asked| self.truth.asked(asked));
        for round in 0..ROUNDS_AFTER_BACKUP {
            self.run_a_round(Duration::from_millis(50))?;
            if round % 8 == 0 {
                let asked: Vec<Asked> = self.asked.iter().chain(&fresh).cloned().collect();
                asked.into_iter().for_each(|asked| self.submit(asked));
            }
        }
        let refused = self.transport.forks_refused();
        let stands_still = self.truth.all_heads() == before;
        self.tally.note("stale backups whose log stands still", u64::from(stands_still));
        self.tally.note("stale backups whose log came to be what it was", u64::from(!stands_still));
        // After a clock ran ahead, the request of today is over before it reaches the log.
        let is_over = fresh.is_none_or(|asked| self.told.is_final(&asked.id));
        // A server that is started on such a store finds that the log in use is not in it, and takes nothing.
        let is_left = self.lacks_the_log_in_use();
        self.tally.note("stale backups from before a succession", u64::from(is_left));
        must(refused > 0 || !stands_still || is_over || is_left, 9, || {
            format!("a stale log was not refused: {}", self.told.last_error())
        })?;
        self.ending().check_heads()
    }

    fn lacks_the_log_in_use(&self) -> bool {
        let stored = self.store.newest_checkpoint().unwrap_or_default();
        let in_use = self.registry.in_use(Form::Checkpoint, self.clock.now());
        let in_use = in_use.and_then(|key| key.record.origin.as_deref()).unwrap_or_default();
        in_use != origin(&stored) && !self.truth.heads(in_use).is_empty()
    }

    /// A backup that misses what was decided before a signature shows in what the journal saw of the ledger.
    fn check_ledger_of_backup(&mut self) -> Found {
        let recorded = self.transport.state().map_err(|error| (7, error.to_string()))?.ledger;
        let leaves = self.store.all_leaves();
        let agreement = Agreement::of_ledger(recorded, root_at(&leaves, recorded.size));
        let lacks = |id: &RequestId| self.store.row(id).is_none();
        let lost = self
            .told
            .all()
            .into_iter()
            .any(|(id, views)| lacks(&id) && views.iter().any(|view| view.state == State::Done));
        self.tally.note("backups that lack what was signed since", u64::from(lost));
        must(!lost || agreement == Agreement::StoreBehind, 7, || {
            format!("a ledger that was put back to {} leaves does not show", leaves.len())
        })
    }

    fn count_endings(&mut self) {
        self.tally.note("entries of others that were answered", self.submitters.count());
        let recalled = u64::try_from(outcomes::recalled(&self.store).len()).expect("a few");
        self.tally.note("signatures that were recalled", recalled);
        for row in self.store.rows() {
            let profile = self.platform.profiles.iter().find(|profile| profile.name == row.profile);
            let governed = profile.is_some_and(|profile| profile.name.as_str() == "release/governed");
            let profile = if governed { "governed" } else { "not governed" };
            self.tally.end(profile, row.standing.state.word());
        }
    }

    /// Adds what was met to the tally.
    fn collect(&mut self) {
        let met = [self.store.met(), self.disk.met(), self.keys.met(), self.transport.met()];
        met.into_iter().flatten().for_each(|(step, fault)| self.tally.count(step, fault));
    }
}

/// How long a client waits that has asked so often. What cannot be done while the key process doubts the clock ends
/// when its time has passed, or when the clock has caught up with what was signed while it ran ahead.
const fn patience(round: usize) -> Duration {
    match round {
        0..200 => Duration::from_millis(50),
        200..300 => Duration::from_secs(60),
        _ => Duration::from_secs(6 * 3_600),
    }
}
