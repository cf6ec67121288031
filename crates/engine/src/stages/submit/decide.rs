//! Asking policy, counting, and what follows from them.

use std::sync::atomic::Ordering;

use model::RequestId;
use quorum::Endorsement;

use super::{Arrival, Ending, Entry, Submit, Then};
use crate::board::Reply;
use crate::stages::authorised::Missing;
use crate::stages::received::Origin;
use crate::stages::{Endorsed, Fitting, Received, records};
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
        let word = word(&decision);
        let authorised = match fitting.authorise(decision) {
            Ok(authorised) => authorised,
            Err((fitting, reasons)) => {
                let leaves = self.submission_leaf(&fitting.received, word, &reasons);
                let all = endorsements.into_iter().map(|(bytes, _)| bytes).collect();
                return Some(self.end(&fitting.received, all, State::Refused, reasons, leaves, reply));
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
        let all: Vec<Vec<u8>> = endorsements.iter().map(|(bytes, _)| bytes.clone()).collect();
        match authorised.endorse(endorsements, moment) {
            Ok(endorsed) => self.intend(endorsed, leaves, reply, later),
            Err((authorised, missing)) => {
                let received = authorised.received();
                match (missing, received.origin) {
                    (Missing::Rejected(why), _) => {
                        Some(self.end(received, all, State::Rejected, vec![why], leaves, reply))
                    }
                    (Missing::Expired(why), _) => {
                        Some(self.end(received, all, State::Expired, vec![why], leaves, reply))
                    }
                    (Missing::More(why), Origin::InFlight { .. }) => {
                        Some(self.end(received, all, State::Refused, vec![why], leaves, reply))
                    }
                    (Missing::More(why), _) => Some(self.wait(received, all, vec![why], leaves, reply)),
                }
            }
        }
    }

    /// Records the intent. Where nobody was asked, submission and intent are one row in one transaction.
    /// Nothing is, where a lane that it needs is full.
    fn intend(
        &self,
        endorsed: Endorsed,
        mut leaves: Vec<Leaf>,
        reply: Option<Reply>,
        later: &mut Vec<Arrival>,
    ) -> Option<Step> {
        let received = endorsed.authorised.received();
        let passages = match self.lanes.book(&endorsed.authorised.fitting.keys) {
            Ok(passages) => passages,
            Err(error) => {
                self.turn_away(received.id(), error, reply, later);
                return None;
            }
        };
        let log_size = self.world.log_size.load(Ordering::Acquire);
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
            Origin::InFlight { log_size } => (None, Entry::Perhaps { from: log_size }),
        };
        Some((write, Then::Go { endorsed: Box::new(endorsed), entry, passages, reply }))
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

    fn wait(
        &self,
        received: &Received,
        endorsements: Vec<Vec<u8>>,
        reasons: Vec<String>,
        leaves: Vec<Leaf>,
        reply: Option<Reply>,
    ) -> Step {
        let standing = Standing { state: State::Waiting, since: self.world.clock.now(), reasons };
        self.stand(received, endorsements, standing, leaves, reply)
    }

    fn end(
        &self,
        received: &Received,
        endorsements: Vec<Vec<u8>>,
        state: State,
        reasons: Vec<String>,
        mut leaves: Vec<Leaf>,
        reply: Option<Reply>,
    ) -> Step {
        let standing = Standing { state, since: self.world.clock.now(), reasons };
        let place = self.world.place(received.id(), &received.request.space);
        leaves.push(records::outcome(place, received.digest, &standing, &[]));
        self.stand(received, endorsements, standing, leaves, reply)
    }

    fn stand(
        &self,
        received: &Received,
        endorsements: Vec<Vec<u8>>,
        to: Standing,
        leaves: Vec<Leaf>,
        reply: Option<Reply>,
    ) -> Step {
        let view = View::of(received.id(), received.digest, to.clone());
        let (profile, submitted) = (received.signing.profile.clone(), received.submitted);
        let (id, receipts) = (received.id(), Vec::new());
        let write = match received.origin {
            Origin::Client => Write::Insert { row: Box::new(received.row(to, 0)), leaves },
            Origin::Waiting => {
                Write::Move { id, from: State::Waiting, to, endorsements, log_size: 0, receipts, leaves }
            }
            Origin::InFlight { log_size } => {
                Write::Move { id, from: State::Intended, to, endorsements, log_size, receipts, leaves }
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
