//! Programs from Debian's unstable branch, written in Go: they stand on libc alone, and run on any Debian unpacked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::apt::Unstable;
use super::{copy, create, write};
use crate::failure::Failure;
use crate::program;

/// A package with one program, which has its name.
pub(super) struct Package {
    name: &'static str,
    /// The line of versions whose verdicts the tests know.
    wanted: &'static str,
    /// How it is asked whether it runs.
    asked: &'static str,
}

/// The client of Sigstore for files and containers.
pub(super) const COSIGN: Package = Package { name: "cosign", wanted: "3.1.", asked: "version" };
/// The client of Sigstore for commits.
pub(super) const GITSIGN: Package = Package { name: "gitsign", wanted: "0.16.", asked: "--version" };
/// A registry of container images.
pub(super) const REGISTRY: Package = Package { name: "docker-registry", wanted: "2.8.", asked: "--version" };

impl Package {
    /// Makes sure of `bin/NAME` in `folder`, and returns its version.
    ///
    /// Debian's builds do not know their own versions, so the package's stands beside the program in `bin/NAME.version`.
    pub(super) fn provide(&self, folder: &Path) -> Result<String, Failure> {
        let (program, version_file) = self.places(folder);
        if let Ok(version) = fs::read_to_string(&version_file)
            && version.starts_with(self.wanted)
            && program::answers(Command::new(&program).arg(self.asked))
        {
            return Ok(version.trim().to_owned());
        }
        println!("  fetching {} from Debian's unstable branch", self.name);
        let workshop = folder.join("apt");
        // Left-overs of an interrupted run; where there are none, there is nothing to remove.
        let _ = fs::remove_dir_all(&workshop);
        create(&workshop)?;
        let version = Unstable::open(&workshop)?.unpack(self.name)?;
        if !version.starts_with(self.wanted) {
            return Err(Failure::Unavailable {
                what: format!("{} {}x", self.name, self.wanted),
                why: format!("Debian's unstable branch has {version} now"),
            });
        }
        create(&folder.join("bin"))?;
        // Copied beside and renamed, because a test may be running the old one.
        let beside = folder.join(format!("bin/{}.new", self.name));
        copy(&workshop.join("tree/usr/bin").join(self.name), &beside)?;
        fs::rename(&beside, &program).map_err(|source| Failure::File {
            action: "rename",
            path: beside,
            source,
        })?;
        write(&version_file, &version)?;
        let _ = fs::remove_dir_all(&workshop);
        program::run(Command::new(&program).arg(self.asked).stdout(Stdio::null()))?;
        Ok(version)
    }

    fn places(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let bin = folder.join("bin");
        (bin.join(self.name), bin.join(format!("{}.version", self.name)))
    }
}
