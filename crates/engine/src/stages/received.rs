//! A request as it was received: read, bounded, and nothing more.

use std::time::Duration;

use identity::Caller;
use model::{Digest, Hex16, Hex32, Instant, Item, ItemTree, Items, Kind, Request, RequestId, Signing, Tag};

use crate::submission::Repeat;
use crate::{Lookup, Row, State, StoreError, Submission, SubmitError};

/// A request that was read and holds together. Nobody has decided anything about it. It is the one type of the
/// cycle that a row can become.
#[derive(Debug)]
pub struct Received {
    pub(crate) caller: Caller,
    pub(crate) bytes: Vec<u8>,
    pub(crate) request: Request,
    pub(crate) signing: Signing,
    pub(crate) digest: Digest,
    pub(crate) items: Items,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) repeat: Digest,
    pub(crate) mode: Repeat,
    pub(crate) submitted: Instant,
    pub(crate) origin: Origin,
}

/// Where a received request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a client, just now.
    Client,
    /// From its row: it waited for endorsements.
    Waiting,
    /// From its row: it was in flight when a server stopped. An entry in the log is not before this size of it.
    InFlight { log_size: u64 },
}

/// For how long a repeat is answered with what was given.
const REPEAT_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// The longest idempotency key.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

impl Received {
    /// Reads what a client submitted.
    pub fn parse(caller: Caller, submission: Submission, now: Instant) -> Result<Self, SubmitError> {
        let request = Request::parse(&submission.request)?;
        let items = Items::parse(submission.items)?;
        let Kind::Sign(signing) = request.kind.clone() else { return Err(SubmitError::NotSigning) };
        let (found, named) = (items.tree(), signing.items);
        if found != named {
            return Err(SubmitError::OtherItems { found: found.root, named: named.root });
        }
        if submission.idempotency_key.as_ref().is_some_and(|key| !is_idempotency_key(key)) {
            return Err(SubmitError::IdempotencyKey);
        }
        Ok(Self {
            caller,
            digest: Request::digest(&submission.request),
            bytes: submission.request,
            repeat: repeat_digest(&request, &items),
            request,
            signing,
            items,
            idempotency_key: submission.idempotency_key,
            mode: submission.repeat,
            submitted: now,
            origin: Origin::Client,
        })
    }

    /// By what is looked for what it may repeat.
    pub(crate) fn lookup(&self, now: Instant) -> Lookup {
        Lookup {
            principal: self.caller.principal,
            id: self.id(),
            idempotency_key: self.idempotency_key.clone(),
            repeat: self.repeat,
            repeat_since: now.before(REPEAT_WITHIN),
        }
    }

    /// Reads a row again. `caller` is who submitted it, with what they may reach now.
    pub fn reload(row: Row, caller: Caller) -> Result<Self, StoreError> {
        let origin = match row.standing.state {
            State::Waiting => Origin::Waiting,
            _ => Origin::InFlight { log_size: row.log_size },
        };
        let submission = Submission {
            request: row.request,
            items: row.items,
            idempotency_key: row.idempotency_key,
            repeat: Repeat::Again,
        };
        let received = Self::parse(caller, submission, row.submitted)
            .map_err(|source| StoreError::Corrupt { what: "request", source: Some(Box::new(source)) })?;
        Ok(Self { origin, ..received })
    }

    pub(crate) const fn id(&self) -> RequestId {
        self.request.id
    }

    /// An entry of it in the log is not before this size.
    pub(crate) const fn log_size(&self) -> u64 {
        match self.origin {
            Origin::Client | Origin::Waiting => 0,
            Origin::InFlight { log_size } => log_size,
        }
    }

    /// The row that a submission becomes.
    pub(crate) fn row(&self, standing: crate::Standing, log_size: u64) -> Row {
        Row {
            id: self.id(),
            space: self.request.space.clone(),
            profile: self.signing.profile.clone(),
            caller: self.caller.clone(),
            request: self.bytes.clone(),
            items: self.items.iter().map(|(bytes, _)| bytes.to_vec()).collect(),
            endorsements: Vec::new(),
            idempotency_key: self.idempotency_key.clone(),
            repeat: self.repeat,
            submitted: self.submitted,
            deadline: self.request.deadline,
            standing,
            log_size,
            crashes: 0,
        }
    }
}

/// Visible ASCII, as a header carries it.
fn is_idempotency_key(key: &str) -> bool {
    (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What makes two requests the same for a client that repeats itself: all but what is random or a time.
fn repeat_digest(request: &Request, items: &Items) -> Digest {
    let mut same = Request {
        id: RequestId::new([0; 16]),
        nonce: Hex32([0; 32]),
        created: Instant::EPOCH,
        deadline: Instant::EPOCH,
        ..request.clone()
    };
    if let Kind::Sign(signing) = &mut same.kind {
        // The root covers the salts; the items themselves follow without them.
        signing.items = ItemTree { root: Digest::ZERO, count: signing.items.count };
    }
    let mut parts = vec![same.encode()];
    parts.extend(items.iter().map(|(_, item)| Item { salt: Hex16([0; 16]), ..item.clone() }.encode()));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Tag::Repeat.digest(&parts)
}
