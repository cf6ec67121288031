//! The executables: built for release, then stripped.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::release::Release;
use super::tree;
use crate::failure::Failure;
use crate::{metadata, program};

/// The executables, without symbols.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) avouch: PathBuf,
    pub(super) signerd: PathBuf,
}

impl Built {
    /// Each with the package that it is built from.
    pub(super) fn each(&self) -> [(&'static str, &'static str, &Path); 2] {
        [("avouch", "cli", &self.avouch), ("avouch-signerd", "signerd", &self.signerd)]
    }
}

/// Builds both as `Cargo.lock` says, and leaves stripped copies in a folder.
pub(super) fn executables(release: &Release, stage: &Path) -> Result<Built, Failure> {
    let mut cargo = program::cargo();
    cargo.args(["build", "--release", "--locked", "--bins", "--package", "cli", "--package", "signerd"]);
    println!("building avouch {} for release: this takes minutes", release.version);
    // No date goes into what is compiled, and C libraries would be compiled anew for each.
    program::run(cargo.env_remove("SOURCE_DATE_EPOCH").current_dir(metadata::root()))?;
    let folder = release.metadata.target_directory.join("release");
    let stripped = stage.join("bin");
    tree::create(&stripped)?;
    let strip = |name: &str| {
        let to = stripped.join(name);
        let mut strip = Command::new("strip");
        strip.args(["--remove-section=.comment", "-o"]).arg(&to).arg(folder.join(name));
        program::run(&mut strip).map(|()| to)
    };
    Ok(Built { avouch: strip("avouch")?, signerd: strip("avouch-signerd")? })
}
