//! The journal by itself: segments, registry, keys.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use model::journal::Leaf;
use model::{Disk, Instant, KeyId};
use quorum::{Change, Entry, Registry};
use signer::Head;
use signerd::{Blemish, Continuity, FileDisk, Inspection, OrderKind, Passphrase};

use super::{Book, Finding, Folders, Origin, Remark, Report, told};

/// A journal that could be read.
pub(super) struct Journal {
    pub(super) inspection: Inspection,
    pub(super) registry: Registry,
    /// The index of the last leaf that was there when the state was adopted for the last time.
    pub(super) adopted_from: u64,
    /// The heads of the ledger that it recorded since the state was adopted for the last time, as far as the files hold
    /// them.
    pub(super) ledger: Vec<Head>,
    /// A copied journal may know more than the store that was copied before it.
    pub(super) origin: Origin,
}

impl Journal {
    /// The log that is in use, or about to be, instead of the one of this origin.
    pub(super) fn next_log(&self, origin: &str) -> Option<String> {
        let of = |key: &&quorum::Key| key.record.origin.as_deref() == Some(origin);
        let form = self.registry.keys().find(of)?.record.form;
        let in_use = self.registry.in_use(form, crate::clock::now());
        let next = in_use.and_then(|key| key.record.origin.clone()).unwrap_or_default();
        (next != origin).then_some(next)
    }

    /// Did an adoption leave the log of this origin behind, with the state that was lost?
    pub(super) fn has_left(&self, origin: &str) -> bool {
        self.registry.has_left(origin)
    }

    /// The time of the first leaf that the files hold and that tells one.
    pub(super) fn held_since(&self) -> Option<Instant> {
        self.inspection.leaves.iter().find_map(|leaf| match leaf {
            Leaf::Intent(intent) => Some(intent.time),
            Leaf::Start { time, .. } | Leaf::Refusals { time, .. } | Leaf::Ledger { time, .. } => Some(*time),
            _ => None,
        })
    }
}

pub(super) fn read(folders: Folders<'_>, report: &mut Report) -> Option<Journal> {
    let disk: Arc<dyn Disk> = Arc::new(FileDisk::new(&folders.key_process.join("journal")));
    let inspection = match signerd::inspect(&disk) {
        Ok(Some(inspection)) => inspection,
        Ok(None) => {
            report.findings.push(Finding::NoJournal);
            return None;
        }
        Err(cause) => {
            report.findings.push(Finding::Journal { fault: told(&cause) });
            return None;
        }
    };
    let registry = match Registry::replay(inspection.registry.iter().map(Vec::as_slice)) {
        Ok(registry) => registry,
        Err(cause) => {
            report.findings.push(Finding::Journal { fault: told(&cause) });
            return None;
        }
    };
    for blemish in &inspection.blemishes {
        let fault = blemish.to_string();
        match blemish {
            Blemish::Torn { .. } => report.remarks.push(Remark::Torn { fault }),
            _ => report.findings.push(Finding::JournalBlemish { fault }),
        }
    }
    keys(folders, &inspection, &registry, report);
    intents(&inspection, report);
    remark(&inspection, &registry, report);
    describe(&inspection, &registry, report);
    let adopted_from = registry.adoptions().last().map_or(0, |adoption| adoption.journal_size);
    let origin = match inspection.continuity {
        Continuity::Restored(_) => Origin::Copy,
        _ => Origin::Own,
    };
    let ledger = ledger_heads(&inspection);
    Some(Journal { inspection, registry, adopted_from, ledger, origin })
}

fn keys(folders: Folders<'_>, inspection: &Inspection, registry: &Registry, report: &mut Report) {
    if !folders.passphrase_file.exists() {
        report.remarks.push(Remark::NoPassphrase);
        return;
    }
    let passphrase = match passphrase(folders.passphrase_file) {
        Ok(passphrase) => passphrase,
        Err(fault) => {
            report.findings.push(Finding::Passphrase { fault });
            return;
        }
    };
    // What is in a hardware token is asked for by `doctor`, which is allowed to wait for one.
    let sealed = registry.keys().filter(|key| key.record.store.as_str() == signerd::SOFTWARE);
    let named: Vec<KeyId> = sealed.map(|key| key.record.id()).chain([inspection.key.id()]).collect();
    let unopened = signerd::unopened(folders.key_process, passphrase, &named);
    report
        .findings
        .extend(unopened.into_iter().map(|(key, cause)| Finding::Key { key, fault: told(&cause) }));
}

fn passphrase(file: &Path) -> Result<Passphrase, String> {
    let content = std::fs::read(file).map_err(|cause| cause.to_string())?;
    Passphrase::from_file_content(content.into()).map_err(|cause| cause.to_string())
}

/// Does the entry adopt a state?
fn adopts(entry: &[u8]) -> bool {
    let is_adoption = |change: &Change| matches!(change, Change::Adoption(_));
    Entry::parse(entry).is_ok_and(|entry| entry.changes.iter().any(is_adoption))
}

/// An adoption is the endorsed way back: what the ledger was before is not held against it.
fn ledger_heads(inspection: &Inspection) -> Vec<Head> {
    let mut heads = vec![inspection.ledger];
    for leaf in inspection.leaves.iter().rev() {
        match leaf {
            Leaf::Ledger { size, root, .. } => heads.push(Head { size: *size, root: *root }),
            Leaf::Entry { entry, .. } if adopts(entry) => break,
            _ => {}
        }
    }
    heads
}

/// One intent for each item of a request, or two of its signatures could be about different bytes.
fn intents(inspection: &Inspection, report: &mut Report) {
    let mut seen = HashMap::new();
    for (leaf, known) in &inspection.intents {
        if known.order != OrderKind::Code {
            continue;
        }
        let (request, item) = (known.intent.request, known.intent.item);
        if let Some(first) = seen.insert((request, item), *leaf) {
            let request = request.to_string();
            report.findings.push(Finding::TwoIntents { request, item, first, second: *leaf });
        }
    }
}

fn remark(inspection: &Inspection, registry: &Registry, report: &mut Report) {
    if matches!(inspection.continuity, Continuity::Restored(_)) {
        report.remarks.push(Remark::NotAdopted);
    }
    report.remarks.extend(registry.adoptions().iter().enumerate().map(|(at, adoption)| Remark::Gap {
        number: at + 1,
        size: adoption.journal_size,
        instance: adoption.instance.to_string(),
    }));
}

fn describe(inspection: &Inspection, registry: &Registry, report: &mut Report) {
    report.books.push(Book {
        name: "journal".to_owned(),
        holds: format!("{} leaves, held from leaf {} on", inspection.head.size, inspection.held_from),
        head: Some(inspection.head.root.to_string()),
    });
    report.books.push(Book {
        name: "registry".to_owned(),
        holds: format!("{} entries, {} keys, replayed", registry.entries(), registry.keys().count()),
        head: Some(registry.head().to_string()),
    });
}
