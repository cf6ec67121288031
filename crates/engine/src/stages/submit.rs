//! Submit: from what arrives to a recorded intent, in one transaction a batch.

mod decide;
mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;

use identity::Caller;
use model::{Digest, Instant, PrincipalId, RequestId, Space};

use super::lane::Passage;
use super::{Condemned, Fate, Lanes, LogMark, Received, Trouble, Warrant, World};
use crate::board::Reply;
use crate::submission::Repeat;
use crate::{Stage, Standing, State, SubmitError, View, Write};

/// What reaches Submit.
pub enum Arrival {
    /// A request.
    Submission {
        /// What was received.
        received: Box<Received>,
        /// Called once it waits for endorsements, is final, or was not taken.
        reply: Reply,
    },
    /// An endorsement, or a rejection, of a request that waits.
    Endorsement {
        /// The request.
        id: RequestId,
        /// The canonical JSON of the endorsement.
        endorsement: Vec<u8>,
        /// Called with how the request stands then.
        reply: Reply,
    },
    /// The requester takes a request back that waits.
    Withdrawal {
        /// The request.
        id: RequestId,
        /// Who says so.
        caller: Box<Caller>,
        /// Called with how the request stands then.
        reply: Reply,
    },
    /// A row that was in flight when a server stopped, or that waited too long.
    Unfinished {
        /// The request.
        id: RequestId,
    },
}

/// A request whose intent is durable: the one thing that is ordered from the key process.
#[derive(Debug)]
pub struct Intended {
    // INVARIANT: built only after the intent was written, or from a row in which it was.
    warrant: Warrant,
    pub(crate) entry: Entry,
    /// Through the lanes in which it is not signed yet.
    pub(crate) passages: Vec<Passage>,
}

/// May the log hold the request's entries already?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// No: nothing of it was ever staged.
    New,
    /// Perhaps, from there on: look there first.
    Perhaps { from: LogMark },
}

/// What Submit made of a batch.
#[derive(Default)]
pub struct Submitted {
    /// What goes on to Sign.
    pub intended: Vec<Intended>,
    /// What has to be looked at once more after this batch.
    pub later: Vec<Arrival>,
}

/// The first stage. It is the only one that asks policy and counts endorsements.
pub struct Submit {
    world: Arc<World>,
    lanes: Lanes,
}

/// What is to be done about one arrival.
enum Plan {
    /// Ask policy, count, and go by what they say.
    Ask(Box<decide::Case>),
    /// It ends without receipts: recall what was signed of it.
    Recall(Box<Condemned>),
    /// Write this, and then tell how it stands.
    Settle { write: Write, ending: Ending, reply: Option<Reply> },
    /// It repeats this request.
    Join { id: RequestId, reply: Reply },
    /// It is not taken.
    Fail { error: SubmitError, reply: Reply },
    /// It cannot be done now and nobody waits for it.
    Later(Arrival),
}

/// How a request stands after a write, and what is counted of it.
struct Ending {
    view: View,
    profile: Space,
    submitted: Instant,
}

/// What follows once a write stands.
enum Then {
    /// On to Sign.
    Go { warrant: Box<Warrant>, entry: Entry, passages: Vec<Passage>, reply: Option<Reply> },
    /// Tell how it stands.
    Tell { ending: Ending, reply: Option<Reply> },
}

impl Intended {
    pub(crate) const fn received(&self) -> &Received {
        &self.fitting().received
    }

    pub(crate) const fn fitting(&self) -> &super::Fitting {
        self.warrant.fitting()
    }

    pub(crate) fn endorsements(&self) -> &[Vec<u8>] {
        self.warrant.endorsements()
    }

    /// What may be ordered for it.
    pub(crate) const fn warrant(&self) -> &Warrant {
        &self.warrant
    }

    /// How it ends, where it gets no receipts.
    pub(crate) const fn fate(&self) -> Option<&Fate> {
        self.warrant.fate()
    }

    /// The same, which ends without receipts.
    pub(crate) fn condemned(self, fate: Fate) -> Self {
        Self { warrant: self.warrant.condemn(fate), ..self }
    }

    /// Its id.
    pub const fn id(&self) -> RequestId {
        self.received().id()
    }
}

impl Submit {
    /// The stage over a world, in front of these lanes.
    pub const fn new(world: Arc<World>, lanes: Lanes) -> Self {
        Self { world, lanes }
    }

