//! A request that fits its profile and that policy did not forbid; then one whose quorum is there.

use std::collections::BTreeMap;

use model::{Instant, limits};
use quorum::{Endorsement, Moment, Rule, Shortfall};

use super::{Fitting, Received};
use crate::{Decision, SubmitError};

/// A request that fits its profile and that policy did not forbid when it was asked last.
#[derive(Debug)]
pub struct Authorised {
    pub(crate) fitting: Fitting,
    /// Does policy ask for somebody's endorsement, whatever the keys ask?
    asks: Asks,
    pub(crate) reasons: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nobody,
    Somebody,
}

/// An authorised request whose endorsements are enough for the key of every item.
#[derive(Debug)]
pub struct Endorsed {
    pub(crate) authorised: Authorised,
    pub(crate) endorsements: Vec<Vec<u8>>,
}

/// Why a request is not endorsed.
#[derive(Debug)]
pub(crate) enum Missing {
    /// Somebody whose word counts says no.
    Rejected(String),
    /// Its time has passed.
    Expired(String),
    /// More endorsements may do.
    More(String),
}

impl Fitting {
    /// Takes policy's word; `Err` with its reasons where it forbids.
    pub(crate) fn authorise(self, decision: Decision) -> Result<Authorised, (Box<Self>, Vec<String>)> {
        match decision {
            Decision::Permit { reasons } => Ok(Authorised { fitting: self, asks: Asks::Nobody, reasons }),
            Decision::NeedsEndorsement { reasons } => {
                Ok(Authorised { fitting: self, asks: Asks::Somebody, reasons })
            }
            Decision::Forbid { reasons } => Err((Box::new(self), reasons)),
        }
    }
}

impl Authorised {
    pub(crate) const fn received(&self) -> &Received {
        &self.fitting.received
    }

    /// Counts under the rule of every item's key. Nothing else makes an [`Endorsed`].
    pub(crate) fn endorse(
        self,
        endorsements: Vec<(Vec<u8>, Endorsement)>,
        moment: Moment,
    ) -> Result<Endorsed, (Box<Self>, Missing)> {
        let read: Vec<Endorsement> =
            endorsements.iter().map(|(_, endorsement)| endorsement.clone()).collect();
        if let Err(missing) = self.count(&read, moment) {
            return Err((Box::new(self), missing));
        }
        let endorsements = endorsements.into_iter().map(|(bytes, _)| bytes).collect();
        Ok(Endorsed { authorised: self, endorsements })
    }

    /// Would this endorsement count at all, whatever others there are?
    pub(crate) fn examine(&self, endorsement: &Endorsement, now: Instant) -> Result<(), SubmitError> {
        let Received { request, digest, .. } = self.received();
        let registry = self.fitting.platform.registry();
        quorum::examine(registry, request, digest, endorsement, Moment::Live(now))
            .map(|_| ())
            .map_err(SubmitError::Excluded)
    }

    /// INVARIANT: the endorsements of a request are counted for each item, under the rule of that item's key.
    fn count(&self, endorsements: &[Endorsement], moment: Moment) -> Result<(), Missing> {
        let Received { request, digest, .. } = self.received();
        let registry = self.fitting.platform.registry();
        let rules = self.rules();
        for rule in &rules {
            quorum::count(registry, rule, request, digest, endorsements, moment)?;
        }
        if rules.is_empty() && self.asks == Asks::Somebody {
            let period_s_max = limits::UNENDORSED_PERIOD_S_MAX;
            quorum::count_anybody(registry, period_s_max, request, digest, endorsements, moment)?;
        }
        Ok(())
    }

    /// The distinct rules of the items' keys.
    fn rules(&self) -> Vec<&Rule> {
        let keys = self.fitting.keys.iter().map(|key| key.record());
        let rules = keys.filter_map(|record| record.rule.as_ref().map(|rule| (record.id(), rule)));
        rules.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

impl From<Shortfall> for Missing {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Rejected { .. } => Self::Rejected(shortfall.to_string()),
            Shortfall::Time { .. } => Self::Expired(shortfall.to_string()),
            _ => Self::More(shortfall.to_string()),
        }
    }
}
