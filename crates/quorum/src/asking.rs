//! Entries in the making: what is asked of the registry, before people endorse it. There is one way to compose an
//! entry, and it can be handed around: an administrative request is the entry that it will be, with those endorsements
//! that it has so far.

use model::{
    Digest, Hex32, Instant, Kind, PersonId, PlatformId, PrincipalId, Proven, Request, RequestId, Requester,
    Space,
};

use crate::{Change, Endorsement, Entry, Genesis, Registry};

/// The space in which administrative requests act.
const SPACE: &str = "platform";

/// Who asks for changes of the registry, until when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The request's id.
    pub id: RequestId,
    /// Thirty-two random bytes.
    pub nonce: Hex32,
    /// Who asks. They endorse too, as the proof that they do.
    pub principal: PrincipalId,
    /// The person that they are.
    pub person: PersonId,
    /// Since when it is asked.
    pub created: Instant,
    /// Until when it can be granted.
    pub deadline: Instant,
    /// Why.
    pub reason: String,
}

/// What an endorsement of an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The platform.
    pub platform: PlatformId,
    /// The digest of the administrative request; of the genesis, in the first entry.
    pub digest: Digest,
}

impl Entry {
    /// The first entry of a chain, which its founders have yet to endorse.
    pub fn first(genesis: Genesis) -> Self {
        Self {
            version: 1,
            number: 0,
            previous: Digest::ZERO,
            request: None,
            changes: vec![Change::Genesis(genesis)],
            endorsements: Vec::new(),
        }
    }

    /// The next entry of a chain, which has yet to be endorsed.
    pub fn next(registry: &Registry, asking: Asking, changes: Vec<Change>) -> Self {
        let Asking { id, nonce, principal, person, created, deadline, reason } = asking;
        let request = Request {
            version: 1,
            id,
            space: SPACE.parse::<Space>().expect("a name that is written here is well formed"),
            platform: registry.platform(),
            registry: registry.head(),
            policy: registry.policy(),
            nonce,
            created,
            deadline,
            requester: Requester { principal, person, proven: Proven::Endorsement },
            reason,
            kind: Kind::Admin { changes: Self::changes_digest(&changes) },
        };
        Self {
            version: 1,
            number: registry.entries(),
            previous: registry.head(),
            request: Some(request),
            changes,
            endorsements: Vec::new(),
        }
    }

    /// What is endorsed; `None` where neither a request nor a genesis is there, or a request that asks for other changes.
    ///
    /// INVARIANT: whoever endorses reads the changes and signs the request: the one must be what the other names.
    pub fn asked(&self) -> Option<Asked> {
        match (&self.request, self.changes.as_slice()) {
            (Some(request), changes) => {
                let names = Kind::Admin { changes: Self::changes_digest(changes) };
                let digest = Request::digest(&request.encode());
                (request.kind == names).then_some(Asked { platform: request.platform, digest })
            }
            (None, [Change::Genesis(genesis)]) => {
                let platform = genesis.platform();
                Some(Asked { platform, digest: *platform.digest() })
            }
            (None, _) => None,
        }
    }

    /// The same entry with what these say of it; nothing is added where nothing is asked.
    #[must_use]
    pub fn endorsed(mut self, say: impl IntoIterator<Item = impl FnOnce(&Asked) -> Endorsement>) -> Self {
        if let Some(asked) = self.asked() {
            self.endorsements.extend(say.into_iter().map(|say| say(&asked)));
        }
        self
    }
}
