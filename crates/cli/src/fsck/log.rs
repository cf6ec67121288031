//! The transparency log: every entry, tile and checkpoint, and what the key process signed last.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use model::merkle::{leaf_hash, root};
use model::{Digest, Form};
use signer::{Agreement, Head};
use store::{Reader, SHARDS};
use tlog::tile::{self, FULL_WIDTH, TileKind};
use tlog::{Checkpoint, Locked, RightEdge, SignedCheckpoint, TilePath, VerifierKey};

use super::journal::Journal;
use super::rows::Rows;
use super::{Book, Finding, Origin, Remark, Report, told};

/// A log that was read: its leaf hashes, and the roots that it had at sizes which receipts name.
pub(super) struct ReadLog {
    pub(super) leaves: Vec<Digest>,
    pub(super) roots: HashMap<u64, Digest>,
    pub(super) key: Option<VerifierKey>,
}

pub(super) type Logs = HashMap<String, ReadLog>;

/// A log's files.
struct Files<'a> {
    origin: &'a str,
    folder: PathBuf,
    staged: HashMap<TilePath, Vec<u8>>,
}

/// Which of the logs is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Frozen,
}

pub(super) fn read(
    server: &Path,
    store: &Reader,
    rows: &Rows,
    journal: Option<&Journal>,
    report: &mut Report,
) -> Logs {
    let mut logs = Logs::new();
    let frozen = fs::read_dir(server.join(SHARDS)).into_iter().flatten().flatten();
    for folder in frozen.map(|entry| entry.path()) {
        read_frozen(folder, rows, journal, &mut logs, report);
    }
    match store.log() {
        Ok(Some(locked)) => read_current(store, locked, rows, journal, &mut logs, report),
        Ok(None) if logs.is_empty() => report.findings.push(Finding::NoLog),
        Ok(None) => {}
        Err(cause) => report.findings.push(Finding::Store { fault: told(&cause) }),
    }
    logs
}

fn read_frozen(
    folder: PathBuf,
    rows: &Rows,
    journal: Option<&Journal>,
    logs: &mut Logs,
    report: &mut Report,
) {
    let origin = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let key = journal.and_then(|journal| key_of(journal, &origin));
    let note = fs::read_to_string(folder.join("checkpoint")).unwrap_or_default();
    let Some(shown) = open_note(&note, key.as_ref(), &origin, report) else { return };
    let files = Files { origin: &origin, folder, staged: HashMap::new() };
    let read = read_tree(&files, &shown, rows, key, Standing::Frozen, report);
    report.remarks.push(Remark::Frozen { origin: origin.clone(), size: shown.size() });
    hold_against_key_process(&shown, &shown, Standing::Frozen, journal, report);
    logs.insert(origin, read);
}

fn read_current(
    store: &Reader,
    locked: Locked,
    rows: &Rows,
    journal: Option<&Journal>,
    logs: &mut Logs,
    report: &mut Report,
) {
    let Locked { onto, checkpoint, staged } = locked;
    let (Ok(onto), Ok(newest)) = (Checkpoint::parse(&onto), Checkpoint::parse(&checkpoint)) else {
        report.findings.push(Finding::Store { fault: "the newest checkpoint cannot be read".to_owned() });
        return;
    };
    let origin = newest.origin().to_owned();
    let key = journal.and_then(|journal| key_of(journal, &origin));
    if journal.is_some() && key.is_none() {
        let fault = "the registry has no checkpoint key of that origin".to_owned();
        report.findings.push(Finding::Log { origin: origin.clone(), fault });
    }
    // What was signed last: the newest, once that is shown; until then perhaps the one before.
    let mut signed_from = &onto;
    match store.published() {
        None => report.remarks.push(Remark::NotShown),
        Some(note) => {
            let note = String::from_utf8_lossy(&note);
            match open_note(&note, key.as_ref(), &origin, report) {
                Some(shown) if shown == newest => signed_from = &newest,
                Some(shown) if shown == onto => report.remarks.push(Remark::Pending),
                Some(shown) => {
                    let fault = format!(
                        "the checkpoint that is shown is for {} entries, and the store knows {}",
                        shown.size(),
                        newest.size()
                    );
                    report.findings.push(Finding::Log { origin: origin.clone(), fault });
                }
                None => {}
            }
        }
    }
    let files = Files { origin: &origin, folder: store.tiles_folder(), staged: staged.into_iter().collect() };
    let read = read_tree(&files, &newest, rows, key, Standing::Current, report);
    hold_against_key_process(signed_from, &newest, Standing::Current, journal, report);
    logs.insert(origin, read);
}

