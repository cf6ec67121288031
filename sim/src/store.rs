//! The server's store as a crash leaves it: every transaction is there whole or not at all, and tile files that were
//! not waited for may be gone.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use engine::{
    Conflict, Directory, Known, Leaf, LeafKind, Ledger, Lookup, RequestStore, Row, State, StoreError, Write,
};
use identity::Caller;
use model::receipt::Receipt;
use model::{Digest, Instant, Item, PrincipalId, Profile, Request, RequestId, Space};
use signer::Head;
use testkit::Seeded;
use tlog::{
    CheckpointLock, LockError, Locked, NoteStoreError, RightEdge, StagedTile, TileError, TilePath, TileStore,
};

use crate::cells::{Cell, Fault, Step};
use crate::logs::origin;
use crate::plan::Plan;

/// The store of one server. Clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct CrashStore(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    books: Books,
    profiles: Vec<Profile>,
    callers: Vec<Caller>,
    reaches: BTreeMap<PrincipalId, Reach>,
    operations: u64,
    plan: Plan,
    dark: bool,
    met: Vec<Cell>,
}

#[derive(Default, Clone)]
struct Books {
    rows: Vec<Row>,
    receipts: BTreeMap<RequestId, Vec<(String, Receipt)>>,
    leaves: Vec<Leaf>,
    edge: RightEdge,
    lock: Option<Locked>,
    tiles: BTreeMap<TilePath, Tile>,
    note: Option<String>,
    shown_before: Option<String>,
    /// The logs that others followed, as they were left.
    frozen: Vec<Frozen>,
}

/// A log that another followed.
#[derive(Clone)]
struct Frozen {
    lock: Locked,
    tiles: BTreeMap<TilePath, Tile>,
    note: Option<String>,
}

#[derive(Clone)]
struct Tile {
    bytes: Vec<u8>,
    waited_for: bool,
}

/// What a principal may do at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All that it was granted.
    Whole,
    /// Nothing: its grants were taken away.
    Nothing,
    /// It is disabled.
    Disabled,
}

type Done<T> = Result<T, io::ErrorKind>;

impl CrashStore {
    /// A store that knows these profiles and callers.
    pub(crate) fn new(profiles: Vec<Profile>, callers: Vec<Caller>) -> Self {
        Self(Arc::new(Mutex::new(Inner { profiles, callers, ..Inner::default() })))
    }

    /// Plans a fault for a step, after it was done `after` times.
    pub(crate) fn plan(&self, step: Step, after: u64, fault: Fault) {
        self.inner().plan.add(step, after, fault);
    }

    /// The faults that were met; they are forgotten.
    pub(crate) fn met(&self) -> Vec<Cell> {
        std::mem::take(&mut self.inner().met)
    }

    /// Is the power off?
    pub(crate) fn is_dark(&self) -> bool {
        self.inner().dark
    }

    /// Cuts the power: tile files that were not waited for are in the hands of `seed`.
    pub(crate) fn cut(&self, seed: u64) {
        let mut dice = Seeded::new(seed);
        let mut inner = self.inner();
        inner.dark = true;
        inner.books.tiles.retain(|_, tile| tile.waited_for || dice.below(2) == 0);
        if dice.below(2) == 0 {
            inner.books.note = inner.books.shown_before.take();
        }
    }

    /// Power is back.
    pub(crate) fn switch_on(&self) {
        self.inner().dark = false;
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        let mut inner = self.inner();
        inner.dark = false;
        inner.plan = Plan::default();
    }

    /// A copy of all that is there, as a backup takes it.
    pub(crate) fn copy(&self) -> Self {
        let inner = self.inner();
        Self(Arc::new(Mutex::new(Inner {
            books: inner.books.clone(),
            profiles: inner.profiles.clone(),
            callers: inner.callers.clone(),
            ..Inner::default()
        })))
    }

    /// Puts a backup in the place of what is there.
    pub(crate) fn restore(&self, backup: &Self) {
        let books = backup.inner().books.clone();
        self.inner().books = books;
    }

    /// The newest checkpoint that the store holds, signed or not.
    pub(crate) fn newest_checkpoint(&self) -> Option<String> {
        self.inner().books.lock.as_ref().map(|locked| locked.checkpoint.clone())
    }

    /// How many entries of a log the checkpoint covers that is public; `None` where nothing is, or the power is off.
    pub(crate) fn published_size(&self, log: &str) -> Option<u64> {
        let inner = self.inner();
        let frozen = inner.books.frozen.iter().filter_map(|frozen| frozen.note.as_ref());
        let mut notes = frozen.chain(&inner.books.note).filter(|_| !inner.dark);
        notes.find(|note| origin(note) == log)?.lines().nth(1)?.parse().ok()
    }

