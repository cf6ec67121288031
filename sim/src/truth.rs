//! What really happened, kept apart from the code that is rehearsed: what was asked, who endorsed it, which key was
//! taken away, which heads were signed. Every use of a private key is held against it at once, by numbers of the
//! invariants in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use envelope::ToBeSigned;
use keystore::Signable;
use model::{Digest, Form, Hashed, Instant, KeyId, PersonId, PrincipalId};
use quorum::{KeyRecord, KeyState, Registry};
use signer::Head;

use crate::clients::Asked;

/// An invariant that does not hold, and how that shows.
pub(crate) type Found = Result<(), (u8, String)>;

pub(crate) fn must(holds: bool, invariant: u8, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err((invariant, what())) }
}

/// What really happened. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Truth(Arc<Mutex<Facts>>);

#[derive(Default)]
struct Facts {
    keys: BTreeMap<KeyId, KeyRecord>,
    /// Keys that sign no more from a time on.
    retired: BTreeMap<KeyId, Instant>,
    /// Who may endorse for the governed key, and how many of them must.
    endorsers: BTreeSet<PersonId>,
    suspended: BTreeSet<KeyId>,
    /// What was asked, by the digest of each content.
    asked: BTreeMap<Digest, Vec<Wanted>>,
    given: BTreeMap<Digest, Vec<Given>>,
    /// What each key signed for each content.
    signed: BTreeMap<(KeyId, Digest), Digest>,
    /// Every head of each log that was signed.
    heads: BTreeMap<String, Heads>,
    /// Every head of the journal that was signed.
    journal: BTreeMap<u64, Digest>,
    found: Option<(u8, String)>,
}

/// Roots by sizes.
pub(crate) type Heads = BTreeMap<u64, Digest>;

/// How long before it takes over a key may sign.
const EARLY_MAX: Duration = Duration::from_secs(60);

/// An item that somebody asked to be signed.
#[derive(Clone)]
struct Wanted {
    request: Digest,
    key: model::Space,
    requester: PersonId,
    created: Instant,
    deadline: Instant,
}

/// An endorsement that really was given.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) principal: PrincipalId,
    pub(crate) person: PersonId,
    pub(crate) time: Instant,
    pub(crate) bytes: Vec<u8>,
}

/// What is seen at the moment at which a key is used.
pub(crate) struct Seen<'a> {
    pub(crate) now: Instant,
    /// Would these bytes be on the journal's disk after a power cut?
    pub(crate) is_durable: &'a dyn Fn(&Digest) -> bool,
    /// Is the journal's newest segment but a snapshot?
    pub(crate) fresh: bool,
}

/// How many must endorse for the governed key.
pub(crate) const QUORUM: usize = 2;

impl Truth {
    pub(crate) fn begin(registry: &Registry, endorsers: impl IntoIterator<Item = PersonId>) -> Self {
        let truth = Self::default();
        let keys = registry.keys().map(|key| (key.record.id(), key.record.clone()));
        truth.facts().keys = keys.collect();
        truth.facts().endorsers = endorsers.into_iter().collect();
        truth
    }

    pub(crate) fn asked(&self, asked: &Asked) {
        let mut facts = self.facts();
        for (key, content) in &asked.contents {
            let wanted = Wanted {
                request: asked.digest,
                key: key.clone(),
                requester: asked.caller.person,
                created: asked.created,
                deadline: asked.deadline,
            };
            facts.asked.entry(*content).or_default().push(wanted);
        }
    }

    pub(crate) fn given(&self, request: Digest, given: Given) {
        self.facts().given.entry(request).or_default().push(given);
    }

    /// The endorsements of a request that were really given.
    pub(crate) fn all_given(&self, request: &Digest) -> Vec<Vec<u8>> {
        let facts = self.facts();
        let given = facts.given.get(request);
        given.into_iter().flatten().map(|given| given.bytes.clone()).collect()
    }

    /// Is a quorum really there?
    pub(crate) fn check_quorum(&self, asked: &Asked) -> Found {
        let wanted = Wanted {
            request: asked.digest,
            key: "asked".parse().expect("a word is a name"),
            requester: asked.caller.person,
            created: asked.created,
            deadline: asked.deadline,
        };
        self.facts().quorum(&wanted)
    }

