//! Somebody who owns the server and orders from the key process what no engine would.

use model::{Content, Digest, Form, Instant, Item, Items};
use quorum::{KeyRecord, KeyState, Registry};
use signer::{CheckpointOrder, Head, Imprint, Order, SignOrder, TimestampOrder};
use testkit::Seeded;

use crate::clients::{Asked, ask, item};
use crate::founding::People;
use crate::truth::Truth;

/// What is tried. None of it may ever be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// A governed request with whatever endorsements there are, while they are too few.
    TooFew,
    /// Another content in the place of one that was asked for.
    Swapped,
    /// An item of one form for a key of another.
    OtherForm,
    /// A checkpoint of a log that never was.
    Fork,
    /// Whatever a key may still sign that is to retire, or did. When it did, the intent tells.
    Old,
}

/// What an intruder finds on the server.
pub(crate) struct Spoils<'a> {
    pub(crate) asked: &'a [Asked],
    pub(crate) registry: &'a Registry,
    pub(crate) people: &'a People,
    pub(crate) truth: &'a Truth,
    pub(crate) now: Instant,
}

impl Attack {
    pub(crate) const ALL: [Self; 5] = [Self::TooFew, Self::Swapped, Self::OtherForm, Self::Fork, Self::Old];

    /// The invariant that is broken if it succeeds; `None` if it may.
    pub(crate) const fn breaks(self) -> Option<u8> {
        match self {
            Self::TooFew => Some(2),
            Self::Swapped => Some(8),
            Self::OtherForm => Some(12),
            Self::Fork => Some(9),
            Self::Old => None,
        }
    }

    /// The order; `None` where there is nothing to begin with.
    pub(crate) fn order(self, spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
        match self {
            Self::TooFew => too_few(spoils, dice),
            Self::Swapped => swapped(spoils, dice),
            Self::OtherForm => other_form(spoils, dice),
            Self::Fork => fork(spoils, dice),
            Self::Old => old(spoils, dice),
        }
    }
}

fn pick<'a>(asked: impl Iterator<Item = &'a Asked>, dice: &mut Seeded) -> Option<&'a Asked> {
    let asked: Vec<&Asked> = asked.collect();
    let count = u64::try_from(asked.len()).ok().filter(|count| *count > 0)?;
    asked.get(usize::try_from(dice.below(count)).ok()?).copied()
}

fn sign(asked: &Asked, item: Vec<u8>, endorsements: Vec<Vec<u8>>) -> Option<Order> {
    let items = Items::parse(asked.submission.items.clone()).ok()?;
    let request = asked.submission.request.clone();
    Some(Order::Sign(SignOrder { request, item, path: items.path(0)?, endorsements }))
}

fn too_few(spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
    let governed = spoils.asked.iter().filter(|asked| asked.governed);
    let lacking = governed.filter(|asked| spoils.truth.check_quorum(asked).is_err());
    let asked = pick(lacking, dice)?;
    let item = asked.submission.items.first()?.clone();
    sign(asked, item, spoils.truth.all_given(&asked.digest))
}

fn swapped(spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
    let asked = pick(spoils.asked.iter().filter(|asked| !asked.governed), dice)?;
    let evil = Digest::of(&dice.bytes::<24>());
    let item = Item::parse(asked.submission.items.first()?).ok()?;
    let item = Item { content: Content::Sha256 { digest: evil, length: 24 }, ..item };
    sign(asked, item.encode(), Vec::new())
}

/// The request is the intruder's own and holds together: only the key's record says no.
fn other_form(spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
    let profile = &pick(spoils.asked.iter().filter(|asked| !asked.governed), dice)?.profile;
    let cms = profile.keys.iter().find(|key| key.form == Form::Cms)?;
    let key = spoils.registry.active_key(&cms.key)?;
    let item = item(0, Form::Blob, 0, &dice.bytes::<24>(), key, dice);
    let caller = &spoils.people.pipeline;
    let asked = ask(spoils.registry, caller, profile, vec![item], spoils.now, dice);
    spoils.truth.asked(&asked);
    sign(&asked, asked.submission.items.first()?.clone(), Vec::new())
}

/// As a log would say that lost its last entry and got another.
fn fork(spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
    let record = &spoils.registry.in_use(Form::Checkpoint, spoils.now)?.record;
    let (key, heads) = (record.id(), spoils.truth.heads(record.origin.as_deref()?));
    // Whatever comes first extends a log without entries.
    let (size, root) =
        heads.last_key_value().map(|(size, root)| (*size, *root)).filter(|(size, _)| *size > 0)?;
    let new = Head { size: size + dice.below(2), root: Digest::of(&dice.bytes::<8>()) };
    Some(Order::Checkpoint(CheckpointOrder { key, old: Head { size, root }, new, proof: Vec::new() }))
}

/// Another token of an old authority, or the last checkpoint of an old log once more.
fn old(spoils: &Spoils<'_>, dice: &mut Seeded) -> Option<Order> {
    let old: Vec<&KeyRecord> =
        spoils.registry.keys().filter(|key| key.state == KeyState::Retired).map(|key| &key.record).collect();
    let count = u64::try_from(old.len()).ok().filter(|count| *count > 0)?;
    let record = old.get(usize::try_from(dice.below(count)).ok()?)?;
    let key = record.id();
    let Some(origin) = record.origin.as_deref() else {
        let imprint = Imprint::Sha256(dice.bytes());
        return Some(Order::Timestamp(TimestampOrder { key, imprint, nonce: None }));
    };
    let (size, root) = spoils.truth.heads(origin).pop_last()?;
    let last = Head { size, root };
    Some(Order::Checkpoint(CheckpointOrder { key, old: last, new: last, proof: Vec::new() }))
}