    /// The logs that others followed, each as a store of its own: what was shown is all that there is of them.
    pub(crate) fn frozen(&self) -> Vec<Self> {
        let store = |Frozen { lock, tiles, note }| {
            let shown = note.as_ref().and_then(|note: &String| note.split("\n\n").next());
            let shown = shown.map_or(lock, |text| {
                let text = format!("{text}\n");
                Locked { onto: text.clone(), checkpoint: text, staged: Vec::new() }
            });
            let books = Books { lock: Some(shown), tiles, note, ..Books::default() };
            Self(Arc::new(Mutex::new(Inner { books, ..Inner::default() })))
        };
        self.inner().books.frozen.iter().cloned().map(store).collect()
    }

    /// Is the intent of this request recorded?
    pub(crate) fn has_intent(&self, id: &RequestId) -> bool {
        let inner = self.inner();
        inner.books.leaves.iter().any(|leaf| leaf.request == Some(*id) && leaf.kind == LeafKind::Intent)
    }

    /// A row, as it stands.
    pub(crate) fn row(&self, id: &RequestId) -> Option<Row> {
        self.inner().books.rows.iter().find(|row| row.id == *id).cloned()
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.inner().books.rows.len()
    }

    /// From now on a principal may do this, whatever it asked for before.
    pub(crate) fn reach(&self, principal: PrincipalId, reach: Reach) {
        self.inner().reaches.insert(principal, reach);
    }

    /// The key that an item of a request names.
    pub(crate) fn key_of(&self, request: &Digest, item: u32) -> Option<Space> {
        let inner = self.inner();
        let row = inner.books.rows.iter().find(|row| Request::digest(&row.request) == *request)?;
        Some(Item::parse(row.items.get(usize::try_from(item).ok()?)?).ok()?.key.name)
    }

    /// Every row, as it stands.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.inner().books.rows.clone()
    }

    /// Every leaf of the ledger.
    pub(crate) fn all_leaves(&self) -> Vec<Leaf> {
        self.inner().books.leaves.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds the store")
    }

    fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> Done<T> {
        let inner = self.inner();
        if inner.dark { Err(io::ErrorKind::BrokenPipe) } else { Ok(read(&inner)) }
    }

    /// One transaction, or one file: whole or not at all, and perhaps without an answer.
    fn operate<T>(&self, step: Step, operation: impl FnOnce(&mut Books) -> T) -> Done<T> {
        let mut inner = self.inner();
        if inner.dark {
            return Err(io::ErrorKind::BrokenPipe);
        }
        let nth = inner.operations;
        inner.operations += 1;
        let Some(fault) = inner.plan.meet(step) else { return Ok(operation(&mut inner.books)) };
        inner.met.push((step, fault));
        match fault {
            Fault::FullDisk => Err(io::ErrorKind::StorageFull),
            Fault::CutBefore | Fault::CutAfter => {
                if fault == Fault::CutAfter {
                    operation(&mut inner.books);
                }
                drop(inner);
                self.cut(nth);
                Err(io::ErrorKind::BrokenPipe)
            }
            // Of an error nobody knows what was done: every second time, all of it.
            _ if nth.is_multiple_of(2) => Err(io::ErrorKind::Other),
            _ => {
                operation(&mut inner.books);
                Err(io::ErrorKind::Other)
            }
        }
    }
}

fn unavailable(action: &'static str) -> impl Fn(io::ErrorKind) -> StoreError {
    move |kind| StoreError::Unavailable { action, source: io::Error::from(kind).into() }
}

impl Books {
    fn row(&mut self, id: &RequestId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == *id)
    }

    fn add_leaves(&mut self, leaves: &[Leaf]) {
        for leaf in leaves {
            self.edge.append(leaf.hash());
            self.leaves.push(leaf.clone());
        }
    }

    fn write(&mut self, write: &Write) -> Result<(), Conflict> {
        match write {
            Write::Insert { row, leaves } => {
                let key = |other: &Row| {
                    other.caller.principal == row.caller.principal
                        && row.idempotency_key.is_some()
                        && other.idempotency_key == row.idempotency_key
                };
                if self.rows.iter().any(|other| other.id == row.id || key(other)) {
                    return Err(Conflict::Taken { id: row.id });
                }
                self.rows.push((**row).clone());
                self.add_leaves(leaves);
            }
            Write::Move { id, from, to, endorsements, log_size, receipts, leaves } => {
                let row = self.row(id).filter(|row| row.standing.state == *from);
                let row = row.ok_or(Conflict::Moved { id: *id })?;
                row.standing = to.clone();
                row.endorsements = endorsements.clone();
                row.log_size = *log_size;
                if !receipts.is_empty() {
                    let read = |(name, bytes): &(String, Vec<u8>)| {
                        (
                            name.clone(),
                            Receipt::parse(bytes).expect("the engine stores receipts that can be read"),
                        )
                    };
                    self.receipts.insert(*id, receipts.iter().map(read).collect());
                }
                self.add_leaves(leaves);
            }
            Write::Crashed { id } => {
                let row = self.row(id).ok_or(Conflict::Moved { id: *id })?;
                row.crashes += 1;
            }
            Write::Note { leaf } => self.add_leaves(std::slice::from_ref(leaf)),
        }
        Ok(())
    }
}

