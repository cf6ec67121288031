//! What the ledger records of a request: canonical JSON, committed to with a salt.

use std::collections::BTreeMap;

use model::{Digest, Instant, RequestId, Space, to_canonical};
use serde::Serialize;

use super::{Endorsed, Received};
use crate::{Leaf, LeafKind, Standing};

/// What was asked, by whom, and what policy first said.
#[derive(Serialize)]
struct Submission<'a> {
    request: &'a str,
    digest: Digest,
    decision: &'static str,
    reasons: &'a [String],
}

/// An endorsement or a rejection.
#[derive(Serialize)]
struct Endorsement<'a> {
    digest: Digest,
    endorsement: &'a str,
}

/// The second decision, and the order: the request, with these endorsements.
#[derive(Serialize)]
struct Intent<'a> {
    digest: Digest,
    policy: Digest,
    registry: Digest,
    reasons: &'a [String],
    endorsements: Vec<&'a str>,
}

/// How it ended.
#[derive(Serialize)]
struct Outcome<'a> {
    digest: Digest,
    state: &'static str,
    reasons: &'a [String],
    receipts: &'a [Digest],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    recalled: &'a [Recalled],
}

/// A signature of a request that ended without receipts: it was made, and nobody was given it.
#[derive(Serialize)]
pub(crate) struct Recalled {
    /// The index of the item.
    pub(crate) item: u32,
    /// The index of the intent in the journal.
    pub(crate) intent: u64,
    /// The SHA-256 of the signature.
    pub(crate) signature: Digest,
    /// The index of its entry in the log, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<u64>,
}

/// Calls that were refused and whose callers proved nothing, and entries that others brought into the log: each of those
/// is public for ever, here is how many.
#[derive(Serialize)]
struct Strangers<'a> {
    #[serde(skip_serializing_if = "is_zero")]
    logged: u64,
    since: Instant,
    refused: &'a BTreeMap<&'static str, u64>,
}

/// Where and when a leaf is written, and its salt.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) request: Option<RequestId>,
    pub(crate) space: Space,
    pub(crate) time: Instant,
    pub(crate) salt: [u8; 16],
}

impl Place {
    fn leaf(self, kind: LeafKind, record: &impl Serialize) -> Leaf {
        let Self { request, space, time, salt } = self;
        Leaf { kind, request, space, time, salt, record: to_canonical(record) }
    }
}

pub(crate) fn submission(
    place: Place,
    received: &Received,
    decision: &'static str,
    reasons: &[String],
) -> Leaf {
    let record = Submission { request: text(&received.bytes), digest: received.digest, decision, reasons };
    place.leaf(LeafKind::Submission, &record)
}

pub(crate) fn endorsement(place: Place, digest: Digest, endorsement: &[u8]) -> Leaf {
    place.leaf(LeafKind::Endorsement, &Endorsement { digest, endorsement: text(endorsement) })
}

pub(crate) fn intent(place: Place, endorsed: &Endorsed) -> Leaf {
    let authorised = &endorsed.authorised;
    let registry = authorised.fitting.platform.registry();
    let record = Intent {
        digest: authorised.received().digest,
        policy: registry.policy(),
        registry: registry.head(),
        reasons: &authorised.reasons,
        endorsements: endorsed.endorsements.iter().map(|bytes| text(bytes)).collect(),
    };
    place.leaf(LeafKind::Intent, &record)
}

pub(crate) fn outcome(
    place: Place,
    digest: Digest,
    standing: &Standing,
    receipts: &[Digest],
    recalled: &[Recalled],
) -> Leaf {
    let Standing { state, reasons, .. } = standing;
    place.leaf(LeafKind::Outcome, &Outcome { digest, state: state.word(), reasons, receipts, recalled })
}

pub(crate) fn strangers(
    place: Place,
    since: Instant,
    refused: &BTreeMap<&'static str, u64>,
    logged: u64,
) -> Leaf {
    place.leaf(LeafKind::Strangers, &Strangers { logged, since, refused })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn text(canonical: &[u8]) -> &str {
    std::str::from_utf8(canonical).expect("what was read as canonical JSON is UTF-8")
}
