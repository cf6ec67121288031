//! What was signed of requests that ended without receipts, as their outcomes name it: it stands in the journal, and in the
//! log where an entry is named.

use std::collections::{BTreeSet, HashMap};

use envelope::rekor::Body;
use model::journal::Ending;
use model::{Digest, RequestId};
use serde_json::Value;
use signerd::KnownIntent;
use tlog::tile::TileKind;

use super::journal::Journal;
use super::log::{EachEntry, Logs};
use super::{Finding, Report};

/// A signature that an outcome names.
pub(super) struct RecalledClaim {
    id: RequestId,
    request: Digest,
    item: u32,
    intent: u64,
    signature: Digest,
    entry: Option<u64>,
}

impl RecalledClaim {
    /// All that the record of an outcome names. One that cannot be read names what is nowhere.
    pub(super) fn all(id: RequestId, request: Digest, outcome: &Value) -> Vec<Self> {
        let number = |value: &Value, field| value.get(field).and_then(Value::as_u64);
        let claim = |value: &Value| Self {
            id,
            request,
            item: number(value, "item").and_then(|item| u32::try_from(item).ok()).unwrap_or(u32::MAX),
            intent: number(value, "intent").unwrap_or(u64::MAX),
            signature: value.get("signature").and_then(digest).unwrap_or(Digest::ZERO),
            entry: number(value, "entry"),
        };
        outcome.get("recalled").and_then(Value::as_array).into_iter().flatten().map(claim).collect()
    }
}

fn digest(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}

/// The signatures of entries that outcomes name, while the entries of one log are read.
pub(super) struct Wanted<'a> {
    wanted: BTreeSet<u64>,
    found: &'a mut HashMap<u64, Digest>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(claims: &[RecalledClaim], found: &'a mut HashMap<u64, Digest>) -> Self {
        Self { wanted: claims.iter().filter_map(|claim| claim.entry).collect(), found }
    }
}

impl EachEntry for Wanted<'_> {
    fn see(&mut self, index: u64, entry: &[u8], _report: &mut Report) {
        if self.wanted.contains(&index)
            && let Ok(body) = Body::parse(entry)
        {
            self.found.insert(index, Digest::of(body.signature()));
        }
    }

    fn end(&mut self, _report: &mut Report) {}
}

pub(super) fn check(claims: &[RecalledClaim], logs: &Logs, journal: Option<&Journal>, report: &mut Report) {
    for claim in claims {
        let RecalledClaim { id, item, signature, .. } = *claim;
        if let Some(index) = claim.entry {
            // An outcome names no log: it was the one that was written then.
            let mut of_entries = logs.values().filter(|log| log.entries == TileKind::Entries);
            if !of_entries.any(|log| log.signatures.get(&index) == Some(&signature)) {
                let fault = "where no log has it";
                report.findings.push(Finding::RecalledEntry { id, item, index, fault });
            }
        }
        if let Some(Err(fault)) = journal.map(|journal| check_intent(claim, journal)) {
            report.findings.push(Finding::RecalledIntent { id, item, leaf: claim.intent, fault });
        }
    }
}

/// The journal's leaf is the intent to sign this item, and it ended in this signature, as far as the files hold it.
fn check_intent(claim: &RecalledClaim, journal: &Journal) -> Result<(), &'static str> {
    let (inspection, leaf) = (&journal.inspection, claim.intent);
    // What an adoption left behind is not known, whatever stands there now.
    let is_lost = journal.adopted_from > 0 && leaf >= journal.adopted_from;
    match inspection.intents.get(&leaf) {
        _ if is_lost => Ok(()),
        None if leaf >= inspection.head.size => Err("which the journal does not reach"),
        None if leaf < inspection.held_from.max(journal.adopted_from) => Ok(()),
        None => Err("where no intent stands"),
        Some(known) => check_known(claim, known),
    }
}

fn check_known(claim: &RecalledClaim, known: &KnownIntent) -> Result<(), &'static str> {
    if (known.intent.request, known.intent.item) != (claim.request, claim.item) {
        return Err("which is the intent of something else");
    }
    match known.ending {
        Some(Ending::Signed(signature)) if signature != claim.signature => Err("which ended in another"),
        Some(Ending::Signed(_)) | None => Ok(()),
        Some(_) => Err("which ended without one"),
    }
}

#[cfg(test)]
mod tests {
    use model::journal::Intent;
    use model::{Instant, KeyId};
    use signerd::OrderKind;

    use super::*;
    use crate::fsck::log::ReadLog;

    const ID: RequestId = RequestId::new([1; 16]);

    fn claims() -> Vec<RecalledClaim> {
        let signature = Digest::of(b"signature").to_string();
        let outcome = serde_json::json!({ "recalled": [
            { "item": 1, "intent": 9, "signature": signature, "entry": 4 },
            { "item": 0, "intent": 7, "signature": signature },
        ] });
        RecalledClaim::all(ID, Digest::of(b"request"), &outcome)
    }

    #[test]
    fn an_entry_that_is_named_holds_that_very_signature_in_some_log() {
        let log = |index: u64, signature: &[u8]| {
            let signatures = HashMap::from([(index, Digest::of(signature))]);
            let (leaves, roots, key) = (Vec::new(), HashMap::new(), None);
            ReadLog { leaves, roots, key, entries: TileKind::Entries, signatures }
        };
        let found = |logs: Vec<ReadLog>| {
            let mut report = Report::default();
            let logs = logs.into_iter().enumerate().map(|(at, log)| (at.to_string(), log)).collect();
            check(&claims(), &logs, None, &mut report);
            report.findings.len()
        };
        assert_eq!(found(vec![log(4, b"other"), log(4, b"signature")]), 0);
        for wrong in [vec![], vec![log(4, b"other")], vec![log(5, b"signature")]] {
            assert_eq!(found(wrong), 1);
        }
    }

    #[test]
    fn the_intent_that_is_named_is_that_of_the_item_and_ended_in_that_signature() {
        let claims = claims();
        let claim = claims.first().expect("two are named");
        let known = |item: u32, ending: Option<Ending>| KnownIntent {
            intent: Intent {
                sequence: 9,
                time: Instant::EPOCH,
                key: KeyId::new(Digest::ZERO),
                record: Digest::ZERO,
                registry: Digest::ZERO,
                request: Digest::of(b"request"),
                item,
                to_be_signed: Digest::ZERO,
                endorsements: Digest::ZERO,
                chosen: Vec::new(),
            },
            order: OrderKind::Code,
            ending,
            signature: None,
        };
        let signed = |bytes: &[u8]| Some(Ending::Signed(Digest::of(bytes)));
        for good in [known(1, signed(b"signature")), known(1, None)] {
            assert_eq!(check_known(claim, &good), Ok(()));
        }
        let refused = Some(Ending::Refused(std::num::NonZeroU8::MIN));
        for bad in [known(0, signed(b"signature")), known(1, signed(b"other")), known(1, refused)] {
            assert!(check_known(claim, &bad).is_err(), "{bad:?}");
        }
    }
}