/// A batch that ends something is the outcome's.
fn step_of(batch: &[Write]) -> Step {
    let ends = |write: &Write| matches!(write, Write::Move { to, .. } if to.state.is_final());
    if batch.iter().any(ends) { Step::Outcome } else { Step::Intent }
}

impl RequestStore for CrashStore {
    fn write(&self, batch: &[Write]) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        self.operate(step_of(batch), |books| batch.iter().map(|write| books.write(write)).collect())
            .map_err(unavailable("write the requests"))
    }

    fn load(&self, ids: &[RequestId]) -> Result<Vec<Option<Row>>, StoreError> {
        let find = |inner: &Inner, id: &RequestId| inner.books.rows.iter().find(|row| row.id == *id).cloned();
        self.read(|inner| ids.iter().map(|id| find(inner, id)).collect())
            .map_err(unavailable("read the requests"))
    }

    fn find(&self, lookups: &[Lookup]) -> Result<Vec<Known>, StoreError> {
        self.read(|inner| lookups.iter().map(|lookup| known(&inner.books.rows, lookup)).collect())
            .map_err(unavailable("read the requests"))
    }

    fn receipts(&self, id: &RequestId) -> Result<Vec<(String, Receipt)>, StoreError> {
        self.read(|inner| inner.books.receipts.get(id).cloned().unwrap_or_default())
            .map_err(unavailable("read the receipts"))
    }

    fn unfinished(&self, now: Instant) -> Result<Vec<RequestId>, StoreError> {
        let open = |row: &&Row| match row.standing.state {
            State::Intended => true,
            State::Waiting => row.deadline <= now,
            _ => false,
        };
        self.read(|inner| inner.books.rows.iter().filter(open).map(|row| row.id).collect())
            .map_err(unavailable("read the requests"))
    }
}

fn known(rows: &[Row], lookup: &Lookup) -> Known {
    let own = || rows.iter().rev().filter(|row| row.caller.principal == lookup.principal);
    let alive = |row: &&Row| !row.standing.state.is_final() || row.standing.state == State::Done;
    Known {
        by_id: rows.iter().find(|row| row.id == lookup.id).map(|row| row.id),
        by_key: own()
            .find(|row| lookup.idempotency_key.is_some() && row.idempotency_key == lookup.idempotency_key)
            .map(|row| row.id),
        by_repeat: own()
            .filter(alive)
            .find(|row| row.repeat == lookup.repeat && row.submitted >= lookup.repeat_since)
            .map(|row| row.id),
    }
}

impl Ledger for CrashStore {
    fn head(&self) -> Result<Head, StoreError> {
        self.read(|inner| Head { size: inner.books.edge.size(), root: inner.books.edge.root() })
            .map_err(unavailable("read the ledger"))
    }

    fn root_at(&self, size: u64) -> Result<Option<Digest>, StoreError> {
        self.read(|inner| crate::check::root_at(&inner.books.leaves, size))
            .map_err(unavailable("read the ledger"))
    }

    fn leaves(&self, from: u64, count: u32) -> Result<Vec<Leaf>, StoreError> {
        let (from, count) =
            (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(0));
        self.read(|inner| inner.books.leaves.iter().skip(from).take(count).cloned().collect())
            .map_err(unavailable("read the ledger"))
    }
}

impl Directory for CrashStore {
    fn profile(&self, name: &Space) -> Result<Option<Profile>, StoreError> {
        self.read(|inner| inner.profiles.iter().find(|profile| profile.name == *name).cloned())
            .map_err(unavailable("read the profiles"))
    }

    fn version(&self, digest: &Digest) -> Result<Option<Profile>, StoreError> {
        self.read(|inner| inner.profiles.iter().find(|profile| profile.digest() == *digest).cloned())
            .map_err(unavailable("read the profiles"))
    }

