//! The log's index as a crash leaves it: some of what was written last is gone, and it is read from the log again.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use engine::{IndexedEntry, LogIndex, StoreError};
use model::Digest;
use testkit::Seeded;

/// The index of one server. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct CrashIndex(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    leaves: BTreeMap<String, Vec<Digest>>,
    /// For so many writes the disk is full.
    full: u64,
}

impl CrashIndex {
    /// Power is cut: of what was written last, some is lost.
    pub(crate) fn cut(&self, seed: u64) {
        let mut dice = Seeded::new(seed);
        for leaves in self.inner().leaves.values_mut() {
            let lost = usize::try_from(dice.below(4)).expect("a small number");
            leaves.truncate(leaves.len().saturating_sub(lost));
        }
    }

    /// The next writes find no room.
    pub(crate) fn fill(&self, writes: u64) {
        self.inner().full = writes;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds the index")
    }

    fn write(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.inner();
        match inner.full.checked_sub(1) {
            None => Ok(inner),
            Some(left) => {
                inner.full = left;
                let source = Box::new(io::Error::from(io::ErrorKind::StorageFull));
                Err(StoreError::Unavailable { action: "extend the log's index", source })
            }
        }
    }
}

impl LogIndex for CrashIndex {
    fn reach(&self, origin: &str) -> Result<u64, StoreError> {
        let reach = self.inner().leaves.get(origin).map_or(0, Vec::len);
        Ok(u64::try_from(reach).expect("a few"))
    }

    fn extend(&self, origin: &str, from: u64, entries: &[IndexedEntry]) -> Result<(), StoreError> {
        let mut inner = self.write()?;
        let leaves = inner.leaves.entry(origin.to_owned()).or_default();
        assert_eq!(u64::try_from(leaves.len()), Ok(from), "the index has no gap");
        leaves.extend(entries.iter().map(|entry| entry.leaf));
        Ok(())
    }

    fn find(&self, origin: &str, wanted: &[Digest]) -> Result<Vec<Option<u64>>, StoreError> {
        let inner = self.inner();
        let leaves = inner.leaves.get(origin).map_or(&[][..], Vec::as_slice);
        let place = |leaf: &Digest| leaves.iter().position(|one| one == leaf);
        Ok(wanted.iter().map(|leaf| place(leaf).and_then(|at| u64::try_from(at).ok())).collect())
    }

    fn forget(&self, origin: &str) -> Result<(), StoreError> {
        self.write()?.leaves.remove(origin);
        Ok(())
    }
}
