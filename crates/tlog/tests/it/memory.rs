//! Storage in memory that fails when told to, in every way that the contracts allow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tlog::{CheckpointLock, LockError, Locked, NoteStoreError, StagedTile, TileError, TilePath, TileStore};

/// What happens at the step that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was done, and the storage says so.
    Untouched,
    /// Nothing was done, and the storage does not know.
    Lost,
    /// Nothing was done, of this step and of all that follow: the power went.
    Cut,
    /// All of it was done, and the answer was lost.
    Done,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Untouched, Self::Lost, Self::Cut, Self::Done];
}

/// Counts the steps of the storage, and makes one of them fail.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    step: u64,
    planned: Option<(u64, Fault)>,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    faults: Arc<Mutex<Faults>>,
    tiles: Arc<Mutex<BTreeMap<TilePath, Vec<u8>>>>,
    lock: Arc<Mutex<Option<Locked>>>,
    note: Arc<Mutex<Option<String>>>,
}

impl Memory {
    pub(crate) fn tiles(&self) -> Arc<dyn TileStore> {
        Arc::new(self.clone())
    }

    pub(crate) fn lock(&self) -> Arc<dyn CheckpointLock> {
        Arc::new(self.clone())
    }

    /// Makes the `step`-th step from now on fail.
    pub(crate) fn fail_at(&self, step: u64, fault: Fault) {
        *self.faults.lock().unwrap() = Faults { step: 0, planned: Some((step, fault)) };
    }

    /// Was the planned fault met? After this there is none.
    pub(crate) fn mend(&self) -> bool {
        let mut faults = self.faults.lock().unwrap();
        let met = faults.planned.is_some_and(|(at, _)| faults.step > at);
        *faults = Faults::default();
        met
    }

    pub(crate) fn stored(&self) -> BTreeMap<TilePath, Vec<u8>> {
        self.tiles.lock().unwrap().clone()
    }

    pub(crate) fn locked(&self) -> Option<Locked> {
        self.lock.lock().unwrap().clone()
    }

    pub(crate) fn put(&self, path: TilePath, bytes: Vec<u8>) {
        self.tiles.lock().unwrap().insert(path, bytes);
    }

    pub(crate) fn remove(&self, path: TilePath) {
        self.tiles.lock().unwrap().remove(&path);
    }

    pub(crate) fn put_locked(&self, locked: Option<Locked>) {
        *self.lock.lock().unwrap() = locked;
    }

    pub(crate) fn put_note(&self, note: Option<String>) {
        *self.note.lock().unwrap() = note;
    }

    fn next(&self) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let now = faults.step;
        faults.step += 1;
        faults
            .planned
            .filter(|(at, fault)| *at == now || (*at < now && *fault == Fault::Cut))
            .map(|(_, fault)| fault)
    }

    fn change_lock(
        &self,
        change: impl FnOnce(&mut Option<Locked>) -> Result<(), LockError>,
    ) -> Result<(), LockError> {
        let mut lock = self.lock.lock().unwrap();
        match self.next() {
            None => change(&mut lock),
            Some(Fault::Untouched) => Err(LockError::Untouched { source: "planned".into() }),
            Some(Fault::Lost | Fault::Cut) => Err(LockError::Unknown { source: "planned".into() }),
            Some(Fault::Done) => {
                change(&mut lock)?;
                Err(LockError::Unknown { source: "planned".into() })
            }
        }
    }
}

impl TileStore for Memory {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        let tiles = self.tiles.lock().unwrap();
        let fault = self.next();
        let read = |path: &TilePath| match fault {
            Some(_) => Err(TileError::Failed { path: *path, source: "planned".into() }),
            None => tiles.get(path).cloned().ok_or(TileError::Missing { path: *path }),
        };
        paths.iter().map(read).collect()
    }

    fn write(&self, staged: &[StagedTile]) -> Vec<Result<(), TileError>> {
        let mut tiles = self.tiles.lock().unwrap();
        // Each tile is a step of its own.
        let write = |(path, bytes): &StagedTile| {
            let fault = self.next();
            if tiles.get(path).is_some_and(|known| known != bytes) {
                return Err(TileError::Differs { path: *path });
            }
            if matches!(fault, None | Some(Fault::Done)) {
                tiles.insert(*path, bytes.clone());
            }
            fault.map_or(Ok(()), |_| Err(TileError::Failed { path: *path, source: "planned".into() }))
        };
        staged.iter().map(write).collect()
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        let fault = self.next();
        if matches!(fault, None | Some(Fault::Done)) {
            *self.note.lock().unwrap() = Some(note.to_owned());
        }
        fault.map_or(Ok(()), |_| Err(NoteStoreError("planned".into())))
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        match self.next() {
            Some(_) => Err(NoteStoreError("planned".into())),
            None => Ok(self.note.lock().unwrap().clone()),
        }
    }
}

impl CheckpointLock for Memory {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        match self.next() {
            Some(_) => Err(LockError::Untouched { source: "planned".into() }),
            None => Ok(self.lock.lock().unwrap().clone()),
        }
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        self.change_lock(|lock| {
            if lock.is_some() {
                return Err(LockError::Exists);
            }
            let first = first.to_owned();
            *lock = Some(Locked { onto: first.clone(), checkpoint: first, staged: Vec::new() });
            Ok(())
        })
    }

    fn swap(&self, expected: &str, new: &str, staged: &[StagedTile]) -> Result<(), LockError> {
        self.change_lock(|lock| {
            if lock.as_ref().is_none_or(|held| held.checkpoint != expected) {
                return Err(LockError::Conflict);
            }
            let (onto, checkpoint) = (expected.to_owned(), new.to_owned());
            *lock = Some(Locked { onto, checkpoint, staged: staged.to_vec() });
            Ok(())
        })
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        self.change_lock(|lock| {
            if lock.as_ref().is_none_or(|held| held.checkpoint != last) {
                return Err(LockError::Conflict);
            }
            let first = first.to_owned();
            *lock = Some(Locked { onto: first.clone(), checkpoint: first, staged: Vec::new() });
            self.tiles.lock().unwrap().clear();
            *self.note.lock().unwrap() = None;
            Ok(())
        })
    }
}
