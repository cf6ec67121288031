//! A request that fits its profile and that policy did not forbid; then one whose quorum is there.

use std::collections::BTreeMap;

use model::{Instant, limits};
use quorum::{Endorsement, Moment, RequesterProof, Requirement, Rule, Shortfall, count};

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
        // INVARIANT: the endorsements of a request are counted for each item, under the rule of that item's key.
        for rule in self.rules() {
            if let Err(missing) = self.count(&rule, &read, moment) {
                return Err((Box::new(self), missing));
            }
        }
        let endorsements = endorsements.into_iter().map(|(bytes, _)| bytes).collect();
        Ok(Endorsed { authorised: self, endorsements })
    }

    /// Would this endorsement count at all, whatever others there are?
    pub(crate) fn examine(&self, endorsement: &Endorsement, now: Instant) -> Result<(), SubmitError> {
        let Received { request, digest, .. } = self.received();
        let registry = self.fitting.platform.registry();
        // Nobody fills this group: what comes back names whoever does not count, and why.
        let nobody = "nobody".parse().expect("one lower-case word is a name");
        let requirements = vec![Requirement { group: nobody, threshold: 1 }];
        let period_s_max = limits::ENDORSED_PERIOD_S_MAX;
        let rule = Rule { requirements, independent: 0, period_s_max, requester: RequesterProof::Asserted };
        let one = std::slice::from_ref(endorsement);
        match count(registry, &rule, request, digest, one, Moment::Live(now)) {
            Err(Shortfall::TooFew { excluded, .. }) => match excluded.first() {
                Some((_, why)) => Err(SubmitError::Excluded(*why)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The distinct rules to be met; one that anybody meets, where only policy asks.
    fn rules(&self) -> Vec<Rule> {
        let keys = self
            .fitting
            .keys
            .iter()
            .filter_map(|key| key.record().rule.as_ref().map(|rule| (key.record().id(), rule)));
        let mut rules: Vec<Rule> = keys.collect::<BTreeMap<_, _>>().into_values().cloned().collect();
        if rules.is_empty() && self.asks == Asks::Somebody {
            rules.push(anybody(limits::UNENDORSED_PERIOD_S_MAX));
        }
        rules
    }

    fn count(&self, rule: &Rule, endorsements: &[Endorsement], moment: Moment) -> Result<(), Missing> {
        let Received { request, digest, .. } = self.received();
        let registry = self.fitting.platform.registry();
        match count(registry, rule, request, digest, endorsements, moment) {
            Ok(counted) if counted.persons().is_empty() => Err(Missing::More(
                "policy asks for the endorsement of somebody else than the requester".to_owned(),
            )),
            Ok(_) => Ok(()),
            Err(shortfall @ Shortfall::Rejected { .. }) => Err(Missing::Rejected(shortfall.to_string())),
            Err(shortfall @ Shortfall::Time { .. }) => Err(Missing::Expired(shortfall.to_string())),
            Err(shortfall) => Err(Missing::More(shortfall.to_string())),
        }
    }
}

/// A rule of no group: whoever counts at all is counted.
fn anybody(period_s_max: u64) -> Rule {
    Rule { requirements: Vec::new(), independent: 0, period_s_max, requester: RequesterProof::Asserted }
}
