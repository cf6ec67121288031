//! A disk in memory. It never fails by itself and forgets nothing.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Disk, DiskError};

/// A [`Disk`] of files in memory. A clone sees the same files, as a process that starts again does.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    syncs: u64,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for the platter so far: calls of `sync` and of `replace`.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Spoils a file, or takes it away, behind the back of the code that is tested.
    pub fn tamper(&self, name: &str, spoil: impl FnOnce(&mut Vec<u8>)) {
        match self.state().files.get_mut(name) {
            Some(bytes) => spoil(bytes),
            None => panic!("there is no file `{name}` to tamper with"),
        }
    }

    /// Removes a file behind the back of the code that is tested.
    pub fn remove(&self, name: &str) {
        if self.state().files.remove(name).is_none() {
            panic!("there is no file `{name}` to remove");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment, so that what a panicking thread left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> Result<Vec<String>, DiskError> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, DiskError> {
        self.state().files.get(name).cloned().ok_or_else(|| absent("read", name))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.state();
        state.files.insert(name.to_owned(), bytes.to_owned());
        state.syncs += 1;
        Ok(())
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut state = self.state();
        let file = state.files.get_mut(name).ok_or_else(|| absent("write", name))?;
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| file.get_mut(start..start.checked_add(bytes.len())?));
        part.ok_or_else(|| error("write", name, io::ErrorKind::InvalidInput))?.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self, name: &str) -> Result<(), DiskError> {
        let mut state = self.state();
        if !state.files.contains_key(name) {
            return Err(absent("sync", name));
        }
        state.syncs += 1;
        Ok(())
    }
}

fn absent(action: &'static str, name: &str) -> DiskError {
    error(action, name, io::ErrorKind::NotFound)
}

fn error(action: &'static str, name: &str, kind: io::ErrorKind) -> DiskError {
    DiskError { action, name: name.to_owned(), source: kind.into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_whoever_starts_again() {
        let disk = MemoryDisk::new();
        disk.replace("journal", b"0000").unwrap();
        disk.write_at("journal", 1, b"ab").unwrap();
        disk.sync("journal").unwrap();
        let restarted = disk.clone();
        assert_eq!((restarted.read("journal").unwrap(), restarted.syncs()), (b"0ab0".to_vec(), 2));
        assert_eq!(restarted.list().unwrap(), ["journal"]);
    }

    #[test]
    fn a_file_is_never_made_or_grown_by_an_overwrite() {
        let disk = MemoryDisk::new();
        assert!(disk.write_at("journal", 0, b"a").is_err());
        disk.replace("journal", b"00").unwrap();
        for (offset, bytes) in [(1, "ab"), (3, ""), (u64::MAX, "a")] {
            assert!(disk.write_at("journal", offset, bytes.as_bytes()).is_err(), "{offset}");
        }
        assert_eq!(disk.read("journal").unwrap(), b"00");
        assert!(disk.sync("ledger").is_err());
    }

    #[test]
    fn tampering_shows() {
        let disk = MemoryDisk::new();
        disk.replace("journal", b"00").unwrap();
        disk.tamper("journal", |bytes| bytes.truncate(1));
        assert_eq!(disk.read("journal").unwrap(), b"0");
        disk.remove("journal");
        assert!(disk.read("journal").is_err());
    }
}
