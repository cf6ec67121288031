//! Programs written in Python, and vectors that come as such, each in a virtual environment of its own: exact versions,
//! with their hashes.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{copy, link};
use crate::failure::Failure;
use crate::{metadata, program};

const REQUIREMENTS: &str = "requirements.txt";

/// A program and what it is installed from.
pub(super) struct Environment {
    /// Its name in `bin/`, that of the environment's folder, and of the folder with the requirements.
    name: &'static str,
    /// The package, and the program in it, if there is one.
    package: &'static str,
}

/// Tries a server against the document that it publishes of itself.
pub(super) const SCHEMATHESIS: Environment = Environment { name: "schemathesis", package: "schemathesis" };
/// The client of Sigstore in Python, today's.
pub(super) const SIGSTORE: Environment = Environment { name: "sigstore-python", package: "sigstore" };
/// The last one that logs attestations in the way of before.
pub(super) const SIGSTORE_4_2: Environment = Environment { name: "sigstore-python-4.2", package: "sigstore" };
/// PKITS, NIST's test suite for certificate paths, as the authors of `cryptography` hand it on.
pub(super) const PKI_VECTORS: Environment =
    Environment { name: "pki-vectors", package: "cryptography-vectors" };

impl Environment {
    /// Makes sure of `bin/NAME` in `folder`, and returns its version.
    pub(super) fn provide(&self, folder: &Path) -> Result<String, Failure> {
        let (source, here) = (metadata::root().join("xtask/tools").join(self.name), folder.join(self.name));
        let wanted = read(&source.join(REQUIREMENTS))?;
        let is_there = read(&here.join(REQUIREMENTS)).is_ok_and(|installed| installed == wanted);
        if !is_there {
            println!("  installing {} with pip", self.name);
            // Left-overs of an interrupted run; where there are none, there is nothing to remove.
            let _ = fs::remove_dir_all(&here);
            program::run(Command::new("python3").args(["-m", "venv"]).arg(&here))?;
            let mut pip = Command::new(here.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
            let requirements = source.join(REQUIREMENTS);
            program::run(pip.args(["--only-binary", ":all:", "--requirement"]).arg(requirements))?;
            self.link(folder, &here)?;
            // The last step: who finds it finds all of it.
            copy(&source.join(REQUIREMENTS), &here.join(REQUIREMENTS))?;
        }
        let version = wanted.lines().find_map(|line| line.strip_prefix(self.package)?.strip_prefix("=="));
        Ok(version.and_then(|rest| rest.split_whitespace().next()).unwrap_or("unknown version").to_owned())
    }

    /// `bin/NAME`, where tests look for tools.
    fn link(&self, folder: &Path, here: &Path) -> Result<(), Failure> {
        let program = here.join("bin").join(self.package);
        if !program.exists() {
            return Ok(());
        }
        link(folder, self.name, &program)
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })
}
