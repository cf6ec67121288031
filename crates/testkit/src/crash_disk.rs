//! A disk that loses power, fails and fills up, from a seed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use model::{Disk, DiskError};

use crate::Seeded;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The operation fails, and nobody knows what of it reached the disk.
    Error,
    /// The power goes before the operation.
    CutBefore,
    /// The power goes after the operation, before its caller hears of it.
    CutAfter,
    /// There is no room.
    Full,
}

/// A folder in memory whose unsynced writes a power cut may drop, keep or tear at any sector.
///
/// Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct CrashDisk(Arc<Mutex<Folder>>);

#[derive(Debug, Default)]
struct Folder {
    files: BTreeMap<String, File>,
    operations: u64,
    plan: BTreeMap<u64, Fault>,
    dark: bool,
    met: Vec<(Fault, &'static str)>,
}

#[derive(Debug, Default, Clone)]
struct File {
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

const SECTOR: usize = 512;

impl File {
    fn seen(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, written) in &self.unsynced {
            bytes[*offset..offset + written.len()].copy_from_slice(written);
        }
        bytes
    }

    fn sync(&mut self) {
        self.durable = self.seen();
        self.unsynced.clear();
    }

    /// Keeps of each unsynced write whatever sectors the dice say.
    fn lose_power(&mut self, dice: &mut Seeded) {
        for (offset, written) in std::mem::take(&mut self.unsynced) {
            let fate = dice.below(3);
            for (n, sector) in written.chunks(SECTOR).enumerate() {
                if fate == 0 || (fate == 1 && dice.below(2) == 0) {
                    let at = offset + n * SECTOR;
                    self.durable[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
    }
}

impl CrashDisk {
    /// Plans a fault for the `nth` operation from now, counting from 0.
    pub fn plan(&self, nth: u64, fault: Fault) {
        let mut folder = self.folder();
        let at = folder.operations + nth;
        folder.plan.insert(at, fault);
    }

    /// How many operations there were: a run without faults says how many a plan can hit.
    pub fn operations(&self) -> u64 {
        self.folder().operations
    }

    /// The faults that were met, and by what.
    pub fn met(&self) -> Vec<(Fault, &'static str)> {
        self.folder().met.clone()
    }

    /// Is the power off?
    pub fn is_dark(&self) -> bool {
        self.folder().dark
    }

    /// Cuts the power now: what is not synced is in the hands of `seed`.
    pub fn cut(&self, seed: u64) {
        let mut dice = Seeded::new(seed);
        let mut folder = self.folder();
        for file in folder.files.values_mut() {
            file.lose_power(&mut dice);
        }
        folder.dark = true;
    }

    /// Switches the power on again, without any faults planned.
    pub fn switch_on(&self) {
        let mut folder = self.folder();
        folder.dark = false;
        folder.plan.clear();
    }

    /// Flips one bit of what is durable; `false` if there is no such bit.
    pub fn flip(&self, name: &str, bit: usize) -> bool {
        let mut folder = self.folder();
        let Some(byte) = folder.files.get_mut(name).and_then(|file| file.durable.get_mut(bit / 8)) else {
            return false;
        };
        *byte ^= 1 << (bit % 8);
        true
    }

    /// Do these bytes stand in some file, so that a power cut would leave them there?
    pub fn is_durable(&self, bytes: &[u8]) -> bool {
        let found = |file: &File| file.durable.windows(bytes.len()).any(|window| window == bytes);
        self.folder().files.values().any(found)
    }

    /// A copy of everything that is visible now, as a backup or a thief would take it.
    pub fn copy(&self) -> Self {
        let folder = self.folder();
        let seen = |file: &File| File { durable: file.seen(), unsynced: Vec::new() };
        let files = folder.files.iter().map(|(name, file)| (name.clone(), seen(file))).collect();
        Self(Arc::new(Mutex::new(Folder { files, ..Folder::default() })))
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    fn operate<T>(
        &self,
        action: &'static str,
        name: &str,
        operation: impl FnOnce(&mut Folder) -> Result<T, io::ErrorKind>,
    ) -> Result<T, DiskError> {
        let fail = |kind: io::ErrorKind| DiskError { action, name: name.to_owned(), source: kind.into() };
        let mut folder = self.folder();
        if folder.dark {
            return Err(fail(io::ErrorKind::BrokenPipe));
        }
        let nth = folder.operations;
        folder.operations += 1;
        let Some(fault) = folder.plan.get(&nth).copied() else { return operation(&mut folder).map_err(fail) };
        folder.met.push((fault, action));
        match fault {
            Fault::Full => Err(fail(io::ErrorKind::StorageFull)),
            Fault::Error if nth.is_multiple_of(2) => Err(fail(io::ErrorKind::Other)),
            Fault::Error => {
                let _ = operation(&mut folder);
                Err(fail(io::ErrorKind::Other))
            }
            Fault::CutBefore | Fault::CutAfter => {
                if fault == Fault::CutAfter {
                    let _ = operation(&mut folder);
                }
                drop(folder);
                self.cut(nth);
                Err(fail(io::ErrorKind::BrokenPipe))
            }
        }
    }
}

impl Disk for CrashDisk {
    fn list(&self) -> Result<Vec<String>, DiskError> {
        self.operate("list", ".", |folder| Ok(folder.files.keys().cloned().collect()))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, DiskError> {
        self.operate("read", name, |folder| {
            folder.files.get(name).map(File::seen).ok_or(io::ErrorKind::NotFound)
        })
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.operate("replace", name, |folder| {
            let file = File { durable: bytes.to_vec(), unsynced: Vec::new() };
            folder.files.insert(name.to_owned(), file);
            Ok(())
        })
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.operate("write", name, |folder| {
            let file = folder.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
            let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
            if offset.checked_add(bytes.len()).is_none_or(|end| end > file.durable.len()) {
                return Err(io::ErrorKind::InvalidInput);
            }
            file.unsynced.push((offset, bytes.to_vec()));
            Ok(())
        })
    }

    fn sync(&self, name: &str) -> Result<(), DiskError> {
        self.operate("sync", name, |folder| {
            folder.files.get_mut(name).map(File::sync).ok_or(io::ErrorKind::NotFound)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_synced_survives_and_what_is_not_may_be_torn() {
        let mut torn = 0;
        for seed in 0..64 {
            let disk = CrashDisk::default();
            disk.replace("f", &[0; 4 * SECTOR]).unwrap();
            disk.write_at("f", 0, &[1; SECTOR]).unwrap();
            disk.sync("f").unwrap();
            disk.write_at("f", 100, &[2; 3 * SECTOR]).unwrap();
            disk.cut(seed);
            assert!(disk.read("f").is_err());
            disk.switch_on();
            let bytes = disk.read("f").unwrap();
            assert_eq!(bytes[..100], [1; 100]);
            let kept = bytes.iter().filter(|byte| **byte == 2).count();
            torn += usize::from(kept != 0 && kept != 3 * SECTOR);
        }
        assert!(torn > 10, "of 64 seeds, only {torn} tore a write");
    }

    #[test]
    fn a_planned_fault_is_met_once_and_says_so() {
        let disk = CrashDisk::default();
        disk.replace("f", &[0; 8]).unwrap();
        disk.plan(1, Fault::CutAfter);
        disk.write_at("f", 0, &[1]).unwrap();
        assert!(disk.sync("f").is_err());
        assert!(disk.is_dark());
        disk.switch_on();
        assert_eq!(disk.read("f").unwrap()[0], 1);
        assert_eq!(disk.met(), [(Fault::CutAfter, "sync")]);
    }
}
