//! Counting: which endorsements of a request count, and whether they are enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use envelope::sshsig::{Presence, SshKey, SshSig};
use model::{Digest, Instant, PersonId, PrincipalId, Request, Requester, Space};

use crate::people::People;
use crate::{
    Credential, Decision, Endorsement, Moment, Proof, Registry, RequesterProof, Requirement, Rule,
    SSH_NAMESPACE, Touch,
};

/// A quorum that was there: only [`count`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    persons: BTreeSet<PersonId>,
}

impl Counted {
    /// Who counted.
    pub const fn persons(&self) -> &BTreeSet<PersonId> {
        &self.persons
    }
}

/// Why a quorum is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shortfall {
    /// Somebody whose endorsement would count says no.
    #[error("{principal} rejects the request")]
    Rejected {
        /// Who.
        principal: PrincipalId,
    },
    /// A group brought too few.
    #[error("group `{group}` brings {have} of {need} endorsements{}", excluded_text(.excluded))]
    TooFew {
        /// The group.
        group: Space,
        /// How many persons of it count.
        have: usize,
        /// How many are needed.
        need: u32,
        /// Those that were given and do not count.
        excluded: Vec<(PrincipalId, Exclusion)>,
    },
    /// Too few of them are independent.
    #[error(
        "{have} of {need} independent endorsements: ask for endorsements made by the command line with a touch key"
    )]
    NotIndependent {
        /// How many count as independent.
        have: usize,
        /// How many are needed.
        need: u32,
    },
    /// Nothing of the requester's own says that they ask.
    #[error(
        "the rule wants the requester's own endorsement, which does not count, and {principal} gave none"
    )]
    Requester {
        /// Who is named as the requester.
        principal: PrincipalId,
    },
    /// A request that stays open longer than the rule allows.
    #[error("the request is open for {asked_s} s, where the key's rule allows {allowed_s} s")]
    Period {
        /// How long the request is open.
        asked_s: u64,
        /// How long it may be.
        allowed_s: u64,
    },
    /// No key has a rule, policy asks for somebody all the same, and nobody's endorsement counts.
    #[error("policy asks for the endorsement of somebody else than the requester{}", excluded_text(.excluded))]
    Nobody {
        /// Those that were given and do not count.
        excluded: Vec<(PrincipalId, Exclusion)>,
    },
    /// Too late, or too early.
    #[error("the time {now} is outside the request's, {created} to {deadline}")]
    Time {
        /// The time by which it is judged.
        now: Instant,
        /// When the request was composed.
        created: Instant,
        /// Until when it may be signed.
        deadline: Instant,
    },
}

/// Why one endorsement does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exclusion {
    /// Nobody the registry knows.
    #[error("unknown to the registry")]
    Unknown,
    /// A signature that does not verify with any credential of that principal.
    #[error("signature does not verify with a registered credential")]
    BadSignature,
    /// A key that must be touched, and was not.
    #[error("the credential was not touched")]
    NotTouched,
    /// The requester.
    #[error("is the requester's own")]
    Requester,
    /// For a part, where all of it is asked for.
    #[error("is for a part of the request only")]
    Part,
    /// Made before the request, after its deadline, or later than now.
    #[error("its time is outside the request's")]
    Time,
}

fn excluded_text(excluded: &[(PrincipalId, Exclusion)]) -> String {
    excluded.iter().map(|(principal, why)| format!("; {principal} does not count: {why}")).collect()
}

/// Counts the endorsements of a request under the rule of a key. The requester never counts.
pub fn count(
    registry: &Registry,
    rule: &Rule,
    request: &Request,
    digest: &Digest,
    endorsements: &[Endorsement],
    moment: Moment,
) -> Result<Counted, Shortfall> {
    Count { registry, request, digest, moment, own: Own::LeftOut }.of(rule, endorsements)
}

/// Counts the endorsements of a request for which policy asks, and the rule of no key: anybody whom the registry knows
/// will do, but the requester. Such a request is open for `period_s_max` at most.
pub fn count_anybody(
    registry: &Registry,
    period_s_max: u64,
    request: &Request,
    digest: &Digest,
    endorsements: &[Endorsement],
    moment: Moment,
) -> Result<Counted, Shortfall> {
    let count = Count { registry, request, digest, moment, own: Own::LeftOut };
    count.check_times(period_s_max)?;
    let Heard { persons, excluded, .. } = count.hear(endorsements)?;
    if persons.is_empty() { Err(Shortfall::Nobody { excluded }) } else { Ok(Counted { persons }) }
}

