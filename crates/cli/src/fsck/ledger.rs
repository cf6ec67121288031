//! The ledger: its tree, rows against leaves, and what the journal saw of it.

use std::collections::{HashMap, HashSet};

use engine::{Leaf, LeafKind};
use model::{Digest, RequestId};
use serde_json::Value;
use signer::{Agreement, Head};
use store::Reader;
use tlog::RightEdge;

use super::findings::outcomes_due;
use super::journal::Journal;
use super::recalled::RecalledClaim;
use super::rows::{KnownRow, Rows};
use super::{Book, Finding, Origin, Remark, Report, told};

/// How many leaves of each kind a request has.
#[derive(Default)]
struct Counts {
    submissions: u32,
    intents: u32,
    outcomes: u32,
}

/// Reads the ledger; gives what its outcomes say was recalled.
pub(super) fn check(
    store: &Reader,
    rows: &Rows,
    journal: Option<&Journal>,
    report: &mut Report,
) -> Vec<RecalledClaim> {
    let mut recalled = Vec::new();
    let (mut edge, mut counts) = (RightEdge::new(), HashMap::new());
    let recorded = journal.map(|journal| journal.ledger.as_slice()).unwrap_or_default();
    let milestones = milestones(store, report);
    let sizes: HashSet<u64> = recorded.iter().chain(&milestones).map(|head| head.size).collect();
    let mut roots = HashMap::from([(0, edge.root())]);
    let mut next = 0;
    let read = store.ledger(|leaf| match leaf {
        Ok((place, leaf)) => {
            if place != next {
                report.findings.push(Finding::LeafPlace { place: next });
            }
            next = place + 1;
            edge.append(leaf.hash());
            if sizes.contains(&edge.size()) {
                roots.insert(edge.size(), edge.root());
            }
            if let Some(id) = leaf.request {
                recalled.extend(take(place, id, &leaf, rows, counts.entry(id).or_default(), report));
            }
        }
        Err(cause) => {
            next += 1;
            report.findings.push(Finding::Leaf { fault: told(&cause) });
        }
    });
    match read.and_then(|()| store.ledger_head()) {
        Ok(stored) => {
            if (edge.size(), edge.root()) != (stored.size, stored.root) {
                report.findings.push(Finding::LedgerHead { found: edge.size(), stored: stored.size });
            }
        }
        Err(cause) => report.findings.push(Finding::Leaf { fault: told(&cause) }),
    }
    let rotten = milestones.iter().filter(|head| roots.get(&head.size) != Some(&head.root));
    report.findings.extend(rotten.map(|head| Finding::LedgerMilestone { size: head.size }));
    let origin = journal.map_or(Origin::Own, |journal| journal.origin);
    hold_against_journal(recorded, edge.size(), &roots, origin, report);
    for (id, row) in &rows.by_id {
        count(*id, row, counts.get(id).unwrap_or(&Counts::default()), report);
    }
    let holds = format!("{} leaves", edge.size());
    report.books.push(Book { name: "ledger".to_owned(), holds, head: Some(edge.root().to_string()) });
    recalled
}

fn milestones(store: &Reader, report: &mut Report) -> Vec<Head> {
    store.ledger_milestones().unwrap_or_else(|cause| {
        report.findings.push(Finding::Leaf { fault: told(&cause) });
        Vec::new()
    })
}

/// Every head that the journal recorded is one that the ledger has had. Of those that it did not, the longest is told.
fn hold_against_journal(
    recorded: &[Head],
    stored: u64,
    roots: &HashMap<u64, Digest>,
    origin: Origin,
    report: &mut Report,
) {
    let agreement = |head: &Head| Agreement::of_ledger(*head, roots.get(&head.size).copied());
    let longest =
        |wanted| recorded.iter().filter(|head| agreement(head) == wanted).map(|head| head.size).max();
    if let Some(size) = longest(Agreement::OtherRoot) {
        report.findings.push(Finding::LedgerOtherRoot { size });
    }
    match longest(Agreement::StoreBehind) {
        Some(recorded) if origin == Origin::Copy => {
            report.remarks.push(Remark::LedgerCopiedLater { recorded, stored });
        }
        Some(recorded) => report.findings.push(Finding::LedgerBehind { recorded, stored }),
        None => {}
    }
}

fn count(id: RequestId, row: &KnownRow, counts: &Counts, report: &mut Report) {
    let mut due = |kind, count, expected| {
        if count != expected {
            report.findings.push(Finding::LeafCount { id, kind, count, expected });
        }
    };
    due("submission", counts.submissions, 1);
    due("outcome", counts.outcomes, outcomes_due(row.state));
    match row.state {
        engine::State::Done | engine::State::Intended => due("intent", counts.intents, 1),
        engine::State::Waiting | engine::State::Withdrawn => due("intent", counts.intents, 0),
        _ => due("intent", counts.intents, counts.intents.min(1)),
    }
}

fn take(
    place: u64,
    id: RequestId,
    leaf: &Leaf,
    rows: &Rows,
    counts: &mut Counts,
    report: &mut Report,
) -> Vec<RecalledClaim> {
    let mut recalled = Vec::new();
    let Some(row) = rows.by_id.get(&id) else {
        report.findings.push(Finding::LeafWithoutRow { place, id });
        return recalled;
    };
    let kind = leaf.kind.word();
    let Ok(record) = serde_json::from_slice::<Value>(&leaf.record) else {
        report.findings.push(Finding::Leaf { fault: format!("the record of leaf {place} is not JSON") });
        return recalled;
    };
    let mut other = |part| report.findings.push(Finding::LeafPart { id, kind, part });
    if text(&record, "digest") != row.request.to_string() {
        other("request digest");
    }
    match leaf.kind {
        LeafKind::Submission => {
            counts.submissions += 1;
            if model::Request::digest(text(&record, "request").as_bytes()) != row.request {
                other("request");
            }
        }
        LeafKind::Endorsement => {}
        LeafKind::Intent => {
            counts.intents += 1;
            let recorded = texts(&record, "endorsements").map(|text| Digest::of(text.as_bytes()));
            if !recorded.eq(row.endorsements.iter().copied()) {
                other("set of endorsements");
            }
        }
        LeafKind::Outcome => {
            counts.outcomes += 1;
            if !texts(&record, "receipts").eq(row.receipts.iter().map(Digest::to_string)) {
                other("set of receipts");
            }
            let recorded = text(&record, "state");
            if recorded != row.state.word() {
                let (state, recorded) = (row.state.word(), recorded.to_owned());
                report.findings.push(Finding::LeafState { id, state, recorded });
            }
            recalled = RecalledClaim::all(id, row.request, &record);
        }
        LeafKind::Strangers | LeafKind::Certificate => other("kind"),
    }
    recalled
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(record: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    record.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
