//! Request rows and receipts by themselves, and what of them the other books are asked for.

use std::collections::HashMap;

use engine::{Row, State};
use model::receipt::{Receipt, SignedItem};
use model::{Digest, Items, Kind, Request, RequestId};
use store::{Reader, StoredRequest};
use tlog::Checkpoint;

use super::{Book, Finding, Remark, Report, told};

/// What is known of all rows.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) by_id: HashMap<RequestId, KnownRow>,
    pub(super) by_digest: HashMap<Digest, RequestId>,
    pub(super) claims: Vec<Claim>,
}

/// What the ledger is held against.
pub(super) struct KnownRow {
    pub(super) state: State,
    pub(super) request: Digest,
    pub(super) endorsements: Vec<Digest>,
    pub(super) receipts: Vec<Digest>,
}

/// What a receipt says of log and journal.
pub(super) struct Claim {
    pub(super) id: RequestId,
    pub(super) name: String,
    pub(super) request: Digest,
    pub(super) signature: Digest,
    pub(super) entry: Option<EntryClaim>,
    /// The index of the intent, and its leaf.
    pub(super) intent: Option<(u64, Vec<u8>)>,
}

/// What a receipt says of its log entry.
pub(super) struct EntryClaim {
    pub(super) note: String,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) index: u64,
    pub(super) leaf: Digest,
    pub(super) path: Vec<Digest>,
}

pub(super) fn read(store: &Reader, report: &mut Report) -> Rows {
    let mut rows = Rows::default();
    let read = store.requests(|stored| match stored {
        Ok(stored) => rows.take(stored, report),
        Err(cause) => report.findings.push(Finding::Row { fault: told(&cause) }),
    });
    if let Err(cause) = read {
        report.findings.push(Finding::Row { fault: told(&cause) });
    }
    match store.receipt_owners() {
        Ok(owners) => {
            for id in owners.into_iter().filter(|id| !rows.by_id.contains_key(id)) {
                report.findings.push(Finding::RowReceipt { id, fault: "it has receipts and no row" });
            }
        }
        Err(cause) => report.findings.push(Finding::Row { fault: told(&cause) }),
    }
    let open = rows.by_id.values().filter(|row| findings_due(row.state) == 0 && row.state != State::Waiting);
    let in_flight = open.count();
    if in_flight > 0 {
        report.remarks.push(Remark::InFlight { count: in_flight });
    }
    let receipts: usize = rows.by_id.values().map(|row| row.receipts.len()).sum();
    let holds = format!("{} requests, {} receipts", rows.by_id.len(), receipts);
    report.books.push(Book { name: "rows".to_owned(), holds, head: None });
    rows
}

const fn findings_due(state: State) -> u32 {
    super::findings::outcomes_due(state)
}

impl Rows {
    fn take(&mut self, stored: StoredRequest, report: &mut Report) {
        let StoredRequest { row, receipts } = stored;
        let digest = Request::digest(&row.request);
        if let Err(part) = check_row(&row) {
            report.findings.push(Finding::RowPart { id: row.id, part });
        }
        if (row.standing.state == State::Done) == receipts.is_empty() {
            report.findings.push(Finding::RowReceipt {
                id: row.id,
                fault: "it is done without receipts, or has some and is not done",
            });
        }
        for (name, body) in &receipts {
            match Receipt::parse(body) {
                Ok(receipt) => self.take_receipt(&row, digest, name, &receipt, report),
                Err(_) => report
                    .findings
                    .push(Finding::RowReceipt { id: row.id, fault: "a receipt cannot be read" }),
            }
        }
        self.by_digest.insert(digest, row.id);
        let known = KnownRow {
            state: row.standing.state,
            request: digest,
            endorsements: row.endorsements.iter().map(|bytes| Digest::of(bytes)).collect(),
            receipts: receipts.iter().map(|(_, body)| Digest::of(body)).collect(),
        };
        self.by_id.insert(row.id, known);
    }

    fn take_receipt(
        &mut self,
        row: &Row,
        request: Digest,
        name: &str,
        receipt: &Receipt,
        report: &mut Report,
    ) {
        if receipt.request.as_bytes() != row.request {
            report
                .findings
                .push(Finding::RowReceipt { id: row.id, fault: "a receipt is for another request" });
        }
        for signed in &receipt.items {
            let item = model::Item::parse(signed.item.as_bytes());
            if !item.is_ok_and(|item| item.name == name) {
                report.findings.push(Finding::RowReceipt {
                    id: row.id,
                    fault: "a receipt is stored under another file's name",
                });
            }
            self.claims.push(claim(row.id, name, request, signed));
        }
    }
}

/// What a receipt says of the entry of one of its items.
pub(super) fn entry_claim(signed: &SignedItem) -> Option<EntryClaim> {
    signed.log.as_ref().map(|entry| EntryClaim {
        checkpoint: text_of(&entry.checkpoint).and_then(|text| Checkpoint::parse(text).ok()),
        note: entry.checkpoint.clone(),
        index: entry.index,
        leaf: model::merkle::leaf_hash(&entry.body.0),
        path: entry.path.clone(),
    })
}

fn claim(id: RequestId, name: &str, request: Digest, signed: &SignedItem) -> Claim {
    let entry = entry_claim(signed);
    let intent = signed.journal.as_ref().map(|journal| (journal.index, journal.leaf.0.clone()));
    Claim { id, name: name.to_owned(), request, signature: Digest::of(&signed.signature.0), entry, intent }
}

/// The text of a note, whoever signed it.
fn text_of(note: &str) -> Option<&str> {
    tlog::note::Note::parse(note).ok().map(|note| note.text())
}

/// Does a row say what its request says?
fn check_row(row: &Row) -> Result<(), &'static str> {
    let request = Request::parse(&row.request).map_err(|_| "request")?;
    let Kind::Sign(signing) = &request.kind else { return Err("request") };
    let items = Items::parse(row.items.clone()).map_err(|_| "items")?;
    let parts = [
        ("id", request.id == row.id),
        ("space", request.space == row.space),
        ("profile", signing.profile == row.profile),
        ("deadline", request.deadline == row.deadline),
        (
            "caller",
            request.requester.principal == row.caller.principal
                && request.requester.person == row.caller.person,
        ),
        ("items", items.tree() == signing.items),
    ];
    parts.iter().find(|(_, same)| !same).map_or(Ok(()), |(part, _)| Err(*part))
}
