//! What comes in, and why it is not taken.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use model::{CanonicalError, Digest, Form, Instant, ItemError, RequestError, RequestId, Space};
use quorum::Exclusion;

use crate::{ProfileView, State, StoreError};

/// A request to sign, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The canonical JSON of the request.
    pub request: Vec<u8>,
    /// The canonical JSON of each item, in their order.
    pub items: Vec<Vec<u8>>,
    /// The client's idempotency key, which is its own principal's alone.
    pub idempotency_key: Option<String>,
    /// Is a repeat answered with the receipts that were given before?
    pub repeat: Repeat,
}

impl Submission {
    /// How long all of it is.
    pub fn bytes(&self) -> usize {
        self.request.len() + self.items.iter().map(Vec::len).sum::<usize>()
    }
}

/// Is a repeat answered with the receipts that were given before?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Yes, within 24 hours, after a fresh decision, while the keys are active.
    #[default]
    Same,
    /// No: it is signed again.
    Again,
}

/// Why a submission, an endorsement or a withdrawal was not taken. A refusal by policy is none of these: it is a
/// decision, recorded, and comes as a [`View`](crate::View).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// A queue is full: come back.
    #[error("the queue is full: try again in {} s", .retry_after.as_secs())]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// Nothing is taken any more.
    #[error("the server is going down: try again in {} s", .retry_after.as_secs())]
    Draining {
        /// When to come back.
        retry_after: Duration,
    },
    /// Not a request.
    #[error("the request cannot be read")]
    Request(#[from] RequestError),
    /// Not items.
    #[error("the items cannot be read")]
    Items(#[from] ItemError),
    /// A request for something else than signatures.
    #[error("this request does not ask for signatures; changes of the registry go to the key process")]
    NotSigning,
    /// An idempotency key that is empty, too long, or not visible ASCII.
    #[error("an idempotency key is 1 to 255 visible ASCII characters")]
    IdempotencyKey,
    /// Other items than the request names.
    #[error("the items are not those of the request: their tree's root is `{found}`, and it names `{named}`")]
    OtherItems {
        /// The root of the items.
        found: Digest,
        /// The root in the request.
        named: Digest,
    },
    /// No such profile, or none that this caller can see.
    #[error("there is no signing profile `{profile}` that you can use; `avouch whoami` lists them")]
    NoProfile {
        /// The name.
        profile: Space,
    },
    /// An item that the profile does not cover.
    #[error("item {index} does not fit the profile `{profile}`")]
    Item {
        /// Its index.
        index: u32,
        /// The profile.
        profile: Space,
        /// Why.
        #[source]
        fault: ItemFault,
    },
    /// A field that must say something else under this profile.
    #[error("the request's `{field}` is `{found}`, and the profile `{profile}` asks for `{expected}`")]
    Field {
        /// Which field.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it must say.
        expected: String,
        /// The profile.
        profile: Space,
    },
    /// It stays open longer than it may.
    #[error("the request is open for {asked_s} s, where this profile's keys allow {allowed_s} s")]
    Period {
        /// How long it is open.
        asked_s: u64,
        /// How long it may be.
        allowed_s: u64,
    },
    /// Too early or too late.
    #[error("it is {now} here, outside the request's time from {created} to {deadline}: compare the clocks")]
    Time {
        /// The time here.
        now: Instant,
        /// From when.
        created: Instant,
        /// Until when.
        deadline: Instant,
    },
    /// Out of date: compose it once more from what comes with this.
    #[error("the request's `{field}` is out of date: compose it once more")]
    Stale {
        /// The first field that is.
        field: &'static str,
        /// What it is now.
        profile: Box<ProfileView>,
    },
    /// An id or idempotency key that was used for something else.
    #[error("request id `{id}`, or the idempotency key, was used for something else: use a new one")]
    Conflict {
        /// The request's id.
        id: RequestId,
    },
    /// No such request, or none that this caller can see.
    #[error("there is no request `{id}` that you can see")]
    NotFound {
        /// The id.
        id: RequestId,
    },
    /// A request that waits for nobody.
    #[error("request `{id}` is {state}; only one that waits can be endorsed or withdrawn")]
    NotWaiting {
        /// The id.
        id: RequestId,
        /// Where it stands.
        state: State,
    },
    /// Somebody else's request.
    #[error("request `{id}` was not asked for by you; only its requester withdraws it")]
    NotRequester {
        /// The id.
        id: RequestId,
    },
    /// Not an endorsement.
    #[error("the endorsement cannot be read")]
    Endorsement(#[source] CanonicalError),
    /// An endorsement that would not count.
    #[error("the endorsement does not count")]
    Excluded(#[source] Exclusion),
    /// More endorsements than can be ordered with.
    #[error("request `{id}` has as many endorsements as are read")]
    TooManyEndorsements {
        /// The id.
        id: RequestId,
    },
    /// The policy that is loaded is not the one that the registry names.
    #[error(
        "policy `{loaded}` is loaded, and the registry says `{in_force}`: nothing is signed until they agree"
    )]
    Policy {
        /// The digest of what is loaded.
        loaded: Digest,
        /// The digest that the registry names.
        in_force: Digest,
    },
    /// Something that signing depends on cannot be reached or written.
    #[error(
        "signing is not possible now: {what} cannot do its part; ask again later, it stays the same request"
    )]
    Unavailable {
        /// What.
        what: &'static str,
        /// What it said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// Why an item does not fit a profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ItemFault {
    /// A form that the profile does not write.
    #[error("the profile writes no `{form}`; it writes {known}")]
    Form {
        /// The item's form.
        form: Form,
        /// What the profile writes.
        known: String,
    },
    /// Another key than the profile's.
    #[error("it names key `{found}`, and the profile's key for `{form}` is `{expected}`")]
    Key {
        /// The form.
        form: Form,
        /// What the item names.
        found: Space,
        /// The profile's.
        expected: Space,
    },
    /// The same file twice in one form.
    #[error("item {other} is the same file in the same form")]
    Twice {
        /// The other item.
        other: u32,
    },
    /// A key that nobody has, or that is not active.
    #[error("key `{key}` has no active generation: an administrator must add or restore one")]
    Inactive {
        /// The key.
        key: Space,
    },
    /// A key that does not support the profile's class.
    #[error("key `{key}` does not sign for class `{class}`")]
    Class {
        /// The key.
        key: Space,
        /// The profile's class.
        class: model::Class,
    },
    /// A namespace in which the key does not sign.
    #[error("key `{key}` does not sign in the namespace `{namespace}`")]
    Namespace {
        /// The key.
        key: Space,
        /// What the item names.
        namespace: String,
    },
    /// Content that the key cannot sign.
    #[error("its content cannot be signed in the form `{form}` by this key")]
    Content {
        /// The form.
        form: Form,
        /// Why.
        #[source]
        source: envelope::ComposeError,
    },
}

impl From<StoreError> for SubmitError {
    fn from(source: StoreError) -> Self {
        Self::unavailable("the store", Arc::new(source))
    }
}

impl SubmitError {
    pub(crate) fn unavailable(what: &'static str, source: Arc<dyn Error + Send + Sync>) -> Self {
        Self::Unavailable { what, source }
    }
}