fn key_of(journal: &Journal, origin: &str) -> Option<VerifierKey> {
    let of = |key: &&quorum::Key| {
        key.record.form == Form::Checkpoint && key.record.origin.as_deref() == Some(origin)
    };
    let key = journal.registry.keys().find(of)?;
    VerifierKey::of_log(origin, &key.record.public_key).ok()
}

/// The checkpoint in a note; without a key, what it says of itself.
fn open_note(note: &str, key: Option<&VerifierKey>, origin: &str, report: &mut Report) -> Option<Checkpoint> {
    let opened = match key {
        Some(key) => SignedCheckpoint::open(note, key).map(|signed| signed.checkpoint().clone()),
        None => Checkpoint::parse(tlog::note::Note::parse(note).map(|note| note.text()).unwrap_or_default()),
    };
    match opened {
        Ok(checkpoint) => Some(checkpoint),
        Err(cause) => {
            let fault = format!("the checkpoint that is shown does not hold: {}", told(&cause));
            report.findings.push(Finding::Log { origin: origin.to_owned(), fault });
            None
        }
    }
}

/// Reads every entry and tile, and recomputes the tree.
fn read_tree(
    files: &Files<'_>,
    newest: &Checkpoint,
    rows: &Rows,
    key: Option<VerifierKey>,
    standing: Standing,
    report: &mut Report,
) -> ReadLog {
    let origin = files.origin.to_owned();
    let leaves = files.leaves(newest.size(), report);
    let wanted: BTreeSet<u64> = rows
        .claims
        .iter()
        .filter_map(|claim| claim.entry.as_ref()?.checkpoint.as_ref())
        .filter(|checkpoint| checkpoint.origin() == origin)
        .map(Checkpoint::size)
        .collect();
    let (mut edge, mut roots) = (RightEdge::new(), HashMap::new());
    let mut first_of = HashMap::new();
    for (index, leaf) in (0_u64..).zip(&leaves) {
        edge.append(*leaf);
        if wanted.contains(&(index + 1)) {
            roots.insert(index + 1, edge.root());
        }
        if let Some(first) = first_of.insert(*leaf, index) {
            report.findings.push(Finding::EntryTwice { origin: origin.clone(), first, second: index });
        }
    }
    if edge.size() != newest.size() || edge.root() != *newest.root() {
        report.findings.push(Finding::LogRoot { origin: origin.clone() });
    }
    files.tiles(&leaves, standing, report);
    let name = format!("log {origin}");
    let holds = format!("{} entries", edge.size());
    report.books.push(Book { name, holds, head: Some(edge.root().to_string()) });
    ReadLog { leaves, roots, key }
}

impl Files<'_> {
    /// The leaf hashes of all entries, in order.
    fn leaves(&self, size: u64, report: &mut Report) -> Vec<Digest> {
        let full = u64::from(FULL_WIDTH);
        let mut leaves = Vec::new();
        for index in 0..size.div_ceil(full) {
            let width = (size - index * full).min(full);
            let width = u16::try_from(width).expect("at most 256");
            let Ok(path) = TilePath::entries(index, width) else { break };
            match self.bytes(&path) {
                Some(bytes) => match tile::decode_entries(path, &bytes) {
                    Ok(entries) => leaves.extend(entries.into_iter().map(leaf_hash)),
                    Err(_) => self.find(path, "is not a whole bundle of entries", report),
                },
                None => self.find(path, "is missing", report),
            }
        }
        leaves
    }

    /// The database's copy of a tile, or the file.
    fn bytes(&self, path: &TilePath) -> Option<Vec<u8>> {
        self.staged.get(path).cloned().or_else(|| fs::read(self.folder.join(path.to_string())).ok())
    }

    fn find(&self, path: TilePath, fault: &'static str, report: &mut Report) {
        report.findings.push(Finding::Tile { origin: self.origin.to_owned(), path, fault });
    }

    /// Holds every tile that is needed or there against the leaves.
    fn tiles(&self, leaves: &[Digest], standing: Standing, report: &mut Report) {
        let levels = levels(leaves);
        for (path, hashes) in needed(&levels) {
            match self.bytes(&path) {
                Some(bytes) if bytes == tile::encode_hashes(&hashes) => {}
                Some(_) => self.find(path, "does not hold the hashes of the entries below it", report),
                None => self.find(path, "is missing", report),
            }
        }
        for path in present(&self.folder) {
            if let Some(staged) = self.staged.get(&path) {
                if fs::read(self.folder.join(path.to_string())).ok().as_ref() != Some(staged) {
                    report.remarks.push(Remark::Unwritten { origin: self.origin.to_owned(), path });
                }
                continue;
            }
            match self.expected(path, &levels, leaves) {
                Expected::Same => {}
                Expected::Other => self.find(path, "does not hold what the log has there", report),
                // A frozen log may have tiles of a checkpoint that was never shown.
                Expected::Beyond if standing == Standing::Frozen => {}
                Expected::Beyond => self.find(path, "is beyond the end of the log", report),
            }
        }
    }

    fn expected(&self, path: TilePath, levels: &[Vec<Digest>], leaves: &[Digest]) -> Expected {
        let Ok(bytes) = fs::read(self.folder.join(path.to_string())) else { return Expected::Other };
        let level = match path.kind() {
            TileKind::Hashes { level } => usize::from(level),
            TileKind::Entries | TileKind::Certificates => 0,
        };
        let hashes = if level == 0 { Some(leaves) } else { levels.get(level).map(Vec::as_slice) };
        let first = usize::try_from(path.index()).ok().and_then(|index| index.checked_mul(256));
        let range = first.and_then(|first| Some(first..first.checked_add(usize::from(path.width()))?));
        let Some(hashes) = range.and_then(|range| hashes?.get(range)) else { return Expected::Beyond };
        let same = match path.kind() {
            TileKind::Hashes { .. } => bytes == tile::encode_hashes(hashes),
            TileKind::Entries => tile::decode_entries(path, &bytes)
                .is_ok_and(|entries| entries.into_iter().map(leaf_hash).eq(hashes.iter().copied())),
            // Those of another log have no business here.
            TileKind::Certificates => false,
        };
        if same { Expected::Same } else { Expected::Other }
    }
}

