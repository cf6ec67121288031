//! What cargo knows of the workspace, as far as the chores ask.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::Failure;
use crate::program;

/// The packages, and how they hang together.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: Vec<String>,
    pub(crate) target_directory: PathBuf,
}

/// One package.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest states it.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    pub(crate) path: Option<PathBuf>,
}

/// What a dependency is for. In cargo's JSON the normal kind is `null`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Normal,
    Dev,
    Build,
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
            Some("dev") => Self::Dev,
            Some("build") => Self::Build,
            _ => Self::Normal,
        })
    }
}

/// Which platform's dependencies are looked at: the one that is shipped first, so that golden files agree everywhere.
pub(crate) const PLATFORM: &str = "x86_64-unknown-linux-gnu";

impl Metadata {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self, Failure> {
        Self::ask(&[])
    }

    fn ask(arguments: &[&str]) -> Result<Self, Failure> {
        let mut cargo = program::cargo();
        cargo.args(["metadata", "--format-version", "1"]).args(arguments).current_dir(root());
        serde_json::from_str(&program::output(&mut cargo)?).map_err(|why| Failure::NotUnderstood {
            what: "`cargo metadata`".to_owned(),
            why: why.to_string(),
        })
    }

    /// The package that one line of [`tree`] is about.
    pub(crate) fn package(&self, line: &str) -> Option<&Package> {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split_whitespace().next()?;
        self.packages.iter().find(|package| package.name == name && package.version == version)
    }

    /// The workspace's own packages.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

/// What is compiled in, one package a line: `NAME vVERSION`, then the folder in parentheses for our own.
///
/// Cargo's metadata would name optional packages as well that no feature turns on.
pub(crate) fn tree(arguments: &[&str]) -> Result<String, Failure> {
    let mut cargo = program::cargo();
    cargo.args(["tree", "--target", PLATFORM, "--prefix", "none", "--format", "{p}"]).args(arguments);
    program::output(cargo.current_dir(root()))
}

/// The repository's folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A folder among the build's output for what passes between a chore and the tests that it runs.
pub(crate) fn scratch_folder() -> Result<PathBuf, Failure> {
    let folder = Metadata::ask(&["--no-deps"])?.target_directory.join("xtask");
    fs::create_dir_all(&folder).map_err(|source| Failure::File {
        action: "create",
        path: folder.clone(),
        source,
    })?;
    Ok(folder)
}
