//! The ledger: its tree, and rows against leaves.

use std::collections::HashMap;

use engine::{Leaf, LeafKind};
use model::{Digest, RequestId};
use serde_json::Value;
use store::Reader;
use tlog::RightEdge;

use super::findings::outcomes_due;
use super::rows::{KnownRow, Rows};
use super::{Book, Finding, Report, told};

/// How many leaves of each kind a request has.
#[derive(Default)]
struct Counts {
    submissions: u32,
    intents: u32,
    outcomes: u32,
}

pub(super) fn check(store: &Reader, rows: &Rows, report: &mut Report) {
    let (mut edge, mut counts) = (RightEdge::new(), HashMap::new());
    let mut next = 0;
    let read = store.ledger(|leaf| match leaf {
        Ok((place, leaf)) => {
            if place != next {
                report.findings.push(Finding::LeafPlace { place: next });
            }
            next = place + 1;
            edge.append(leaf.hash());
            if let Some(id) = leaf.request {
                take(place, id, &leaf, rows, counts.entry(id).or_default(), report);
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
    for (id, row) in &rows.by_id {
        count(*id, row, counts.get(id).unwrap_or(&Counts::default()), report);
    }
    let holds = format!("{} leaves", edge.size());
    report.books.push(Book { name: "ledger".to_owned(), holds, head: Some(edge.root().to_string()) });
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

fn take(place: u64, id: RequestId, leaf: &Leaf, rows: &Rows, counts: &mut Counts, report: &mut Report) {
    let Some(row) = rows.by_id.get(&id) else {
        report.findings.push(Finding::LeafWithoutRow { place, id });
        return;
    };
    let kind = leaf.kind.word();
    let Ok(record) = serde_json::from_slice::<Value>(&leaf.record) else {
        report.findings.push(Finding::Leaf { fault: format!("the record of leaf {place} is not JSON") });
        return;
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
        }
        LeafKind::Strangers => other("kind"),
    }
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(record: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    record.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
