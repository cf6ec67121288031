//! Keys of the platform that others follow in the middle of a run: a log and its timestamp authority are published, take over
//! and retire the ones before them, whatever stops meanwhile.

use std::time::Duration;

use model::{Form, Instant, PublicKey};
use quorum::{CertificateSubject, Change, KeyRecord, KeyState};
use signer::{AdminAnswer, AdminMessage};

use crate::administration::entry;
use crate::run::Run;

/// What is followed in one entry.
const FORMS: [Form; 2] = [Form::Checkpoint, Form::Timestamp];

/// Successions in a run, at most.
const SUCCESSIONS_MAX: u32 = 3;

impl Run<'_> {
    /// Administrators publish the keys that are to follow. It says whether it was tried.
    pub(crate) fn succeed(&mut self) -> bool {
        let now = self.now();
        let in_use = |form| self.registry.in_use(form, now).map(|key| key.record.clone());
        let Some(old) = FORMS.map(in_use).into_iter().collect::<Option<Vec<KeyRecord>>>() else {
            return false;
        };
        let is_next = |record: &KeyRecord| {
            let newest = self.registry.platform_key(record.form);
            newest.is_some_and(|newest| newest.record.id() != record.id())
        };
        if old.iter().any(|record| record.generation > SUCCESSIONS_MAX || is_next(record)) {
            return false;
        }
        let takes_over = now.whole_second().after(Duration::from_secs(self.dice.below(20)));
        let retires = takes_over.after(Duration::from_secs(self.dice.below(20)));
        let mut changes = Vec::new();
        for old in old {
            let Some(public_key) = self.generate(&old) else { return true };
            let new = next(&old, public_key, now, takes_over);
            // Whether the answer arrives or not, from here on it may be there.
            self.truth.add(&new);
            let (key, state, reason) = (old.id(), KeyState::Retired, "rehearsed".to_owned());
            changes.extend([Change::Key(new), Change::KeyState { key, state, since: retires, reason }]);
        }
        self.publish(changes, now);
        true
    }

    fn generate(&self, old: &KeyRecord) -> Option<PublicKey> {
        let store = old.store.to_string();
        let message = AdminMessage::Generate { store, algorithm: old.public_key.algorithm() };
        match self.transport.administer(&message) {
            Ok(AdminAnswer::Generated { spki }) => PublicKey::from_spki(&spki).ok(),
            _ => None,
        }
    }

    fn publish(&mut self, changes: Vec<Change>, now: Instant) {
        let [first, second, third] = self.platform.people.administrators.as_slice() else {
            unreachable!("there are three administrators")
        };
        let entry = entry(&self.registry, first, &[second, third], changes, now, &mut self.dice);
        let answer = self.transport.administer(&AdminMessage::Append { entry: entry.encode() });
        let event = match answer {
            Ok(AdminAnswer::Appended { .. }) => "successions",
            _ => "successions refused or unanswered",
        };
        self.tally.note(event, 1);
        self.refresh();
    }
}

/// The next generation of a key.
fn next(old: &KeyRecord, public_key: PublicKey, published: Instant, takes_over: Instant) -> KeyRecord {
    let generation = old.generation + 1;
    KeyRecord {
        generation,
        public_key,
        not_before: published.whole_second(),
        takes_over: Some(takes_over),
        origin: old.origin.as_ref().map(|_| format!("2026-{generation}.log.sign.example.test")),
        subject: old.subject.as_ref().map(|subject| CertificateSubject {
            common_name: format!("timestamps, generation {generation}"),
            ..subject.clone()
        }),
        ..old.clone()
    }
}
