//! Asking policy, counting, and what follows from them.

use model::RequestId;
use quorum::Endorsement;

use super::{Arrival, Ending, Entry, Submit, Then};
use crate::board::Reply;
use crate::stages::authorised::Missing;
use crate::stages::received::Origin;
use crate::stages::{Condemned, Endorsed, Fate, Fitting, LogMark, Received, Warrant, records};
use crate::{Decision, Leaf, Moment, Question, Standing, State, SubmitError, View, Write};

/// A request about which policy is to be asked.
pub(super) struct Case {
    pub(super) fitting: Fitting,
    pub(super) endorsements: Vec<(Vec<u8>, Endorsement)>,
    /// Was the last of them just brought?
    pub(super) brought: Brought,
    /// The request that it repeats, if a fresh decision allows.
    pub(super) repeats: Option<RequestId>,
    pub(super) reply: Option<Reply>,
}

/// Was an endorsement just brought?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    Nothing,
    TheLast,
}

type Step = (Option<Write>, Then);

/// What is written of a case beside how it stands, and who is told.
struct Rest {
    endorsements: Vec<Vec<u8>>,
    leaves: Vec<Leaf>,
    reply: Option<Reply>,
}

impl Submit {
    /// Asks policy about all cases at once, and says for each what is written and what follows. What nobody waits for
    /// and no lane has room for comes once more.
    pub(super) fn decide(&self, cases: Vec<Case>, later: &mut Vec<Arrival>) -> Vec<Step> {
        if cases.is_empty() {
            return Vec::new();
        }
        let questions: Vec<Question<'_>> = cases.iter().flat_map(|case| questions(&case.fitting)).collect();
        let mut decisions = self.world.policy.decide(&questions).into_iter();
        let decided: Vec<Decision> = cases
            .iter()
            .map(|case| decisions.by_ref().take(moments(&case.fitting.received).len()).fold(None, stricter))
            .map(|decision| decision.unwrap_or_else(no_answer))
            .collect();
        let decided = cases.into_iter().zip(decided);
        decided.filter_map(|(case, decision)| self.step(case, decision, later)).collect()
    }

    fn step(&self, case: Case, decision: Decision, later: &mut Vec<Arrival>) -> Option<Step> {
        let Case { fitting, endorsements, brought, repeats, reply } = case;
        let all = || endorsements.iter().map(|(bytes, _)| bytes.clone()).collect();
        let word = word(&decision);
        let authorised = match fitting.authorise(decision) {
            Ok(authorised) => authorised,
            Err((fitting, reasons)) => {
                let leaves = self.submission_leaf(&fitting.received, word, &reasons);
                let rest = Rest { endorsements: all(), leaves, reply };
                return self.end(*fitting, Fate::new(State::Refused, reasons), rest, later);
            }
        };
        if let Some(id) = repeats {
            if let Some(reply) = reply {
                self.world.join(id, reply);
            }
            return None;
        }
        let now = self.world.clock.now();
        let last = endorsements.last().filter(|_| brought == Brought::TheLast);
        if let Some(Err(error)) = last.map(|(_, endorsement)| authorised.examine(endorsement, now)) {
            if let Some(reply) = reply {
                reply(Err(error));
            }
            return None;
        }
        let received = authorised.received();
        let mut leaves = self.submission_leaf(received, word, &authorised.reasons);
        leaves.extend(last.map(|(bytes, _)| {
            let place = self.world.place(received.id(), &received.request.space);
            records::endorsement(place, received.digest, bytes)
        }));
        // What was in flight was counted when its intent was recorded; the times need only agree with each other.
        let moment = match received.origin {
            Origin::InFlight { .. } => quorum::Moment::Replayed,
            Origin::Client | Origin::Waiting => quorum::Moment::Live(now),
        };
        let rest = Rest { endorsements: all(), leaves, reply };
        match authorised.endorse(endorsements, moment) {
            Ok(endorsed) => self.intend(endorsed, rest, later),
            Err((authorised, missing)) => self.fall_short(authorised.fitting, missing, rest, later),
        }
    }

    fn fall_short(
        &self,
        fitting: Fitting,
        missing: Missing,
        rest: Rest,
        later: &mut Vec<Arrival>,
    ) -> Option<Step> {
        let (state, why) = match (missing, fitting.received.origin) {
            (Missing::Rejected(why), _) => (State::Rejected, why),
            (Missing::Expired(why), _) => (State::Expired, why),
            (Missing::More(why), Origin::InFlight { .. }) => (State::Refused, why),
            (Missing::More(why), Origin::Client | Origin::Waiting) => {
                return Some(self.wait(&fitting.received, vec![why], rest));
            }
        };
        self.end(fitting, Fate::new(state, vec![why]), rest, later)
    }

