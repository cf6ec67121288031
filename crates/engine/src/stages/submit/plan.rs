//! From arrivals to plans: what is known of each already, and does it fit.

use std::collections::HashMap;
use std::sync::Arc;

use identity::Caller;
use model::{RequestId, from_canonical, limits};
use quorum::Endorsement;

use super::decide::{Brought, Case};
use super::{Arrival, Ending, Plan, Submit};
use crate::board::Reply;
use crate::recovery::CRASHES_MAX;
use crate::stages::{Condemned, Fate, Fitting, Received, records};
use crate::submission::Repeat;
use crate::{Known, Row, Standing, State, StoreError, SubmitError, View, Write};

/// What is stored of a batch.
struct Found {
    /// What each submission may repeat, by its id.
    known: HashMap<RequestId, Known>,
    rows: HashMap<RequestId, Row>,
}

/// A row, read again.
enum TakenUp {
    /// It holds: policy is asked next.
    Holds(Box<Fitting>),
    /// It does not, and this is how it ends.
    Ends(Write, Ending),
}

impl Submit {
    /// Looks everything up in two reads for the whole batch, and plans each arrival for itself.
    pub(super) fn plan(&self, batch: Vec<Arrival>) -> Vec<Plan> {
        let Found { known, rows } = match self.look_up(&batch) {
            Ok(found) => found,
            Err(error) => {
                let error = Arc::new(error);
                return batch
                    .into_iter()
                    .map(|arrival| fail(arrival, || SubmitError::unavailable("the store", error.clone())))
                    .collect();
            }
        };
        batch
            .into_iter()
            .map(|arrival| match arrival {
                Arrival::Submission { received, reply } => {
                    let known = known.get(&received.id()).cloned().unwrap_or_default();
                    self.plan_submission(*received, &known, &rows, reply)
                }
                Arrival::Endorsement { id, endorsement, reply } => {
                    match self.plan_endorsement(id, endorsement, rows.get(&id)) {
                        Ok(plan) => plan(reply),
                        Err(error) => Plan::Fail { error, reply },
                    }
                }
                Arrival::Withdrawal { id, caller, reply } => {
                    match self.withdraw(id, &caller, rows.get(&id)) {
                        Ok((write, ending)) => Plan::Settle { write, ending, reply: Some(reply) },
                        Err(error) => Plan::Fail { error, reply },
                    }
                }
                Arrival::Unfinished { id } => self.plan_unfinished(id, rows.get(&id)),
            })
            .collect()
    }

    fn look_up(&self, batch: &[Arrival]) -> Result<Found, StoreError> {
        let now = self.world.clock.now();
        let mut lookups = Vec::new();
        let mut ids = Vec::new();
        for arrival in batch {
            match arrival {
                Arrival::Submission { received, .. } => lookups.push(received.lookup(now)),
                Arrival::Endorsement { id, .. }
                | Arrival::Withdrawal { id, .. }
                | Arrival::Unfinished { id } => ids.push(*id),
            }
        }
        let found = if lookups.is_empty() { Vec::new() } else { self.world.requests.find(&lookups)? };
        ids.extend(found.iter().flat_map(|known| [known.by_id, known.by_key]).flatten());
        let loaded = if ids.is_empty() { Vec::new() } else { self.world.requests.load(&ids)? };
        let rows = loaded.into_iter().flatten().map(|row| (row.id, row)).collect();
        Ok(Found { known: lookups.iter().map(|lookup| lookup.id).zip(found).collect(), rows })
    }

    fn plan_submission(
        &self,
        received: Received,
        known: &Known,
        rows: &HashMap<RequestId, Row>,
        reply: Reply,
    ) -> Plan {
        let row = |id: Option<RequestId>| id.and_then(|id| rows.get(&id));
        let id = received.id();
        let fail = |error, reply| Plan::Fail { error, reply };
        if let Some(row) = row(known.by_id) {
            let same = row.request == received.bytes && row.caller.principal == received.caller.principal;
            return if same { Plan::Join { id, reply } } else { fail(SubmitError::Conflict { id }, reply) };
        }
        if let Some(row) = row(known.by_key) {
            let same = row.repeat == received.repeat;
            return if same {
                Plan::Join { id: row.id, reply }
            } else {
                fail(SubmitError::Conflict { id }, reply)
            };
        }
        let repeats = known.by_repeat.filter(|_| received.mode == Repeat::Same);
        match self.fit(received) {
            Ok(fitting) => Plan::Ask(Box::new(Case {
                fitting,
                endorsements: Vec::new(),
                brought: Brought::Nothing,
                repeats,
                reply: Some(reply),
            })),
            Err(error) => fail(error, reply),
        }
    }