    /// Is it a key of the registry, and not the journal's own?
    pub(crate) fn knows(&self, key: &KeyId) -> bool {
        self.facts().keys.contains_key(key)
    }

    pub(crate) fn suspend(&self, key: KeyId) {
        self.facts().suspended.insert(key);
    }

    /// Somebody may have restored it.
    pub(crate) fn restore(&self, key: &KeyId) {
        self.facts().suspended.remove(key);
    }

    /// The heads of a log that were signed.
    pub(crate) fn heads(&self, origin: &str) -> Heads {
        self.facts().heads.get(origin).cloned().unwrap_or_default()
    }

    pub(crate) fn all_heads(&self) -> BTreeMap<String, Heads> {
        self.facts().heads.clone()
    }

    /// Was this head of some log signed?
    pub(crate) fn knows_head(&self, head: &Head) -> bool {
        self.facts().heads.values().any(|heads| heads.get(&head.size) == Some(&head.root))
    }

    /// A key may be in the registry from here on.
    pub(crate) fn add(&self, record: &KeyRecord) {
        self.facts().keys.insert(record.id(), record.clone());
    }

    /// What the registry says by now.
    pub(crate) fn learn(&self, registry: &Registry) {
        let retired = registry.keys().filter(|key| key.state == KeyState::Retired);
        self.facts().retired.extend(retired.map(|key| (key.record.id(), key.since)));
    }

    /// A key signed, by the journal's own time: it was its turn, then.
    pub(crate) fn signed_at(&self, id: &KeyId, at: Instant) {
        let found = self.facts().check_turn(id, at);
        self.hold(found);
    }

    /// The root of the journal's checkpoint of this size, if one was ever signed.
    pub(crate) fn journal_root(&self, size: u64) -> Option<Digest> {
        self.facts().journal.get(&size).copied()
    }

    /// The size of the longest checkpoint of the journal that was ever signed.
    pub(crate) fn journal_size(&self) -> u64 {
        self.facts().journal.last_key_value().map_or(0, |(size, _)| *size)
    }

    /// Writes down what does not hold, unless something was found before.
    pub(crate) fn hold(&self, found: Found) {
        if let Err(found) = found {
            self.facts().found.get_or_insert(found);
        }
    }

    /// What was found so far.
    pub(crate) fn look(&self) -> Found {
        self.facts().found.clone().map_or(Ok(()), Err)
    }

    /// A private key is about to be used.
    pub(crate) fn used(&self, id: &KeyId, what: Signable<'_>, seen: &Seen<'_>) {
        let found = self.facts().check_use(id, what, seen);
        self.hold(found);
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().expect("nothing panics while it holds the facts")
    }
}

impl Facts {
    fn check_use(&mut self, id: &KeyId, what: Signable<'_>, seen: &Seen<'_>) -> Found {
        // The journal's own key is no key of the registry, and its checkpoints are nothing that anybody ordered.
        let Some(record) = self.keys.get(id).cloned() else { return self.check_journal(what) };
        let name = &record.name;
        must(!self.suspended.contains(id), 13, || format!("key `{name}` signs while it is suspended"))?;
        let digest = match what {
            Signable::Message(bytes) => Digest::of(bytes),
            Signable::Hashed(hashed) => ToBeSigned::Hashed(*hashed).sha256(),
        };
        match (record.form, what) {
            (Form::Blob, Signable::Hashed(Hashed::Sha256(content))) => {
                self.check_content(&record, content, digest, seen.now)?
            }
            (Form::Cms, Signable::Message(bytes)) => {
                let contents = bytes.windows(32).filter_map(Digest::from_slice);
                let content = contents.into_iter().find(|content| self.asked.contains_key(content));
                let content = content.ok_or_else(|| (8, format!("key `{name}` signs what nobody asked")))?;
                self.check_content(&record, &content, digest, seen.now)?;
            }
            (Form::Checkpoint, Signable::Message(bytes)) => self.check_head(&record, bytes)?,
            // Tokens, and the certificates of keys that follow others.
            (Form::Timestamp | Form::Ca, Signable::Message(_)) => {}
            (form, _) => return Err((12, format!("key `{name}` of form {form} signs something else"))),
        }
        // A snapshot holds the intent of an item whole, that of a token or a checkpoint in the edge of the tree alone.
        let is_code = matches!(record.form, Form::Blob | Form::Cms);
        let durable = (seen.is_durable)(&digest) || (!is_code && seen.fresh);
        must(durable, 1, || format!("key `{name}` signs {digest} without a durable intent"))
    }

