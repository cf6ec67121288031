//! What people do in a run: they endorse, administer, and try what they must not.

use model::{Base64, Digest, to_canonical};
use quorum::{Decision, Endorsement, KeyState, Proof};
use signer::{AdminAnswer, AdminMessage, Answer};
use testkit::Person;

use crate::administration::Deed;
use crate::intruder::{Attack, Spoils};
use crate::run::Run;
use crate::truth::Given;

impl Run<'_> {
    /// Somebody endorses something that waits. Some do it twice, some under two principals, some for what they asked
    /// for themselves; some signatures are bad, some are for another request, and some people say no.
    pub(crate) fn endorse(&mut self) {
        let Some(asked) = self.pick_governed() else { return };
        let people = &self.platform.people;
        let person = &people.endorsers[self.below(people.endorsers.len())];
        let (platform, now) = (self.registry.platform(), self.now());
        let endorsement = match self.dice.below(40) {
            0 => person.say(Decision::Reject, &platform, &asked.digest, now),
            1 => spoilt(person.endorse(&platform, &asked.digest, now)),
            2 => {
                let other = self.below(self.asked.len());
                self.give(person, self.asked[other].digest)
            }
            3 => self.give(&people.administrators[0], asked.digest),
            _ => self.give(person, asked.digest),
        };
        self.bring(&asked, to_canonical(&endorsement));
    }

    /// Really endorses a request.
    fn give(&self, person: &Person, request: Digest) -> Endorsement {
        let now = self.now();
        let endorsement = person.endorse(&self.registry.platform(), &request, now);
        let (principal, bytes) = (person.principal, to_canonical(&endorsement));
        self.truth.given(request, Given { principal, person: person.person, time: now, bytes });
        endorsement
    }

    /// An administrator, or somebody who would like to be one, speaks to the key process.
    pub(crate) fn administer(&mut self) {
        if self.dice.below(4) == 0 && self.succeed() {
            return;
        }
        let (key, state) = self.plain_key();
        let deeds: &[Deed] = match state {
            KeyState::Active => &[Deed::Suspend, Deed::SuspendAsEndorser, Deed::ChangePolicyAlone],
            _ => &[Deed::Restore, Deed::Restore, Deed::RestoreAlone],
        };
        let deed = deeds[self.below(deeds.len())];
        let now = self.now();
        let entry = deed.entry(&self.registry, &self.platform.people, key, now, &mut self.dice);
        if deed == Deed::Restore {
            // Whether the answer arrives or not, from here on the key may be back.
            self.truth.restore(&key);
        }
        let answer = self.transport.administer(&AdminMessage::Append { entry: entry.encode() });
        if let Ok(AdminAnswer::Appended { .. }) = answer {
            self.tally.note("changes of the registry", 1);
            let broken = deed.breaks().map(|invariant| (invariant, format!("{deed:?} succeeds")));
            self.truth.hold(broken.map_or(Ok(()), Err));
            if deed == Deed::Suspend {
                self.truth.suspend(key);
            }
        } else {
            self.tally.note("changes refused or unanswered", 1);
        }
        self.refresh();
    }

    /// Somebody who owns the server orders what was never decided.
    pub(crate) fn intrude(&mut self) {
        let attack = Attack::ALL[self.below(Attack::ALL.len())];
        let spoils = Spoils {
            asked: &self.asked,
            registry: &self.registry,
            people: &self.platform.people,
            truth: &self.truth,
            now: self.now(),
        };
        let Some(order) = attack.order(&spoils, &mut self.dice) else { return };
        self.tally.note("orders of an intruder", 1);
        if let Ok(Answer::Signed(_)) = self.transport.intrude(order) {
            let broken = attack.breaks();
            let told = |invariant| (invariant, format!("the order of an intruder is signed: {attack:?}"));
            self.truth.hold(broken.map(told).map_or(Ok(()), Err));
        }
    }
}

/// An endorsement whose signature does not verify.
fn spoilt(endorsement: Endorsement) -> Endorsement {
    let Proof::Ssh { signature: Base64(mut bytes) } = endorsement.proof else { return endorsement };
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Endorsement { proof: Proof::Ssh { signature: Base64(bytes) }, ..endorsement }
}
