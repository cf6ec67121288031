//! A small disk, which a test fills and makes read-only.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory with a few megabytes: room for both segments of a journal, and not for many. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    at: Option<PathBuf>,
}

impl SmallDisk {
    /// A disk, or a loud skip where this user may mount none.
    pub(crate) fn or_skip() -> Option<Self> {
        let tried = testkit::temp_folder();
        if mount(&["-t", "tmpfs", "tmpfs"], tried.path()) {
            drop(Self { at: Some(tried.path().to_owned()) });
            return Some(Self { at: None });
        }
        testkit::skip("mount", "only root may mount the small disk on which this test would run out of room");
        None
    }

    /// Puts it there.
    pub(crate) fn mount(&mut self, at: &Path) {
        assert!(mount(&["-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs"], at), "root may mount");
        self.at = Some(at.to_owned());
    }

    /// Fills it until this much is left.
    pub(crate) fn fill(&self, left_bytes: usize) {
        let ballast = self.ballast();
        let mut file = File::create(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(left_bytes as u64)).unwrap();
    }

    /// Makes room again.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    pub(crate) fn set_writable(&self, writable: Writable) {
        let option = match writable {
            Writable::Yes => "remount,rw",
            Writable::No => "remount,ro",
        };
        assert!(mount(&["-o", option], self.at.as_ref().unwrap()));
    }

    fn ballast(&self) -> PathBuf {
        self.at.as_ref().unwrap().join("ballast")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writable {
    Yes,
    No,
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Some(at) = &self.at {
            let _ = Command::new("umount").arg("--lazy").arg(at).status();
        }
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}
