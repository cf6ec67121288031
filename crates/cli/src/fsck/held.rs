//! Receipts that clients hold: does the platform know each of them?

use model::receipt::Receipt;
use model::{Digest, Request};

use super::log::Logs;
use super::receipts::check_entry;
use super::rows::{Rows, entry_claim};
use super::{Finding, Report};

/// A receipt in somebody's hands.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its file.
    pub(crate) name: String,
    /// What it says.
    pub(crate) receipt: Receipt,
}

/// A receipt stands in rows and ledger as it is, and each of its entries in a log.
pub(super) fn check(held: &[Held], rows: &Rows, logs: &Logs, report: &mut Report) {
    for Held { name, receipt } in held {
        if let Err(fault) = check_one(receipt, rows, logs) {
            report.findings.push(Finding::Held { name: name.clone(), fault });
        }
    }
}

fn check_one(receipt: &Receipt, rows: &Rows, logs: &Logs) -> Result<(), &'static str> {
    let request = Request::digest(receipt.request.as_bytes());
    let row = rows.by_digest.get(&request).and_then(|id| rows.by_id.get(id));
    let row = row.ok_or("is missing here: no row and no ledger leaf knows its request")?;
    if !row.receipts.contains(&Digest::of(&receipt.encode())) {
        return Err("is missing here: its request has other receipts, or none");
    }
    for entry in receipt.items.iter().filter_map(entry_claim) {
        let origin = entry.checkpoint.as_ref().map_or("", |checkpoint| checkpoint.origin());
        check_entry(&entry, logs.get(origin)).map_err(|_| "names a log entry that is not in the log")?;
    }
    Ok(())
}
