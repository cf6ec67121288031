//! Receipts against log and journal: what a client holds stands in both.

use std::collections::{HashMap, HashSet};

use model::journal::{Ending, Intent, Leaf};
use signerd::{KnownIntent, OrderKind};
use tlog::SignedCheckpoint;
use tlog::tile::TileKind;

use super::journal::Journal;
use super::log::{Logs, ReadLog};
use super::rows::{Claim, EntryClaim, Rows};
use super::{Finding, Origin, Remark, Report};

pub(super) fn check(rows: &Rows, logs: &Logs, journal: Option<&Journal>, report: &mut Report) {
    let mut logged: HashMap<&str, HashSet<u64>> = HashMap::new();
    for claim in &rows.claims {
        let Some(entry) = &claim.entry else { continue };
        let origin = entry.checkpoint.as_ref().map_or("", |checkpoint| checkpoint.origin());
        match check_entry(entry, logs.get(origin)) {
            Ok(()) => {
                logged.entry(origin).or_default().insert(entry.index);
            }
            Err(fault) => report.findings.push(Finding::ReceiptEntry {
                id: claim.id,
                name: claim.name.clone(),
                index: entry.index,
                origin: origin.to_owned(),
                fault,
            }),
        }
    }
    for (origin, log) in logs.iter().filter(|(_, log)| log.entries == TileKind::Entries) {
        let count = log.leaves.len() - logged.get(origin.as_str()).map_or(0, HashSet::len);
        if count > 0 {
            report.remarks.push(Remark::EntriesWithoutReceipt { origin: origin.clone(), count });
        }
    }
    if let Some(journal) = journal {
        check_journal(rows, journal, report);
    }
}

/// The entry stands in the log at its index, and under the checkpoint that the receipt shows.
pub(super) fn check_entry(entry: &EntryClaim, log: Option<&ReadLog>) -> Result<(), &'static str> {
    let Some(checkpoint) = &entry.checkpoint else { return Err("and its checkpoint cannot be read") };
    let Some(log) = log else { return Err("which is not here") };
    let at = usize::try_from(entry.index).ok().and_then(|index| log.leaves.get(index));
    match at {
        None => return Err("which the log does not reach"),
        Some(leaf) if *leaf != entry.leaf => return Err("where another entry stands"),
        Some(_) => {}
    }
    if log.roots.get(&checkpoint.size()) != Some(checkpoint.root()) {
        return Err("under a checkpoint that the log never had");
    }
    let (size, root) = (checkpoint.size(), checkpoint.root());
    tlog::proof::verify_inclusion(&entry.leaf, entry.index, size, root, &entry.path)
        .map_err(|_| "with a proof that does not hold")?;
    let signed = log.key.as_ref().is_none_or(|key| SignedCheckpoint::open(&entry.note, key).is_ok());
    if signed { Ok(()) } else { Err("under a checkpoint that its key did not sign") }
}

fn check_journal(rows: &Rows, journal: &Journal, report: &mut Report) {
    let (mut older, mut lost, mut without_outcome) = (0, 0, 0);
    for claim in &rows.claims {
        let Some((index, leaf)) = &claim.intent else { continue };
        match check_intent(claim, *index, leaf, journal) {
            Ok(Found::Whole) => {}
            Ok(Found::Older) => older += 1,
            Ok(Found::Lost) => lost += 1,
            Ok(Found::WithoutOutcome) => without_outcome += 1,
            Err(fault) => report.findings.push(Finding::ReceiptIntent {
                id: claim.id,
                name: claim.name.clone(),
                index: *index,
                fault,
            }),
        }
    }
    if older > 0 {
        report.remarks.push(Remark::OlderThanJournal { count: older, from: journal.inspection.held_from });
    }
    if lost > 0 {
        report.remarks.push(Remark::IntentsLost { count: lost });
    }
    if without_outcome > 0 {
        report.remarks.push(Remark::WithoutOutcome { count: without_outcome });
    }
    for (leaf, known) in &journal.inspection.intents {
        check_row_of(*leaf, known, rows, journal, report);
    }
}

enum Found {
    Whole,
    Older,
    /// With the state that an adoption left behind.
    Lost,
    WithoutOutcome,
}

/// The intent stands in the journal at its index, is about this request, and ended in this signature.
fn check_intent(claim: &Claim, index: u64, leaf: &[u8], journal: &Journal) -> Result<Found, &'static str> {
    let Ok(Leaf::Intent(intent)) = Leaf::decode(leaf) else { return Err("which is no intent") };
    let Intent { sequence, request, .. } = &intent;
    if *sequence != index || *request != claim.request {
        return Err("and shows the intent of something else");
    }
    if index >= journal.inspection.head.size {
        // An adoption left behind what was lost with the state.
        return if index >= journal.adopted_from && journal.adopted_from > 0 {
            Ok(Found::Lost)
        } else {
            Err("which the journal does not reach")
        };
    }
    let Some(known) = journal.inspection.intents.get(&index) else {
        let is_lost =
            journal.adopted_from > 0 && index >= journal.inspection.held_from.min(journal.adopted_from);
        let is_older = index < journal.inspection.held_from;
        return match (is_lost, is_older) {
            (true, _) => Ok(Found::Lost),
            (false, true) => Ok(Found::Older),
            (false, false) => Err("where no intent stands"),
        };
    };
    if known.intent != intent {
        return if journal.adopted_from > 0 && index >= journal.adopted_from {
            Ok(Found::Lost)
        } else {
            Err("where another intent stands")
        };
    }
    match known.ending {
        Some(Ending::Signed(signature)) if signature == claim.signature => Ok(Found::Whole),
        Some(_) => Err("which ended otherwise"),
        None => Ok(Found::WithoutOutcome),
    }
}

/// What the key process signed for a request is of a request that the server knows.
fn check_row_of(leaf: u64, known: &KnownIntent, rows: &Rows, journal: &Journal, report: &mut Report) {
    if known.order != OrderKind::Code || rows.by_digest.contains_key(&known.intent.request) {
        return;
    }
    let (request, item) = (known.intent.request.to_string(), known.intent.item);
    if leaf < journal.adopted_from || journal.origin == Origin::Copy {
        report.remarks.push(Remark::LostRow { request, item, leaf });
    } else {
        report.findings.push(Finding::UnknownRequest { request, item, leaf });
    }
}