    /// Takes a batch in. Whoever waits for a member that is not taken, refused, or has to wait, is told.
    pub fn run(&self, batch: Vec<Arrival>) -> Submitted {
        let (batch, mut later) = distinct(batch);
        let mut cases = Vec::new();
        let mut steps = Vec::new();
        for plan in self.plan(batch) {
            match plan {
                Plan::Ask(case) => cases.push(*case),
                Plan::Recall(condemned) => steps.extend(self.recall(*condemned, &mut later)),
                Plan::Settle { write, ending, reply } => {
                    steps.push((Some(write), Then::Tell { ending, reply }));
                }
                Plan::Join { id, reply } => self.world.join(id, reply),
                Plan::Fail { error, reply } => reply(Err(error)),
                Plan::Later(arrival) => later.push(arrival),
            }
        }
        steps.extend(self.decide(cases, &mut later));
        // CRASH: before this, nothing of the batch is recorded and nobody was told anything.
        let intended = self.write(steps, &mut later);
        // CRASH: after it, what is intended is ordered by recovery, and every view is in the rows.
        Submitted { intended, later }
    }

    /// Writes all in one transaction; what stands goes on, the rest is told why not.
    fn write(&self, steps: Vec<(Option<Write>, Then)>, later: &mut Vec<Arrival>) -> Vec<Intended> {
        let mut writes: Vec<Write> = Vec::new();
        let steps: Vec<(Option<()>, Then)> =
            steps.into_iter().map(|(write, then)| (write.map(|write| writes.push(write)), then)).collect();
        let written = if writes.is_empty() { Ok(Vec::new()) } else { self.world.requests.write(&writes) };
        let mut intended = Vec::new();
        match written {
            Ok(results) => {
                if !results.is_empty() {
                    self.world.troubles.note(&Stage::Submit, None, self.world.clock.boot());
                }
                let mut results = results.into_iter();
                for (write, then) in steps {
                    match write.map_or(Some(Ok(())), |()| results.next()) {
                        Some(Ok(())) => intended.extend(self.proceed(then)),
                        Some(Err(_)) | None => refuse(then, |id| SubmitError::Conflict { id }),
                    }
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                let trouble = Trouble::new("the store", Arc::clone(&error));
                self.world.counters.trouble(&Stage::Submit);
                self.world.troubles.note(&Stage::Submit, Some(trouble), self.world.clock.boot());
                for (_, then) in steps {
                    if then.reply().is_none() {
                        later.push(Arrival::Unfinished { id: then.id() });
                    }
                    refuse(then, |_| SubmitError::unavailable("the store", error.clone()));
                }
            }
        }
        intended
    }

    fn proceed(&self, then: Then) -> Option<Intended> {
        match then {
            Then::Go { warrant, entry, passages, reply } => {
                let intended = Intended { warrant: *warrant, entry, passages };
                let turned_away = reply.and_then(|reply| self.world.board.watch(intended.id(), reply).err());
                if let Some(reply) = turned_away {
                    let standing = Standing {
                        state: State::Intended,
                        since: self.world.clock.now(),
                        reasons: Vec::new(),
                    };
                    reply(Ok(View::of(intended.id(), intended.received().digest, standing)));
                }
                Some(intended)
            }
            Then::Tell { ending: Ending { view, profile, submitted }, reply } => {
                if view.state.is_final() {
                    self.world.counters.ended(&profile, view.state, view.since.since(submitted));
                    self.world.board.tell(&view);
                }
                if let Some(reply) = reply {
                    reply(Ok(view));
                }
                None
            }
        }
    }
}

impl Then {
    const fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Go { reply, .. } | Self::Tell { reply, .. } => reply.as_ref(),
        }
    }

    const fn id(&self) -> RequestId {
        match self {
            Self::Go { warrant, .. } => warrant.fitting().received.request.id,
            Self::Tell { ending, .. } => ending.view.id,
        }
    }
}

fn refuse(then: Then, why: impl FnOnce(RequestId) -> SubmitError) {
    let id = then.id();
    let (Then::Go { reply, .. } | Then::Tell { reply, .. }) = then;
    if let Some(reply) = reply {
        reply(Err(why(id)));
    }
}

/// Keeps at most one arrival of a kind that must see what the other wrote: the same request, the same idempotency
/// key, the same repeat. The others come once more after this batch.
fn distinct(batch: Vec<Arrival>) -> (Vec<Arrival>, Vec<Arrival>) {
    let mut ids = BTreeSet::new();
    let mut keys: BTreeSet<(PrincipalId, String)> = BTreeSet::new();
    let mut repeats: BTreeSet<(PrincipalId, Digest)> = BTreeSet::new();
    batch.into_iter().partition(|arrival| match arrival {
        Arrival::Submission { received, .. } => {
            let principal = received.caller.principal;
            let key = received.idempotency_key.clone().map(|key| (principal, key));
            let repeat = (received.mode == Repeat::Same).then_some((principal, received.repeat));
            // All three are noted even where one is there already: what comes after it must wait for it too.
            let id = ids.insert(received.id());
            let key = key.is_none_or(|key| keys.insert(key));
            id & key & repeat.is_none_or(|repeat| repeats.insert(repeat))
        }
        Arrival::Endorsement { id, .. } | Arrival::Withdrawal { id, .. } | Arrival::Unfinished { id } => {
            ids.insert(*id)
        }
    })
}
