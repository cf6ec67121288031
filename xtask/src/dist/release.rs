//! Which version of avouch is packed, for which machines, and as of when.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::metadata::{self, Metadata};
use crate::program;

/// What all files of one release have in common.
#[derive(Debug)]
pub(super) struct Release {
    /// The version in the workspace's manifest.
    pub(super) version: String,
    /// The time that stands in all that is made, in seconds: `$SOURCE_DATE_EPOCH`, or that of the last commit.
    pub(super) epoch: u64,
    pub(super) machine: Machine,
    /// The packages of the workspace and of others.
    pub(super) metadata: Metadata,
}

/// A kind of machine, as each trade calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// In the names of our files.
    pub(super) triple: &'static str,
    /// In Debian's.
    pub(super) debian: &'static str,
}

impl Machine {
    fn of(architecture: &str) -> Option<Self> {
        match architecture {
            "x86_64" => Some(Self { triple: "x86_64-linux-gnu", debian: "amd64" }),
            "aarch64" => Some(Self { triple: "aarch64-linux-gnu", debian: "arm64" }),
            _ => None,
        }
    }
}

impl Release {
    /// The release that this tree makes, for machines like this one.
    pub(super) fn of_this_tree() -> Result<Self, Failure> {
        let metadata = Metadata::read()?;
        let version =
            metadata.own().find(|package| package.name == "cli").map(|package| package.version.clone());
        let version = version.ok_or_else(|| Failure::NotUnderstood {
            what: "`cargo metadata`".to_owned(),
            why: "there is no package `cli`".to_owned(),
        })?;
        let machine = Machine::of(env::consts::ARCH).ok_or_else(|| Failure::Unavailable {
            what: "a package".to_owned(),
            why: format!("none is made for `{}` yet", env::consts::ARCH),
        })?;
        Ok(Self { version, epoch: epoch()?, machine, metadata })
    }

    /// The path of a file of this release for one kind of machine, in a folder.
    pub(super) fn name(&self, suffix: &str, folder: &Path) -> PathBuf {
        folder.join(format!("avouch-{}-{}{suffix}", self.version, self.machine.triple))
    }
}

fn epoch() -> Result<u64, Failure> {
    let said = match env::var("SOURCE_DATE_EPOCH") {
        Ok(said) => said,
        Err(_) => {
            let mut git = Command::new("git");
            program::output(git.args(["log", "-1", "--format=%ct"]).current_dir(metadata::root()))?
        }
    };
    said.trim().parse().map_err(|_| Failure::NotUnderstood {
        what: "the time of this release".to_owned(),
        why: format!("`{}` is no number of seconds", said.trim()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_one_that_a_package_is_made_for() {
        assert_eq!(Machine::of("x86_64").map(|machine| machine.debian), Some("amd64"));
        assert_eq!(Machine::of("mips"), None);
    }
}