    /// Records the intent. Where nobody was asked, submission and intent are one row in one transaction.
    /// Nothing is, where a lane that it needs is full.
    fn intend(&self, endorsed: Endorsed, rest: Rest, later: &mut Vec<Arrival>) -> Option<Step> {
        let Rest { mut leaves, reply, .. } = rest;
        let received = endorsed.authorised.received();
        let passages = match self.lanes.book(&endorsed.authorised.fitting.keys) {
            Ok(passages) => passages,
            Err(error) => {
                self.turn_away(received.id(), error, reply, later);
                return None;
            }
        };
        let log_size = self.world.log_mark().number();
        let to = Standing { state: State::Intended, since: self.world.clock.now(), reasons: Vec::new() };
        let place = self.world.place(received.id(), &received.request.space);
        leaves.push(records::intent(place, &endorsed));
        let (write, entry) = match received.origin {
            Origin::Client => {
                (Some(Write::Insert { row: Box::new(received.row(to, log_size)), leaves }), Entry::New)
            }
            Origin::Waiting => {
                let endorsements = endorsed.endorsements.clone();
                let (id, from, receipts) = (received.id(), State::Waiting, Vec::new());
                (Some(Write::Move { id, from, to, endorsements, log_size, receipts, leaves }), Entry::New)
            }
            // INVARIANT: the intent is in the row already; a second one would say that it was decided twice.
            Origin::InFlight { log_size } => (None, Entry::Perhaps { from: LogMark::read(log_size) }),
        };
        Some((write, Then::Go { warrant: Box::new(Warrant::Sign(endorsed)), entry, passages, reply }))
    }

    /// Sends a request that was in flight through its lanes once more, for what was signed of it before it came to its end.
    /// Nothing is written: its intent stands, and its outcome will tell all.
    pub(super) fn recall(&self, condemned: Condemned, later: &mut Vec<Arrival>) -> Option<Step> {
        let received = &condemned.fitting.received;
        match self.lanes.book(&condemned.fitting.keys) {
            Ok(passages) => {
                let entry = Entry::Perhaps { from: LogMark::read(received.log_size()) };
                let warrant = Box::new(Warrant::Recall(condemned));
                Some((None, Then::Go { warrant, entry, passages, reply: None }))
            }
            Err(error) => {
                self.turn_away(received.id(), error, None, later);
                None
            }
        }
    }

    fn turn_away(&self, id: RequestId, error: SubmitError, reply: Option<Reply>, later: &mut Vec<Arrival>) {
        match reply {
            Some(reply) => {
                self.world.counters.turned_away();
                reply(Err(error));
            }
            None => later.push(Arrival::Unfinished { id }),
        }
    }

    fn wait(&self, received: &Received, reasons: Vec<String>, rest: Rest) -> Step {
        let standing = Standing { state: State::Waiting, since: self.world.clock.now(), reasons };
        self.stand(received, standing, rest)
    }

    /// Ends a request that nothing was ordered for; of one that was in flight, what was signed is recalled first.
    fn end(&self, fitting: Fitting, fate: Fate, rest: Rest, later: &mut Vec<Arrival>) -> Option<Step> {
        let received = &fitting.received;
        if let Origin::InFlight { .. } = received.origin {
            let condemned = Condemned { fitting, endorsements: rest.endorsements, fate };
            return self.recall(condemned, later);
        }
        let standing = fate.standing(self.world.clock.now());
        let place = self.world.place(received.id(), &received.request.space);
        let mut rest = rest;
        rest.leaves.push(records::outcome(place, received.digest, &standing, &[], &[]));
        Some(self.stand(received, standing, rest))
    }

    fn stand(&self, received: &Received, to: Standing, rest: Rest) -> Step {
        let Rest { endorsements, leaves, reply } = rest;
        let view = View::of(received.id(), received.digest, to.clone());
        let (profile, submitted) = (received.signing.profile.clone(), received.submitted);
        let (id, receipts) = (received.id(), Vec::new());
        let write = match received.origin {
            Origin::Client => Write::Insert { row: Box::new(received.row(to, 0)), leaves },
            Origin::Waiting | Origin::InFlight { .. } => {
                Write::Move { id, from: State::Waiting, to, endorsements, log_size: 0, receipts, leaves }
            }
        };
        (Some(write), Then::Tell { ending: Ending { view, profile, submitted }, reply })
    }

    /// The leaf that records a submission; none, where it was recorded before.
    fn submission_leaf(&self, received: &Received, word: &'static str, reasons: &[String]) -> Vec<Leaf> {
        let place = || self.world.place(received.id(), &received.request.space);
        match received.origin {
            Origin::Client => vec![records::submission(place(), received, word, reasons)],
            Origin::Waiting | Origin::InFlight { .. } => Vec::new(),
        }
    }
}

/// INVARIANT: policy is asked twice about every request: when it is submitted, and just before it is signed. For a
/// request that needs nobody the two moments are one, and still two questions.
fn moments(received: &Received) -> &'static [Moment] {
    match received.origin {
        Origin::Client => &[Moment::Submission, Moment::BeforeSigning],
        Origin::Waiting | Origin::InFlight { .. } => &[Moment::BeforeSigning],
    }
}

fn questions(fitting: &Fitting) -> impl Iterator<Item = Question<'_>> {
    let Fitting { received, profile, .. } = fitting;
    let Received { caller, request, items, .. } = received;
    moments(received).iter().map(move |moment| Question { caller, profile, request, items, moment: *moment })
}

/// The word that stands, where policy was asked twice: the stricter.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a fold that begins with nothing")]
fn stricter(before: Option<Decision>, decision: Decision) -> Option<Decision> {
    let rank = |decision: &Decision| match decision {
        Decision::Permit { .. } => 0,
        Decision::NeedsEndorsement { .. } => 1,
        Decision::Forbid { .. } => 2,
    };
    match before {
        Some(before) if rank(&before) >= rank(&decision) => Some(before),
        _ => Some(decision),
    }
}

fn no_answer() -> Decision {
    Decision::Forbid { reasons: vec!["policy gave no answer".to_owned()] }
}

const fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permit { .. } => "permit",
        Decision::NeedsEndorsement { .. } => "needs endorsement",
        Decision::Forbid { .. } => "forbid",
    }
}