enum Expected {
    Same,
    Other,
    Beyond,
}

/// The hashes of every level of tiles: the leaves, then the roots of whole tiles of the level below.
fn levels(leaves: &[Digest]) -> Vec<Vec<Digest>> {
    let mut levels = vec![leaves.to_vec()];
    while let Some(below) = levels.last().filter(|below| below.len() >= usize::from(FULL_WIDTH)) {
        let (whole, _) = below.as_chunks::<256>();
        let above = whole.iter().map(|hashes| root(hashes)).collect();
        levels.push(above);
    }
    levels
}

/// The widest tiles of a tree, with their hashes.
fn needed(levels: &[Vec<Digest>]) -> Vec<(TilePath, Vec<Digest>)> {
    let mut tiles = Vec::new();
    for (level, hashes) in (0_u8..).zip(levels) {
        for (index, hashes) in (0_u64..).zip(hashes.chunks(usize::from(FULL_WIDTH))) {
            let width = u16::try_from(hashes.len()).expect("at most 256");
            let path =
                TilePath::hashes(level, index, width).expect("a tree in memory is within the size limit");
            tiles.push((path, hashes.to_vec()));
        }
    }
    tiles
}

/// The tiles that are there as files.
fn present(folder: &Path) -> Vec<TilePath> {
    let (mut found, mut open) = (Vec::new(), vec![folder.join("tile")]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(name) = path.strip_prefix(folder) {
                found.extend(name.to_string_lossy().parse::<TilePath>().ok());
            }
        }
    }
    found.sort_unstable();
    found
}

/// What the key process signed last is the newest checkpoint, or the one that the newest waits to follow.
fn hold_against_key_process(
    onto: &Checkpoint,
    newest: &Checkpoint,
    standing: Standing,
    journal: Option<&Journal>,
    report: &mut Report,
) {
    let Some(journal) = journal else { return };
    let (origin, stored) = (newest.origin().to_owned(), newest.size());
    let head = |checkpoint: &Checkpoint| Head { size: checkpoint.size(), root: *checkpoint.root() };
    let in_force = journal.registry.platform_key(Form::Checkpoint).and_then(|key| key.record.origin.clone());
    let is_left = in_force.as_ref() != Some(&origin) && !journal.registry.adoptions().is_empty();
    if is_left && standing == Standing::Current {
        report.remarks.push(Remark::NextLog { origin: in_force.unwrap_or_default() });
    }
    let signed = journal.inspection.checkpoints.get(&origin).copied().unwrap_or_else(Head::empty);
    let agreement = Agreement::of_log(head(onto), head(newest), signed);
    let signed = signed.size;
    match agreement {
        Agreement::Agreed => {}
        _ if is_left && signed != stored => {
            report.remarks.push(Remark::LeftBehind { origin, stored, signed })
        }
        Agreement::StoreBehind if journal.origin == Origin::Copy => {
            report.remarks.push(Remark::CopiedLater { origin, stored, signed });
        }
        Agreement::StoreBehind => report.findings.push(Finding::StoreBehind { origin, signed, stored }),
        Agreement::OtherRoot => report.findings.push(Finding::OtherRoot { origin, size: signed }),
        Agreement::KeyProcessBehind => {
            report.findings.push(Finding::KeyProcessBehind { origin, signed, stored });
        }
    }
}