    fn check_turn(&self, id: &KeyId, at: Instant) -> Found {
        let Some(record) = self.keys.get(id) else { return Ok(()) };
        let (name, generation) = (&record.name, record.generation);
        let from = record.in_use_from();
        must(from <= at.after(EARLY_MAX), 13, || {
            format!("`{name}` generation {generation} signs at {at} and takes over at {from}")
        })?;
        let retired = self.retired.get(id).filter(|since| **since <= at);
        must(retired.is_none(), 13, || {
            format!("`{name}` generation {generation} signs at {at}, when it is retired")
        })
    }

    fn check_content(&mut self, record: &KeyRecord, content: &Digest, digest: Digest, now: Instant) -> Found {
        let name = &record.name;
        let wanted = self.asked.get(content).into_iter().flatten().find(|wanted| wanted.key == *name);
        let wanted = wanted.cloned().ok_or_else(|| (8, format!("key `{name}` signs what nobody asked")))?;
        if record.rule.is_some() {
            must(now < wanted.deadline, 2, || format!("key `{name}` signs after the request's deadline"))?;
            self.quorum(&wanted)?;
        }
        let before = *self.signed.entry((record.id(), *content)).or_insert(digest);
        must(before == digest, 1, || format!("key `{name}` signs other bytes for an item that it signed"))
    }

    /// INVARIANT 2 and 3, counted here without the code that is rehearsed.
    fn quorum(&self, wanted: &Wanted) -> Found {
        let in_time = |given: &&Given| wanted.created <= given.time && given.time < wanted.deadline;
        let given = self.given.get(&wanted.request).into_iter().flatten().filter(in_time);
        let given: Vec<&Given> = given.filter(|given| self.endorsers.contains(&given.person)).collect();
        let others = given.iter().filter(|given| given.person != wanted.requester);
        let persons = others.map(|given| given.person).collect::<BTreeSet<_>>().len();
        let principals = given.iter().map(|given| given.principal).collect::<BTreeSet<_>>().len();
        let invariant = if principals >= QUORUM { 3 } else { 2 };
        must(persons >= QUORUM, invariant, || {
            format!(
                "a governed key signs for {persons} persons, requester left out, of {principals} principals"
            )
        })
    }

    /// INVARIANT 9, of the journal: one that was signed before the disk had it is signed with another root after a cut.
    fn check_journal(&mut self, what: Signable<'_>) -> Found {
        let Signable::Message(bytes) = what else {
            return Err((12, "the journal's key signs a digest".to_owned()));
        };
        let checkpoint = std::str::from_utf8(bytes).ok().and_then(|text| tlog::Checkpoint::parse(text).ok());
        let checkpoint =
            checkpoint.ok_or_else(|| (12, "the journal's key signs no checkpoint".to_owned()))?;
        let (size, root) = (checkpoint.size(), *checkpoint.root());
        let before = *self.journal.entry(size).or_insert(root);
        must(before == root, 9, || format!("two checkpoints of the journal for {size} leaves"))
    }

    /// INVARIANT 9, as far as one head tells; the rest is compared with the log in the end.
    fn check_head(&mut self, record: &KeyRecord, bytes: &[u8]) -> Found {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let checkpoint = tlog::Checkpoint::parse(text)
            .ok()
            .filter(|checkpoint| record.origin.as_deref() == Some(checkpoint.origin()));
        let checkpoint =
            checkpoint.ok_or_else(|| (12, "the log's key signs no checkpoint of it".to_owned()))?;
        let (size, root) = (checkpoint.size(), *checkpoint.root());
        let heads = self.heads.entry(checkpoint.origin().to_owned()).or_default();
        let newest = heads.last_key_value().map_or(0, |(size, _)| *size);
        must(newest <= size, 9, || format!("a checkpoint of size {size} after one of {newest}"))?;
        let before = *heads.entry(size).or_insert(root);
        must(before == root, 9, || format!("two checkpoints of size {size}"))
    }
}
