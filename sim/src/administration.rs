//! Administration: who changes the registry, rightly or not, and what must come of it.

use std::time::Duration;

use model::{Digest, Hex32, Instant, KeyId, RequestId};
use quorum::{Asking, Change, Entry, KeyState, Registry};
use testkit::{Person, Seeded};

use crate::founding::People;

/// What somebody tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// One administrator takes a key away.
    Suspend,
    /// Two administrators give it back, at the request of a third.
    Restore,
    /// One administrator gives it back, at the request of another.
    RestoreAlone,
    /// An endorser takes a key away, who administers nothing.
    SuspendAsEndorser,
    /// One administrator puts another policy in force.
    ChangePolicyAlone,
}

impl Deed {
    /// The invariant that is broken if it succeeds; `None` if it may.
    pub(crate) const fn breaks(self) -> Option<u8> {
        match self {
            Self::Suspend | Self::Restore => None,
            Self::RestoreAlone | Self::ChangePolicyAlone => Some(13),
            Self::SuspendAsEndorser => Some(10),
        }
    }

    /// The entry with which it is tried.
    pub(crate) fn entry(
        self,
        registry: &Registry,
        people: &People,
        key: KeyId,
        now: Instant,
        dice: &mut Seeded,
    ) -> Entry {
        let state = |state| Change::KeyState { key, state, since: now, reason: "rehearsed".to_owned() };
        let [first, second, third] = people.administrators.as_slice() else {
            unreachable!("there are three administrators")
        };
        let endorser = &people.endorsers[0];
        let (requester, endorsers, change) = match self {
            Self::Suspend => (first, vec![first], state(KeyState::Suspended)),
            Self::Restore => (first, vec![second, third], state(KeyState::Active)),
            Self::RestoreAlone => (first, vec![first, second], state(KeyState::Active)),
            Self::SuspendAsEndorser => (endorser, vec![endorser], state(KeyState::Suspended)),
            Self::ChangePolicyAlone => {
                (first, vec![first, second], Change::Policy { digest: Digest::of(b"another policy") })
            }
        };
        entry(registry, requester, &endorsers, vec![change], now, dice)
    }
}

/// The next entry of a registry: asked for by one, endorsed by others.
pub(crate) fn entry(
    registry: &Registry,
    requester: &Person,
    endorsers: &[&Person],
    changes: Vec<Change>,
    now: Instant,
    dice: &mut Seeded,
) -> Entry {
    let asking = Asking {
        id: RequestId::new(dice.bytes()),
        nonce: Hex32(dice.bytes()),
        principal: requester.principal,
        person: requester.person,
        created: now,
        deadline: now.after(Duration::from_secs(3_600)),
        reason: "rehearsed".to_owned(),
    };
    // Whoever asks endorses too, as the proof that they did.
    let others = endorsers.iter().copied().filter(|person| person.principal != requester.principal);
    let signers = std::iter::once(requester).chain(others);
    Entry::next(registry, asking, changes).endorsed(signers.map(|person| person.endorsing(now)))
}
