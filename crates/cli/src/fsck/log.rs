//! The logs: every entry, tile and checkpoint, and what the key process signed last.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use model::{Digest, Form};
use signer::{Agreement, Head};
use store::{LogName, Reader};
use tlog::tile::TileKind;
use tlog::{Checkpoint, Locked, SignedCheckpoint, VerifierKey};

use super::certificates::Certificates;
use super::index::Index;
use super::journal::Journal;
use super::promises::{OfPromises, Promises};
use super::recalled::{RecalledClaim, Wanted};
use super::rows::Rows;
use super::{Book, Finding, Origin, Remark, Report, told};

mod tree;

use tree::{Files, Tree};

/// A log that was read: its leaf hashes, and the roots that it had at sizes which receipts name.
pub(super) struct ReadLog {
    pub(super) leaves: Vec<Digest>,
    pub(super) roots: HashMap<u64, Digest>,
    pub(super) key: Option<VerifierKey>,
    /// What its entries are.
    pub(super) entries: TileKind,
    /// The signatures in the entries that somebody may ask for by them, by their digests.
    pub(super) signatures: HashMap<u64, Digest>,
}

pub(super) type Logs = HashMap<String, ReadLog>;

/// What the logs are held against.
pub(super) struct Books<'a> {
    pub(super) store: &'a Reader,
    pub(super) rows: &'a Rows,
    pub(super) recalled: &'a [RecalledClaim],
    pub(super) promises: &'a Promises,
    pub(super) journal: Option<&'a Journal>,
    pub(super) index: Option<&'a Index>,
}

/// Looks at the entries of a log, as they are read.
pub(super) trait EachEntry {
    /// The next of them.
    fn see(&mut self, index: u64, entry: &[u8], report: &mut Report);

    /// There was no further one.
    fn end(&mut self, report: &mut Report);
}

/// Which of the logs is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Frozen,
}

/// Logs that are being read.
struct Reading<'a, 'r> {
    books: Books<'a>,
    logs: Logs,
    /// The origins of all that are here, readable or not.
    met: BTreeSet<String>,
    report: &'r mut Report,
}

pub(super) fn read(server: &Path, books: Books<'_>, report: &mut Report) -> Logs {
    let mut reading = Reading { books, logs: Logs::new(), met: BTreeSet::new(), report };
    let shards = LogName::ALL.into_iter().flat_map(|name| fs::read_dir(server.join(name.shards())));
    for folder in shards.flatten().flatten().map(|entry| entry.path()) {
        reading.frozen(folder);
    }
    for name in LogName::ALL {
        match reading.books.store.log(name) {
            Ok(Some(locked)) => reading.current(name, locked),
            Ok(None) if name == LogName::Transparency && reading.logs.is_empty() => {
                reading.report.findings.push(Finding::NoLog);
            }
            Ok(None) => {}
            Err(cause) => reading.report.findings.push(Finding::Store { fault: told(&cause) }),
        }
    }
    reading.missing();
    if let Some(index) = reading.books.index {
        index.check_others(&reading.logs, reading.report);
    }
    reading.logs
}

impl Reading<'_, '_> {
    fn frozen(&mut self, folder: PathBuf) {
        let note = fs::read_to_string(folder.join("checkpoint")).unwrap_or_default();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let origin = note.lines().next().map_or(name.into_owned(), str::to_owned);
        self.met.insert(origin.clone());
        let key = self.key_of(&origin);
        let Some(shown) = self.open_note(&note, key.as_ref(), &origin) else { return };
        let entries =
            if folder.join("tile/data").exists() { TileKind::Certificates } else { TileKind::Entries };
        let files = Files { origin: &origin, folder, staged: HashMap::new(), entries };
        self.tree(&files, &shown, key, Standing::Frozen);
        self.report.remarks.push(Remark::Frozen { origin: origin.clone(), size: shown.size() });
        self.hold_against_key_process(&shown, &shown, Standing::Frozen);
    }

