//! The index of the transparency log against the log itself: it says nothing else, and leaves out nothing that it says to hold.

use engine::IndexedEntry;
use store::{IndexReader, IndexedLog, Reader};

use super::log::{EachEntry, Logs};
use super::{Finding, Remark, Report, told};

/// An index that can be read.
pub(super) struct Index(IndexReader);

/// The index, while the entries of one log are read.
struct OfLog<'a> {
    index: &'a IndexReader,
    origin: String,
    /// What it says to hold; `None` where that is nothing, or cannot be read.
    log: Option<IndexedLog>,
    /// How many rows the entries have that were seen.
    rows: u64,
    wrong: Wrong,
}

/// Entries of which the index says something else.
#[derive(Default)]
struct Wrong {
    first: Option<u64>,
    count: u64,
}

/// Opens the index, and looks at it by itself.
pub(super) fn open(store: &Reader, report: &mut Report) -> Option<Index> {
    let index = match store.index() {
        Ok(Some(index)) => index,
        Ok(None) => {
            report.remarks.push(Remark::NoIndex);
            return None;
        }
        Err(cause) => {
            find(report, format!("cannot be opened: {}", told(&cause)));
            return None;
        }
    };
    match index.closed() {
        Ok(Some((noted, now))) if noted != now => {
            find(report, "was changed since the last server ended in order".to_owned());
        }
        Ok(_) => {}
        Err(cause) => find(report, format!("cannot be read: {}", told(&cause))),
    }
    match index.integrity() {
        Ok(faults) => {
            faults.into_iter().for_each(|fault| find(report, format!("is damaged: {fault}")));
            Some(Index(index))
        }
        Err(cause) => {
            find(report, format!("cannot be read: {}", told(&cause)));
            None
        }
    }
}

fn find(report: &mut Report, fault: String) {
    report.findings.push(Finding::Index { fault });
}

impl Index {
    /// Holds the index against the entries of the log of this origin, as they are read.
    pub(super) fn of<'a>(&'a self, origin: &str, size: u64, report: &mut Report) -> impl EachEntry + 'a {
        let log = self.0.log(origin).unwrap_or_else(|cause| {
            find(report, format!("cannot be read: {}", told(&cause)));
            None
        });
        let reach = log.map_or(0, |log| log.reach);
        if reach > size {
            find(report, format!("reaches to entry {reach} of log `{origin}`, which has {size}"));
        } else if reach < size {
            report.remarks.push(Remark::IndexShort { origin: origin.to_owned(), reach, size });
        }
        OfLog { index: &self.0, origin: origin.to_owned(), log, rows: 0, wrong: Wrong::default() }
    }

    /// Of logs that are not here it says nothing.
    pub(super) fn check_others(&self, logs: &Logs, report: &mut Report) {
        match self.0.origins() {
            Ok(origins) => {
                for origin in origins.into_iter().filter(|origin| !logs.contains_key(origin)) {
                    find(report, format!("holds entries of log `{origin}`, which is not here"));
                }
            }
            Err(cause) => find(report, format!("cannot be read: {}", told(&cause))),
        }
    }
}

impl EachEntry for OfLog<'_> {
    fn see(&mut self, index: u64, entry: &[u8], _report: &mut Report) {
        let Some(log) = self.log.filter(|log| index < log.reach) else { return };
        match self.index.rows_of(log, index, &IndexedEntry::read(entry)) {
            Ok(Some(rows)) => self.rows += rows,
            // What cannot be read is not what the entry says either.
            Ok(None) | Err(_) => {
                self.wrong.first.get_or_insert(index);
                self.wrong.count += 1;
            }
        }
    }

    fn end(&mut self, report: &mut Report) {
        let (Some(log), origin) = (self.log, &self.origin) else { return };
        if let Some(first) = self.wrong.first {
            let count = self.wrong.count;
            let text = format!(
                "does not tell what log `{origin}` has at {first}; {count} of its entries are not found by all that they tell"
            );
            find(report, text);
        } else if log.rows != self.rows {
            find(report, format!("tells of entries of log `{origin}` what does not stand in them"));
        }
    }
}
