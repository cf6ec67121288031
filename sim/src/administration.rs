//! Administration: who changes the registry, rightly or not, and what must come of it.

use model::{Base64, Digest, Hex32, Instant, KeyId, Kind, PlatformId, Proven, Request, RequestId, Requester};
use quorum::{Change, Decision, Endorsement, Entry, KeyState, Proof, Registry, SSH_NAMESPACE, message};
use std::time::Duration;
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
    let request = Request {
        version: 1,
        id: RequestId::new(dice.bytes()),
        space: crate::founding::space("platform"),
        platform: registry.platform(),
        registry: registry.head(),
        policy: registry.policy(),
        nonce: Hex32(dice.bytes()),
        created: now,
        deadline: now.after(Duration::from_secs(3_600)),
        requester: Requester {
            principal: requester.principal,
            person: requester.person,
            proven: Proven::Endorsement,
        },
        reason: "rehearsed".to_owned(),
        kind: Kind::Admin { changes: Entry::changes_digest(&changes) },
    };
    let digest = Request::digest(&request.encode());
    // Whoever asks endorses too, as the proof that they did.
    let others = endorsers.iter().copied().filter(|person| person.principal != requester.principal);
    let signers = std::iter::once(requester).chain(others);
    let endorsements = signers.map(|person| endorse(person, &registry.platform(), &digest, now));
    Entry {
        version: 1,
        number: registry.entries(),
        previous: registry.head(),
        changes,
        endorsements: endorsements.collect(),
        request: Some(request),
    }
}

/// The person's endorsement of a request.
pub(crate) fn endorse(
    person: &Person,
    platform: &PlatformId,
    request: &Digest,
    time: Instant,
) -> Endorsement {
    say(Decision::Endorse, person, platform, request, time)
}

/// What the person says of a request.
pub(crate) fn say(
    decision: Decision,
    person: &Person,
    platform: &PlatformId,
    request: &Digest,
    time: Instant,
) -> Endorsement {
    let text = message(platform, request, decision, &person.principal, None, time);
    let signature = Base64(person.sshsig(SSH_NAMESPACE, text.as_bytes()));
    Endorsement { principal: person.principal, decision, facet: None, time, proof: Proof::Ssh { signature } }
}