    fn current(&mut self, name: LogName, locked: Locked) {
        let Locked { onto, checkpoint, staged } = locked;
        let (Ok(onto), Ok(newest)) = (Checkpoint::parse(&onto), Checkpoint::parse(&checkpoint)) else {
            let fault = "the newest checkpoint cannot be read".to_owned();
            self.report.findings.push(Finding::Store { fault });
            return;
        };
        let origin = newest.origin().to_owned();
        self.met.insert(origin.clone());
        let key = self.key_of(&origin);
        if self.books.journal.is_some() && key.is_none() {
            self.find(&origin, "the registry has no key that signs heads of that origin".to_owned());
        }
        let signed_from = if self.is_shown(name, &onto, &newest, key.as_ref()) { &newest } else { &onto };
        let folder = self.books.store.tiles_folder(name);
        let entries = match name {
            LogName::Certificates => TileKind::Certificates,
            _ => TileKind::Entries,
        };
        let files = Files { origin: &origin, folder, staged: staged.into_iter().collect(), entries };
        self.tree(&files, &newest, key, Standing::Current);
        self.hold_against_key_process(signed_from, &newest, Standing::Current);
    }

    /// Is the newest checkpoint shown? Until it is, perhaps the one before was signed last.
    fn is_shown(
        &mut self,
        name: LogName,
        onto: &Checkpoint,
        newest: &Checkpoint,
        key: Option<&VerifierKey>,
    ) -> bool {
        let Some(note) = self.books.store.published(name) else {
            self.report.remarks.push(Remark::NotShown);
            return false;
        };
        match self.open_note(&String::from_utf8_lossy(&note), key, newest.origin()) {
            Some(shown) if shown == *newest => return true,
            Some(shown) if shown == *onto => self.report.remarks.push(Remark::Pending),
            Some(shown) => {
                let (shown, known) = (shown.size(), newest.size());
                let fault = format!(
                    "the checkpoint that is shown is for {shown} entries, and the store knows {known}"
                );
                self.find(newest.origin(), fault);
            }
            None => {}
        }
        false
    }

    /// The key that signs the heads of a log.
    fn key_of(&self, origin: &str) -> Option<VerifierKey> {
        let of = |key: &&quorum::Key| key.record.origin.as_deref() == Some(origin);
        let record = &self.books.journal?.registry.keys().find(of)?.record;
        let key = match record.form {
            Form::Sct => VerifierKey::of_certificate_log(origin, &record.public_key),
            Form::Set => VerifierKey::of_rekor_v1(origin, &record.public_key),
            _ => VerifierKey::of_log(origin, &record.public_key),
        };
        key.ok()
    }

    /// The checkpoint in a note; without a key, what it says of itself.
    fn open_note(&mut self, note: &str, key: Option<&VerifierKey>, origin: &str) -> Option<Checkpoint> {
        let opened = match key {
            Some(key) => SignedCheckpoint::open(note, key).map(|signed| signed.checkpoint().clone()),
            None => {
                Checkpoint::parse(tlog::note::Note::parse(note).map(|note| note.text()).unwrap_or_default())
            }
        };
        match opened {
            Ok(checkpoint) => Some(checkpoint),
            Err(cause) => {
                self.find(origin, format!("the checkpoint that is shown does not hold: {}", told(&cause)));
                None
            }
        }
    }

    fn find(&mut self, origin: &str, fault: String) {
        self.report.findings.push(Finding::Log { origin: origin.to_owned(), fault });
    }