/// Whose word this endorsement of a request is, for it or against it, or why it is nobody's that counts: whatever the
/// rules are, and whatever others say.
pub fn examine(
    registry: &Registry,
    request: &Request,
    digest: &Digest,
    endorsement: &Endorsement,
    moment: Moment,
) -> Result<PersonId, Exclusion> {
    let count = Count { registry, request, digest, moment, own: Own::LeftOut };
    count.examine(endorsement).map(|(person, _)| person)
}

/// A count in the making.
pub(crate) struct Count<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) request: &'a Request,
    pub(crate) digest: &'a Digest,
    pub(crate) moment: Moment,
    pub(crate) own: Own,
}

/// Does the requester's own endorsement count?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// As everybody's: only in administration by a single founder, and for changes that only take away.
    Counts,
    /// Never, whatever else is asked.
    LeftOut,
}

/// Whose endorsements count, whatever a rule makes of them.
#[derive(Default)]
struct Heard {
    // INVARIANT: sets of persons, so that nobody counts twice, whatever principals they hold.
    persons: BTreeSet<PersonId>,
    /// Those of them who touched a key.
    touched: BTreeSet<PersonId>,
    excluded: Vec<(PrincipalId, Exclusion)>,
}

impl Count<'_> {
    pub(crate) fn of(&self, rule: &Rule, endorsements: &[Endorsement]) -> Result<Counted, Shortfall> {
        self.check_times(rule.period_s_max)?;
        let Heard { persons, touched, excluded } = self.hear(endorsements)?;
        if rule.requester == RequesterProof::Proven
            && !asked_by_requester(self.registry, self.request, self.digest, endorsements)
        {
            return Err(Shortfall::Requester { principal: self.request.requester.principal });
        }
        if let Err(Unmet { group, have, need }) = assign(self.registry.people(), rule, &persons) {
            return Err(Shortfall::TooFew { group: group.clone(), have, need, excluded });
        }
        let independent = touched.iter().filter(|person| self.is_asked(rule, person)).count();
        if usize::try_from(rule.independent).map_or(true, |need| independent < need) {
            return Err(Shortfall::NotIndependent { have: independent, need: rule.independent });
        }
        Ok(Counted { persons })
    }

    /// Hears everybody; one rejection of somebody who counts ends it.
    fn hear(&self, endorsements: &[Endorsement]) -> Result<Heard, Shortfall> {
        let mut heard = Heard::default();
        for endorsement in endorsements {
            match self.examine(endorsement) {
                Ok((_, _)) if endorsement.decision == Decision::Reject => {
                    return Err(Shortfall::Rejected { principal: endorsement.principal });
                }
                Ok((person, touch)) => {
                    heard.persons.insert(person);
                    if touch == Touch::Required {
                        heard.touched.insert(person);
                    }
                }
                Err(why) => heard.excluded.push((endorsement.principal, why)),
            }
        }
        Ok(heard)
    }

    fn check_times(&self, period_s_max: u64) -> Result<(), Shortfall> {
        let Request { created, deadline, .. } = *self.request;
        let asked = deadline.since(created);
        if asked > Duration::from_secs(period_s_max) {
            return Err(Shortfall::Period { asked_s: asked.as_secs(), allowed_s: period_s_max });
        }
        match self.moment {
            Moment::Live(now) if now < created || now >= deadline => {
                Err(Shortfall::Time { now, created, deadline })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn examine(&self, endorsement: &Endorsement) -> Result<(PersonId, Touch), Exclusion> {
        let proven = verify(self.registry, endorsement, self.digest)?;
        if self.is_requester(&proven.0) && self.own == Own::LeftOut {
            return Err(Exclusion::Requester);
        }
        if endorsement.facet.is_some() && endorsement.decision == Decision::Endorse {
            return Err(Exclusion::Part);
        }
        let latest = match self.moment {
            Moment::Live(now) => now,
            Moment::Replayed => self.request.deadline,
        };
        let in_time = self.request.created <= endorsement.time
            && endorsement.time <= latest
            && endorsement.time < self.request.deadline;
        if in_time { Ok(proven) } else { Err(Exclusion::Time) }
    }

    /// Somebody outside all groups of the rule meets no part of it, the independent one neither.
    fn is_asked(&self, rule: &Rule, person: &PersonId) -> bool {
        let mut requirements = rule.requirements.iter();
        requirements.any(|requirement| self.registry.is_member(&requirement.group, person))
    }

    /// INVARIANT: a request names principal and person, and where the registry knows the principal it is the registry
    /// that says which person that is: an endorser who asks in another's name is still the requester.
    fn is_requester(&self, person: &PersonId) -> bool {
        let requester = &self.request.requester;
        let known = self.registry.principal(&requester.principal);
        *person == requester.person || known.is_some_and(|known| known.person == *person)
    }
}

/// A group that brings too few persons of its own.
#[derive(Debug)]
pub(crate) struct Unmet<'a> {
    pub(crate) group: &'a Space,
    pub(crate) have: usize,
    pub(crate) need: u32,
}

/// Finds for each requirement persons of its own.
///
/// INVARIANT: one person counts once, whatever groups they are in: nobody stands for two of them.
pub(crate) fn assign<'a>(
    people: &People,
    rule: &'a Rule,
    persons: &BTreeSet<PersonId>,
) -> Result<(), Unmet<'a>> {
    let mut places = Places { people, persons, taken: BTreeMap::new() };
    for Requirement { group, threshold } in &rule.requirements {
        let need = usize::try_from(*threshold).unwrap_or(usize::MAX).max(1);
        for have in 0..need {
            places.fill(group, &mut BTreeSet::new()).ok_or(Unmet { group, have, need: *threshold })?;
        }
    }
    Ok(())
}