    fn profiles(&self) -> Result<Vec<Profile>, StoreError> {
        self.read(|inner| inner.profiles.clone()).map_err(unavailable("read the profiles"))
    }

    fn current(&self, then: &Caller) -> Result<Option<Caller>, StoreError> {
        let current = |inner: &Inner| {
            let caller = inner.callers.iter().find(|caller| caller.principal == then.principal)?.clone();
            match inner.reaches.get(&then.principal) {
                None | Some(Reach::Whole) => Some(caller),
                Some(Reach::Nothing) => Some(Caller { spaces: Vec::new(), ..caller }),
                Some(Reach::Disabled) => None,
            }
        };
        self.read(current).map_err(unavailable("read the principals"))
    }
}

impl TileStore for CrashStore {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        let one = |path: &TilePath| match Self::read(self, |inner| inner.books.tiles.get(path).cloned()) {
            Ok(Some(tile)) => Ok(tile.bytes),
            Ok(None) => Err(TileError::Missing { path: *path }),
            Err(kind) => Err(TileError::Failed { path: *path, source: io::Error::from(kind).into() }),
        };
        paths.iter().map(one).collect()
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        let one = |(path, bytes): &StagedTile| {
            let written = self.operate(Step::Tiles, |books| match books.tiles.get(path) {
                Some(tile) if tile.bytes != *bytes => Err(TileError::Differs { path: *path }),
                Some(_) => Ok(()),
                None => {
                    books.tiles.insert(*path, Tile { bytes: bytes.clone(), waited_for: false });
                    Ok(())
                }
            });
            written
                .map_err(|kind| TileError::Failed { path: *path, source: io::Error::from(kind).into() })
                .and_then(|written| written)
        };
        tiles.iter().map(one).collect()
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        self.operate(Step::Publish, |books| books.shown_before = books.note.replace(note.to_owned()))
            .map_err(|kind| NoteStoreError(io::Error::from(kind).into()))
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        Self::read(self, |inner| inner.books.note.clone())
            .map_err(|kind| NoteStoreError(io::Error::from(kind).into()))
    }
}

impl CheckpointLock for CrashStore {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        self.read(|inner| inner.books.lock.clone())
            .map_err(|kind| LockError::Untouched { source: io::Error::from(kind).into() })
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        let created = self.operate(Step::Swap, |books| {
            if books.lock.is_some() {
                return Err(LockError::Exists);
            }
            let first = first.to_owned();
            books.lock = Some(Locked { onto: first.clone(), checkpoint: first, staged: Vec::new() });
            Ok(())
        });
        created.map_err(unknown).and_then(|created| created)
    }

    fn swap(&self, expected: &str, new: &str, staged: &[StagedTile]) -> Result<(), LockError> {
        let swapped = self.operate(Step::Swap, |books| {
            let Some(lock) = books.lock.as_mut().filter(|lock| lock.checkpoint == expected) else {
                return Err(LockError::Conflict);
            };
            // Tiles of earlier swaps stay staged until a file of theirs was waited for: now and then, here.
            let waited = lock.staged.len() > 40;
            if waited {
                for (path, _) in lock.staged.drain(..) {
                    if let Some(tile) = books.tiles.get_mut(&path) {
                        tile.waited_for = true;
                    }
                }
            }
            lock.staged.extend_from_slice(staged);
            lock.onto = expected.to_owned();
            lock.checkpoint = new.to_owned();
            Ok(())
        });
        swapped.map_err(unknown).and_then(|swapped| swapped)
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        let begun = self.operate(Step::Succession, |books| {
            if books.lock.as_ref().is_some_and(|lock| lock.checkpoint == first) {
                return Ok(());
            }
            let Some(mut lock) = books.lock.take_if(|lock| lock.checkpoint == last) else {
                return Err(LockError::Conflict);
            };
            let first = first.to_owned();
            let next = Locked { onto: first.clone(), checkpoint: first, staged: Vec::new() };
            books.lock = Some(next);
            // What only the database holds of the old log is in its files before the database lets go of it.
            let mut tiles = std::mem::take(&mut books.tiles);
            for (path, bytes) in lock.staged.drain(..) {
                tiles.entry(path).or_insert(Tile { bytes, waited_for: true });
            }
            books.shown_before = None;
            books.frozen.push(Frozen { lock, tiles, note: books.note.take() });
            Ok(())
        });
        begun.map_err(unknown).and_then(|begun| begun)
    }
}

fn unknown(kind: io::ErrorKind) -> LockError {
    LockError::Unknown { source: io::Error::from(kind).into() }
}