    /// Holds a request to the profile in force and to the registry as it is.
    fn fit(&self, received: Received) -> Result<Fitting, SubmitError> {
        let name = received.signing.profile.clone();
        let profile = self.world.directory.profile(&name)?.ok_or(SubmitError::NoProfile { profile: name })?;
        let head = received.request.registry;
        let platform = self.world.platform(|platform| platform.registry().knows_head(&head))?;
        let (loaded, in_force) = (self.world.policy.digest(), platform.registry().policy());
        if loaded != in_force {
            return Err(SubmitError::Policy { loaded, in_force });
        }
        let now = self.world.clock.now();
        Fitting::check(received, profile, platform, now)
    }

    fn plan_endorsement(
        &self,
        id: RequestId,
        bytes: Vec<u8>,
        row: Option<&Row>,
    ) -> Result<impl FnOnce(Reply) -> Plan + use<>, SubmitError> {
        let row = waiting(id, row)?;
        let endorsement: Endorsement =
            from_canonical(&bytes, limits::ENDORSEMENT_BYTES_MAX).map_err(SubmitError::Endorsement)?;
        let mut endorsements = read(&row.endorsements)?;
        // Whoever says something else now has changed their mind: the last word stands.
        endorsements.retain(|(_, other)| other.principal != endorsement.principal);
        if endorsements.len() >= limits::ENDORSEMENTS_MAX {
            return Err(SubmitError::TooManyEndorsements { id });
        }
        endorsements.push((bytes, endorsement));
        let taken = self.take_up(row)?;
        Ok(move |reply| match taken {
            TakenUp::Holds(fitting) => Plan::Ask(Box::new(Case {
                fitting: *fitting,
                endorsements,
                brought: Brought::TheLast,
                repeats: None,
                reply: Some(reply),
            })),
            TakenUp::Ends(write, ending) => Plan::Settle { write, ending, reply: Some(reply) },
        })
    }

    fn plan_unfinished(&self, id: RequestId, row: Option<&Row>) -> Plan {
        let planned = match row.map(|row| (row, row.standing.state)) {
            Some((row, State::Waiting)) => self.take_up(row).and_then(|taken| match taken {
                TakenUp::Holds(fitting) => ask_again(*fitting, row),
                TakenUp::Ends(write, ending) => Ok(Plan::Settle { write, ending, reply: None }),
            }),
            Some((row, State::Intended)) => self.resume(row),
            // It went on in the meantime: there is nothing to do, and nobody to tell.
            _ => return Plan::Join { id, reply: Box::new(|_| ()) },
        };
        planned.unwrap_or(Plan::Later(Arrival::Unfinished { id }))
    }

    /// Reads a row again that waits, and holds it to what is in force.
    fn take_up(&self, row: &Row) -> Result<TakenUp, SubmitError> {
        let ends = |state, why| {
            let (write, ending) = self.ended(row, state, vec![why]);
            Ok(TakenUp::Ends(write, ending))
        };
        let Some(caller) = self.world.directory.current(&row.caller)? else {
            return ends(State::Refused, disabled(row));
        };
        match self.fit(Received::reload(row.clone(), caller)?) {
            Ok(fitting) => Ok(TakenUp::Holds(Box::new(fitting))),
            Err(error @ (SubmitError::Unavailable { .. } | SubmitError::Policy { .. })) => Err(error),
            Err(error @ SubmitError::Time { .. }) => ends(State::Expired, error.to_string()),
            Err(error) => ends(State::Refused, error.to_string()),
        }
    }

