//! The four books of a platform, held against each other: rows, ledger, journal and logs; and the log's index against
//! the log.
//!
//! Nothing is changed. Each book is read by itself first; what one says of another is then looked up in that other.

mod certificates;
mod findings;
mod held;
mod index;
mod journal;
mod ledger;
mod log;
mod promises;
mod recalled;
mod receipts;
mod rows;
mod signatures;
mod tls;

use std::path::Path;

use model::told;
use store::{OpenError, Reader};

pub(crate) use findings::{Finding, Remark};
pub(crate) use held::Held;
pub(crate) use signatures::Signature;

/// What a data folder's books say.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// A line for each book.
    pub(crate) books: Vec<Book>,
    /// What contradicts something else, or cannot be read.
    pub(crate) findings: Vec<Finding>,
    /// What is worth knowing and no fault.
    pub(crate) remarks: Vec<Remark>,
    /// What keys signed, as far as the journal's files hold it.
    pub(crate) signatures: Vec<Signature>,
}

/// One book.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) name: String,
    /// How many of what.
    pub(crate) holds: String,
    /// Its head, where it has one.
    pub(crate) head: Option<String>,
}

/// The two folders whose books are held against each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folders<'a> {
    pub(crate) server: &'a Path,
    pub(crate) key_process: &'a Path,
    pub(crate) passphrase_file: &'a Path,
}

/// Where a folder comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Processes ran on it.
    Own,
    /// It is a copy, whose journal was copied after its store: so it knows more.
    Copy,
}

/// Reads everything and compares. The store is open already: nobody may write to it meanwhile.
pub(crate) fn check(folders: Folders<'_>, store: Result<Reader, OpenError>, held: &[Held]) -> Report {
    let mut report = Report::default();
    tls::check(folders.server, &mut report);
    let journal = journal::read(folders, &mut report);
    report.signatures = journal.as_ref().map(signatures::list).unwrap_or_default();
    let store = match store {
        Ok(store) => store,
        Err(cause) => {
            report.findings.push(Finding::Store { fault: told(&cause) });
            return report;
        }
    };
    database(&store, &mut report);
    let rows = rows::read(&store, &mut report);
    let recalled = ledger::check(&store, &rows, journal.as_ref(), &mut report);
    let index = index::open(&store, &mut report);
    let promises = promises::read(&store, &mut report);
    let books = log::Books {
        store: &store,
        rows: &rows,
        recalled: &recalled,
        promises: &promises,
        journal: journal.as_ref(),
        index: index.as_ref(),
    };
    let logs = log::read(folders.server, books, &mut report);
    promises::check_others(&promises, &logs, &mut report);
    recalled::check(&recalled, &logs, journal.as_ref(), &mut report);
    receipts::check(&rows, &logs, journal.as_ref(), &mut report);
    held::check(held, &rows, &logs, &mut report);
    report
}

fn database(store: &Reader, report: &mut Report) {
    match store.closed() {
        Ok(Some((noted, now))) if noted != now => report.findings.push(Finding::ChangedSince),
        Ok(_) => {}
        Err(cause) => report.findings.push(Finding::Store { fault: told(&cause) }),
    }
    match store.integrity() {
        Ok(faults) => report.findings.extend(faults.into_iter().map(|fault| Finding::Store { fault })),
        Err(cause) => report.findings.push(Finding::Store { fault: told(&cause) }),
    }
    match store.other_profiles() {
        Ok(names) => report.findings.extend(names.into_iter().map(|name| Finding::Profile { name })),
        Err(cause) => report.findings.push(Finding::Store { fault: told(&cause) }),
    }
}