    /// Reads a log's files, and holds its entries against whatever else tells of them.
    fn tree(&mut self, files: &Files<'_>, newest: &Checkpoint, key: Option<VerifierKey>, standing: Standing) {
        let Books { rows, recalled, promises, journal, index, .. } = self.books;
        let origin = files.origin;
        let checkpoints = rows.claims.iter().filter_map(|claim| claim.entry.as_ref()?.checkpoint.as_ref());
        let of_this = checkpoints.filter(|checkpoint| checkpoint.origin() == origin);
        let sizes: BTreeSet<u64> = of_this.map(Checkpoint::size).collect();
        let is_of_certificates = files.entries == TileKind::Certificates;
        let mut signatures = HashMap::new();
        let mut each = All(Vec::new());
        match (journal, index, &key) {
            (Some(journal), _, Some(key)) if is_of_certificates => {
                each.0.push(Box::new(Certificates::new(journal, key)));
            }
            (_, Some(index), _) if !is_of_certificates => {
                each.0.push(Box::new(index.of(origin, newest.size(), self.report)));
            }
            _ => {}
        }
        if let (Some(promises), Some(key)) = (promises.get(origin), &key) {
            each.0.push(Box::new(OfPromises::new(origin, promises, key, journal)));
        }
        each.0.push(Box::new(Wanted::new(recalled, &mut signatures)));
        let Tree { leaves, roots, root } = files.read(newest, &sizes, standing, &mut each, self.report);
        each.end(self.report);
        drop(each);
        let (name, holds) = (format!("log {origin}"), format!("{} entries", leaves.len()));
        self.report.books.push(Book { name, holds, head: Some(root.to_string()) });
        let log = ReadLog { leaves, roots, key, entries: files.entries, signatures };
        self.logs.insert(origin.to_owned(), log);
    }

    /// What the key process signed last is the newest checkpoint, or the one that the newest waits to follow.
    fn hold_against_key_process(&mut self, onto: &Checkpoint, newest: &Checkpoint, standing: Standing) {
        let Some(journal) = self.books.journal else { return };
        let (origin, stored) = (newest.origin().to_owned(), newest.size());
        let head = |checkpoint: &Checkpoint| Head { size: checkpoint.size(), root: *checkpoint.root() };
        if let (Some(next), Standing::Current) = (journal.next_log(&origin), standing) {
            self.report.remarks.push(Remark::NextLog { origin: next });
        }
        let signed = journal.inspection.checkpoints.get(&origin).copied().unwrap_or_else(Head::empty);
        let agreement = Agreement::of_log(head(onto), head(newest), signed);
        let signed = signed.size;
        let Report { findings, remarks, .. } = &mut *self.report;
        match agreement {
            Agreement::Agreed => {}
            _ if journal.has_left(&origin) && signed != stored => {
                remarks.push(Remark::LeftBehind { origin, stored, signed });
            }
            Agreement::StoreBehind if journal.origin == Origin::Copy => {
                remarks.push(Remark::CopiedLater { origin, stored, signed });
            }
            Agreement::StoreBehind => findings.push(Finding::StoreBehind { origin, signed, stored }),
            Agreement::OtherRoot => findings.push(Finding::OtherRoot { origin, size: signed }),
            Agreement::KeyProcessBehind => {
                findings.push(Finding::KeyProcessBehind { origin, signed, stored });
            }
        }
    }

    /// Logs that the key process signed heads of, and that are not here.
    fn missing(&mut self) {
        let Some(journal) = self.books.journal else { return };
        for origin in journal.inspection.checkpoints.keys() {
            if !self.met.contains(origin)
                && let Ok(empty) = Checkpoint::new(origin, 0, Head::empty().root)
            {
                self.hold_against_key_process(&empty, &empty, Standing::Frozen);
            }
        }
    }
}

/// All that look at the entries of one log.
struct All<'a>(Vec<Box<dyn EachEntry + 'a>>);

impl EachEntry for All<'_> {
    fn see(&mut self, index: u64, entry: &[u8], report: &mut Report) {
        self.0.iter_mut().for_each(|each| each.see(index, entry, report));
    }

    fn end(&mut self, report: &mut Report) {
        self.0.iter_mut().for_each(|each| each.end(report));
    }
}