    /// Reads a row again that was in flight: it is ordered once more, or what was signed of it is recalled.
    fn resume(&self, row: &Row) -> Result<Plan, SubmitError> {
        let caller = self.world.directory.current(&row.caller)?;
        let fate = match caller {
            _ if row.crashes >= CRASHES_MAX => Some(Fate::failed(format!(
                "it was in flight when the server stopped, {CRASHES_MAX} times: look at the server's log, then ask again"
            ))),
            None => Some(Fate::new(State::Refused, vec![disabled(row)])),
            Some(_) => None,
        };
        // A recall is nobody's request, so that it does not matter what its caller may do.
        let received = Received::reload(row.clone(), caller.unwrap_or_else(|| row.caller.clone()))?;
        let profile = self.world.directory.version(&received.signing.profile_version)?;
        let profile = profile.ok_or(StoreError::Corrupt { what: "profile version", source: None })?;
        let fitting = match Fitting::resume(received, profile, self.world.platform(|_| true)?) {
            Ok(fitting) => fitting,
            Err(key) => {
                let why = format!("the registry does not know the key `{key}` of this request");
                let (write, ending) = self.ended(row, State::Failed, vec![why]);
                return Ok(Plan::Settle { write, ending, reply: None });
            }
        };
        let endorsements = row.endorsements.clone();
        match fate {
            None => ask_again(fitting, row),
            Some(fate) => Ok(Plan::Recall(Box::new(Condemned { fitting, endorsements, fate }))),
        }
    }

    fn withdraw(
        &self,
        id: RequestId,
        caller: &Caller,
        row: Option<&Row>,
    ) -> Result<(Write, Ending), SubmitError> {
        let row = waiting(id, row)?;
        if row.caller.principal != caller.principal {
            return Err(SubmitError::NotRequester { id });
        }
        Ok(self.ended(row, State::Withdrawn, vec!["taken back by the requester".to_owned()]))
    }

    /// How a row ends that nothing was signed for.
    fn ended(&self, row: &Row, state: State, reasons: Vec<String>) -> (Write, Ending) {
        let standing = Standing { state, since: self.world.clock.now(), reasons };
        let digest = model::Request::digest(&row.request);
        let leaf = records::outcome(self.world.place(row.id, &row.space), digest, &standing, &[], &[]);
        let write = Write::Move {
            id: row.id,
            from: row.standing.state,
            to: standing.clone(),
            endorsements: row.endorsements.clone(),
            log_size: row.log_size,
            receipts: Vec::new(),
            leaves: vec![leaf],
        };
        let view = View::of(row.id, digest, standing);
        (write, Ending { view, profile: row.profile.clone(), submitted: row.submitted })
    }
}

fn ask_again(fitting: Fitting, row: &Row) -> Result<Plan, SubmitError> {
    let (endorsements, brought) = (read(&row.endorsements)?, Brought::Nothing);
    Ok(Plan::Ask(Box::new(Case { fitting, endorsements, brought, repeats: None, reply: None })))
}

fn disabled(row: &Row) -> String {
    format!("the requester `{}` may do nothing any more", row.caller.name)
}

fn waiting(id: RequestId, row: Option<&Row>) -> Result<&Row, SubmitError> {
    let row = row.ok_or(SubmitError::NotFound { id })?;
    match row.standing.state {
        State::Waiting => Ok(row),
        state => Err(SubmitError::NotWaiting { id, state }),
    }
}

fn read(endorsements: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Endorsement)>, SubmitError> {
    let read = endorsements.iter().map(|bytes| {
        let endorsement = from_canonical(bytes, limits::ENDORSEMENT_BYTES_MAX)
            .map_err(|source| StoreError::Corrupt { what: "endorsement", source: Some(Box::new(source)) })?;
        Ok((bytes.clone(), endorsement))
    });
    read.collect::<Result<_, StoreError>>().map_err(SubmitError::from)
}

fn fail(arrival: Arrival, error: impl FnOnce() -> SubmitError) -> Plan {
    match arrival {
        Arrival::Submission { reply, .. }
        | Arrival::Endorsement { reply, .. }
        | Arrival::Withdrawal { reply, .. } => Plan::Fail { error: error(), reply },
        Arrival::Unfinished { id } => Plan::Later(Arrival::Unfinished { id }),
    }
}
