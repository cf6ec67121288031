//! The engine: a cheap handle to the running stages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use envelope::rekor::SubmittedBody;
use identity::Caller;
use model::{Digest, Instant, PrincipalId, Profile, RequestId, Space};
use quorum::{Book, Witnesses};
use tlog::VerifierKey;

use crate::board::{Reply, Seat};
use crate::cycle::Cycle;
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::stages::{
    Arrival, Lanes, LogStage, LogStageError, Parts, RETRY_AFTER, Received, World, profile_view, records,
};
use crate::{
    EntryError, EntryReply, Lookup, ProfileView, Repeat, Stage, StoreError, Submission, SubmitError, View,
    Write, recovery,
};

/// The running signing cycle. Clones are handles to the same.
#[derive(Clone)]
pub struct Engine {
    world: Arc<World>,
    cycle: Arc<Mutex<Option<Arc<Cycle>>>>,
}

/// What finds a submission that was handed over: as the request that it is, or as the one that it repeats.
#[derive(Debug, Clone)]
pub struct Ticket {
    lookup: Lookup,
    repeat: Repeat,
}

impl Ticket {
    /// The id that was submitted. What it repeats has another.
    pub const fn id(&self) -> RequestId {
        self.lookup.id
    }
}

/// Somebody's wait for a request. It ends when this is dropped, and the reply with it.
#[must_use = "who drops it does not wait any more"]
pub struct Watch {
    world: Weak<World>,
    id: RequestId,
    seat: Option<Seat>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let (Some(world), Some(seat)) = (self.world.upgrade(), self.seat) {
            world.board.leave(self.id, seat);
        }
    }
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The transparency log cannot be opened.
    #[error("the transparency log cannot be opened")]
    Log(#[from] LogStageError),
    /// The key process does not say which key stores it has.
    #[error("the lanes cannot be opened: the key process does not say which key stores it has")]
    Lanes(#[source] signer::SignerError),
    /// The rows in flight cannot be read.
    #[error("the requests in flight cannot be taken up again")]
    Recovery(#[from] StoreError),
    /// A stage has no thread.
    #[error("the stages cannot be started")]
    Threads(#[source] std::io::Error),
}

impl Engine {
    /// Opens the log, starts the stages, and takes up again what was in flight when the last server stopped.
    pub fn start(parts: Parts) -> Result<Self, EngineError> {
        let world = Arc::new(World::new(parts));
        let log = LogStage::open(Arc::clone(&world))?;
        let lanes = Lanes::open(&world).map_err(EngineError::Lanes)?;
        // What comes last counts as a crash if anything fails after it.
        let unfinished = recovery::take_up(&world)?;
        let cycle = Cycle::start(&world, &lanes, log).map_err(EngineError::Threads)?;
        cycle.bring(unfinished);
        Ok(Self { world, cycle: Arc::new(Mutex::new(Some(Arc::new(cycle)))) })
    }

    /// An engine that shows what there is, and takes nothing in: no log is opened, no stage runs, nothing is written.
    pub fn read_only(parts: Parts) -> Self {
        Self { world: Arc::new(World::new(parts)), cycle: Arc::default() }
    }

    /// All that a client needs to compose a request under a profile.
    pub fn profile_view(&self, caller: &Caller, profile: &Space) -> Result<ProfileView, SubmitError> {
        let found = self.world.directory.profile(profile)?.filter(|_| caller.reaches(profile));
        let found = found.ok_or_else(|| SubmitError::NoProfile { profile: profile.clone() })?;
        // A client composes for minutes to come from what it gets here, and signs with none but the keys in it.
        let is_complete =
            |platform: &Platform| found.keys.iter().all(|key| platform.active(&key.key).is_some());
        let platform = self.world.platform(is_complete)?;
        Ok(profile_view(caller.requester(), &found, &platform, self.world.clock.now()))
    }

    /// All profiles, and for each whether this caller may use it, or why not.
    pub fn profiles(&self, caller: &Caller) -> Result<Vec<(Profile, Option<String>)>, SubmitError> {
        let profiles = self.world.directory.profiles()?;
        let platform = self.world.platform(|_| true)?;
        let refused = |profile: &Profile| {
            if !caller.reaches(&profile.name) {
                return Some("the credential does not reach it".to_owned());
            }
            let inactive = profile.keys.iter().find(|key| platform.active(&key.key).is_none());
            inactive.map(|key| format!("its key `{}` has no active generation", key.key))
        };
        let said = |profile: Profile| {
            let why = refused(&profile);
            (profile, why)
        };
        Ok(profiles.into_iter().map(said).collect())
    }

    /// Takes a request in. `reply` is called once: when the request is final, when it waits for endorsements, or when
    /// it was not taken. What comes back finds it meanwhile; nothing does, where it could not be read.
    pub fn submit(&self, caller: Caller, submission: Submission, reply: Reply) -> Option<Ticket> {
        let now = self.world.clock.now();
        match Received::parse(caller, submission, now) {
            Ok(received) => {
                let ticket = Ticket { lookup: received.lookup(now), repeat: received.mode };
                self.offer(Arrival::Submission { received: Box::new(received), reply });
                Some(ticket)
            }
            Err(error) => {
                reply(Err(error));
                None
            }
        }
    }

    /// How a submission stands, under its own id or as the repeat of another; `None` while it is not recorded.
    pub fn submitted(&self, caller: &Caller, ticket: &Ticket) -> Result<Option<View>, SubmitError> {
        let known = self.world.requests.find(std::slice::from_ref(&ticket.lookup))?.pop().unwrap_or_default();
        let repeated = known.by_repeat.filter(|_| ticket.repeat == Repeat::Same);
        match known.by_id.or(known.by_key).or(repeated) {
            Some(id) => self.view(caller, id),
            None => Ok(None),
        }
    }

    /// Takes an endorsement of a request in: the canonical JSON of it, whoever brings it. `reply` is called once, with
    /// how the request stands then: when it is final, where this was the last endorsement that was missing.
    pub fn endorse(&self, id: RequestId, endorsement: Vec<u8>, reply: Reply) {
        self.offer(Arrival::Endorsement { id, endorsement, reply });
    }

    /// Takes a request back that waits. Only its requester may.
    pub fn withdraw(&self, caller: Caller, id: RequestId, reply: Reply) {
        self.offer(Arrival::Withdrawal { id, caller: Box::new(caller), reply });
    }

    /// How a request stands; `None` if there is none that this caller can see.
    pub fn view(&self, caller: &Caller, id: RequestId) -> Result<Option<View>, SubmitError> {
        Ok(self
            .world
            .view(id)?
            .filter(|(row, _)| sees(caller, &row.caller.principal, &row.profile))
            .map(|(_, view)| view))
    }

    /// The request, its items and its endorsements as they were received: what an endorser recomputes.
    pub fn request(&self, caller: &Caller, id: RequestId) -> Result<Option<crate::Row>, SubmitError> {
        Ok(self
            .world
            .view(id)?
            .map(|(row, _)| row)
            .filter(|row| sees(caller, &row.caller.principal, &row.profile)))
    }

    /// Calls `reply` once a request is final: at once, if it is; or at once with how it stands, where too many wait
    /// for it already. Whether the caller may see it is for [`Engine::view`] to say.
    pub fn watch(&self, id: RequestId, reply: Reply) -> Watch {
        Watch { id, seat: self.world.watch(id, reply), world: Arc::downgrade(&self.world) }
    }

    /// The key of the transparency log; `None` where the log was not opened for writing.
    pub fn log_key(&self) -> Option<VerifierKey> {
        self.world.logs.newest()
    }

    /// The key of the log that a checkpoint is of, where it was written to since the start.
    pub fn log_key_of(&self, checkpoint: &str) -> Option<VerifierKey> {
        checkpoint.lines().next().and_then(|origin| self.world.logs.named(origin))
    }

    /// The witnesses that the log had when this was the registry's head; `None` where it had none, or where nobody can say
    /// now.
    pub fn witnesses_of_log(&self, head: &Digest) -> Option<Witnesses> {
        let platform = self.world.platform(|platform| platform.registry().knows_head(head)).ok()?;
        platform.registry().witnesses_under(head, Book::Log).cloned()
    }

    /// Takes an entry in that somebody else asks for. `reply` is called once: with the entry, which may be there already,
    /// once it is under a checkpoint that is public; or with why there is none.
    pub fn log(&self, body: SubmittedBody, reply: EntryReply) {
        match self.cycle() {
            Some(cycle) => cycle.log(body, reply),
            None => reply(Err(EntryError::Closed { retry_after: RETRY_AFTER })),
        }
    }

    /// Records in the ledger how many calls were refused since then whose callers proved nothing, by the kind of
    /// refusal, and how many entries others brought into the log. To be called once a minute at most, so that nobody can fill the ledger from outside.
    pub fn record_strangers(
        &self,
        since: Instant,
        refused: &BTreeMap<&'static str, u64>,
        logged: u64,
    ) -> Result<(), StoreError> {
        let leaf = records::strangers(self.world.place_of_none(), since, refused, logged);
        // CRASH: before this they are counted in memory alone, and forgotten with it.
        self.world.requests.write(&[Write::Note { leaf }]).map(|_| ())
    }

    /// Lets what waited past its deadline expire. To be called now and then.
    pub fn sweep(&self) -> Result<(), SubmitError> {
        let now = self.world.clock.now();
        let overdue = recovery::overdue(&self.world, now)?;
        if let Some(cycle) = self.cycle() {
            cycle.bring(overdue);
        }
        Ok(())
    }

    /// Takes nothing in any more, and returns once what is in flight is finished, as far as it can be.
    pub fn drain(&self) {
        let cycle = self.cycle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(cycle) = cycle {
            cycle.finish();
        }
    }

    /// The counters at this moment.
    pub fn metrics(&self) -> Metrics {
        let queued = self.cycle().map_or_else(Vec::new, |cycle| cycle.queued());
        self.world.counters.snapshot(queued, self.world.log_mark().size())
    }

    /// How many lanes there are.
    pub fn lanes(&self) -> usize {
        self.cycle().map_or(0, |cycle| cycle.lanes())
    }

    /// The stages and lanes that cannot do their part now, each with why; none, where all is well.
    pub fn troubles(&self) -> Vec<(Stage, String)> {
        self.world.troubles.now(self.world.clock.boot())
    }

    fn offer(&self, arrival: Arrival) {
        match self.cycle() {
            Some(cycle) => cycle.offer(arrival),
            None => {
                if let Some(reply) = crate::cycle::reply_of(arrival) {
                    reply(Err(SubmitError::Draining { retry_after: RETRY_AFTER }));
                }
            }
        }
    }

    fn cycle(&self) -> Option<Arc<Cycle>> {
        self.cycle.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// May this caller see a request? Whoever asked may, and whoever may sign in its space under its profile.
pub fn sees(caller: &Caller, requester: &PrincipalId, profile: &Space) -> bool {
    *requester == caller.principal || caller.reaches(profile)
}
