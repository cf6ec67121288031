//! Requests in flight that end without receipts.
//!
//! A key may have signed items of such a request, before it was refused or in a server that stopped. Every signature that
//! the journal tells of is to stand in the log, too. So the request goes on through the stages, with another warrant:
//! nothing new is ordered, and what was signed is recalled, verified, logged, and named in the outcome. Nobody is given
//! it, and no time is stamped on it.

use model::Instant;

use super::{Endorsed, Fitting, Intended};
use crate::{Standing, State};

/// The most reasons that are told: a request has many items, and one reason often does for all.
const REASONS_MAX: usize = 8;

/// What may be ordered for a request whose intent is durable.
#[derive(Debug)]
pub(crate) enum Warrant {
    /// Its signatures.
    Sign(Endorsed),
    /// Nothing new: what was signed is recalled.
    Recall(Condemned),
}

/// A request whose intent is durable, and which ends without receipts.
#[derive(Debug)]
pub(crate) struct Condemned {
    pub(crate) fitting: Fitting,
    pub(crate) endorsements: Vec<Vec<u8>>,
    pub(crate) fate: Fate,
}

/// How a request ends that gets no receipts.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    state: State,
    reasons: Vec<String>,
}

/// A request in flight that ends without receipts, and of which nothing is signed: there is nothing to log.
#[derive(Debug)]
pub struct Stopped {
    // INVARIANT: it is condemned.
    intended: Intended,
}

impl Warrant {
    pub(crate) const fn fitting(&self) -> &Fitting {
        match self {
            Self::Sign(endorsed) => &endorsed.authorised.fitting,
            Self::Recall(condemned) => &condemned.fitting,
        }
    }

    pub(crate) fn endorsements(&self) -> &[Vec<u8>] {
        match self {
            Self::Sign(endorsed) => &endorsed.endorsements,
            Self::Recall(condemned) => &condemned.endorsements,
        }
    }

    pub(crate) const fn fate(&self) -> Option<&Fate> {
        match self {
            Self::Sign(_) => None,
            Self::Recall(condemned) => Some(&condemned.fate),
        }
    }

    /// Ends without receipts. What happened first says how; what comes after that adds its reasons.
    pub(crate) fn condemn(self, fate: Fate) -> Self {
        Self::Recall(match self {
            Self::Sign(Endorsed { authorised, endorsements }) => {
                Condemned { fitting: authorised.fitting, endorsements, fate }
            }
            Self::Recall(Condemned { fitting, endorsements, fate: first }) => {
                Condemned { fitting, endorsements, fate: first.and(fate.reasons) }
            }
        })
    }
}

impl Fate {
    pub(crate) const fn new(state: State, reasons: Vec<String>) -> Self {
        Self { state, reasons }
    }

    pub(crate) fn failed(reason: String) -> Self {
        Self::new(State::Failed, vec![reason])
    }

    /// The same, for these reasons as well.
    pub(crate) fn and(mut self, reasons: impl IntoIterator<Item = String>) -> Self {
        let room = REASONS_MAX.saturating_sub(self.reasons.len());
        self.reasons.extend(reasons.into_iter().take(room));
        self
    }

    pub(crate) fn standing(self, since: Instant) -> Standing {
        Standing { state: self.state, since, reasons: self.reasons }
    }
}

impl Stopped {
    /// `None` where it is not condemned, and may still be signed.
    pub(super) fn of(intended: Intended) -> Option<Self> {
        intended.fate().is_some().then_some(Self { intended })
    }

    pub(super) const fn intended(&self) -> &Intended {
        &self.intended
    }

    pub(super) const fn fate(&self) -> &Fate {
        self.intended.fate().expect("what is stopped is condemned")
    }
}