/// Who stands for which group.
struct Places<'a> {
    people: &'a People,
    persons: &'a BTreeSet<PersonId>,
    taken: BTreeMap<PersonId, &'a Space>,
}

impl<'a> Places<'a> {
    /// Finds one person more for a group; who stands for another makes room where that one finds somebody else.
    fn fill(&mut self, group: &'a Space, tried: &mut BTreeSet<PersonId>) -> Option<()> {
        for person in self.persons {
            if !self.people.is_member(group, person) || !tried.insert(*person) {
                continue;
            }
            let free = self.taken.get(person).copied().is_none_or(|other| self.fill(other, tried).is_some());
            if free {
                self.taken.insert(*person, group);
                return Some(());
            }
        }
        None
    }
}

/// Did the requester say so, with a credential of the person whom the request names?
///
/// INVARIANT: for a change of the registry they must. Else an administrator would ask in the name of somebody who knows
/// nothing of it, and be counted as one who endorsed.
fn asked_by_requester(
    registry: &Registry,
    request: &Request,
    digest: &Digest,
    endorsements: &[Endorsement],
) -> bool {
    let Requester { principal, person, .. } = request.requester;
    endorsements.iter().any(|endorsement| {
        endorsement.principal == principal
            && endorsement.decision == Decision::Endorse
            && verify(registry, endorsement, digest).is_ok_and(|(proven, _)| proven == person)
    })
}

/// Whose endorsement this is, by the credentials that the registry holds, and whether a touch is part of it.
pub(crate) fn verify(
    registry: &Registry,
    endorsement: &Endorsement,
    digest: &Digest,
) -> Result<(PersonId, Touch), Exclusion> {
    let principal = registry.principal(&endorsement.principal).ok_or(Exclusion::Unknown)?;
    let message = endorsement.message(&registry.platform(), digest);
    let Proof::Ssh { signature } = &endorsement.proof;
    let signature = SshSig::from_blob(&signature.0).map_err(|_| Exclusion::BadSignature)?;
    let mut why = Exclusion::BadSignature;
    for credential in &principal.credentials {
        let Credential::Ssh { public_key, touch } = credential;
        let Ok(key) = SshKey::from_wire(&public_key.0) else { continue };
        match signature.verify(SSH_NAMESPACE, message.as_bytes(), &key) {
            Ok(verified) if *touch == Touch::Required && !is_touched(verified.presence()) => {
                why = Exclusion::NotTouched;
            }
            Ok(_) => return Ok((principal.person, *touch)),
            Err(_) => {}
        }
    }
    Err(why)
}

/// Touched by somebody whom the token knew.
const fn is_touched(presence: Presence) -> bool {
    matches!(presence, Presence::Token { user_present: true, user_verified: true, .. })
}
