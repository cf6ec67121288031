//! What the log of Rekor v1 promised: of entries that stand in it, by its own key, with an intent in the journal.

use std::collections::{BTreeMap, HashSet};

use envelope::rekor_v1::{Promise, promise_to_be_signed};
use model::{Digest, Instant};
use signerd::OrderKind;
use store::Reader;
use tlog::VerifierKey;

use super::journal::Journal;
use super::log::{EachEntry, Logs};
use super::{Finding, Report, told};

/// By the origins of the logs, and by the places of their entries.
pub(super) type Promises = BTreeMap<String, BTreeMap<u64, Promise>>;

pub(super) fn read(store: &Reader, report: &mut Report) -> Promises {
    store.promises().unwrap_or_else(|cause| {
        report.findings.push(Finding::Store { fault: told(&cause) });
        Promises::new()
    })
}

/// Promises of logs that are not here.
pub(super) fn check_others(promises: &Promises, logs: &Logs, report: &mut Report) {
    for (origin, promises) in promises.iter().filter(|(origin, _)| !logs.contains_key(*origin)) {
        let Some(index) = promises.keys().next().copied() else { continue };
        let fault = "and all others are of a log that is not here";
        report.findings.push(Finding::Promise { origin: origin.clone(), index, fault });
    }
}

/// The promises of one log, while its entries are read.
pub(super) struct OfPromises<'a> {
    origin: &'a str,
    /// Those whose entries were not seen yet.
    left: BTreeMap<u64, &'a Promise>,
    key: &'a VerifierKey,
    /// What the journal holds intents to promise, and since when it holds all of them.
    intended: Option<(HashSet<Digest>, Instant)>,
}

impl<'a> OfPromises<'a> {
    pub(super) fn new(
        origin: &'a str,
        promises: &'a BTreeMap<u64, Promise>,
        key: &'a VerifierKey,
        journal: Option<&Journal>,
    ) -> Self {
        let left = promises.iter().map(|(index, promise)| (*index, promise)).collect();
        // What was promised of a log that an adoption left behind may be lost with the state.
        let journal = journal.filter(|journal| !journal.has_left(origin));
        Self { origin, left, key, intended: journal.and_then(intended) }
    }

    fn check(&self, index: u64, body: &[u8], promise: &Promise) -> Result<(), &'static str> {
        let key = self.key.public_key();
        let promised = promise_to_be_signed(body, promise.time.seconds(), key.id().digest(), index);
        key.verify(&promised, &promise.signature).map_err(|_| "is not signed by the log's key")?;
        match &self.intended {
            Some((intended, since))
                if *since < promise.time && !intended.contains(&Digest::of(&promised)) =>
            {
                Err("has no intent in the journal")
            }
            _ => Ok(()),
        }
    }

    fn find(&self, index: u64, fault: &'static str, report: &mut Report) {
        report.findings.push(Finding::Promise { origin: self.origin.to_owned(), index, fault });
    }
}

fn intended(journal: &Journal) -> Option<(HashSet<Digest>, Instant)> {
    let since = journal.held_since()?;
    let promises = journal.inspection.intents.values().filter(|known| known.order == OrderKind::Promise);
    Some((promises.map(|known| known.intent.to_be_signed).collect(), since))
}

impl EachEntry for OfPromises<'_> {
    fn see(&mut self, index: u64, entry: &[u8], report: &mut Report) {
        let Some(promise) = self.left.remove(&index) else { return };
        if let Err(fault) = self.check(index, entry, promise) {
            self.find(index, fault, report);
        }
    }

    fn end(&mut self, report: &mut Report) {
        for index in self.left.keys() {
            self.find(*index, "is of an entry that the log does not have", report);
        }
    }
}
