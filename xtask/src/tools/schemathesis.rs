//! schemathesis, in a virtual environment of its own: exact versions, with their hashes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{copy, create};
use crate::failure::Failure;
use crate::{metadata, program};

const REQUIREMENTS: &str = "requirements.txt";

/// Makes sure of `bin/schemathesis` in `folder`, and returns its version.
pub(super) fn provide(folder: &Path) -> Result<String, Failure> {
    let (source, here) = (metadata::root().join("xtask/tools/schemathesis"), folder.join("schemathesis"));
    let wanted = read(&source.join(REQUIREMENTS))?;
    let is_there = read(&here.join(REQUIREMENTS)).is_ok_and(|installed| installed == wanted);
    if !is_there {
        println!("  installing schemathesis with pip");
        // Left-overs of an interrupted run; where there are none, there is nothing to remove.
        let _ = fs::remove_dir_all(&here);
        program::run(Command::new("python3").args(["-m", "venv"]).arg(&here))?;
        let mut pip = Command::new(here.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        program::run(pip.args(["--only-binary", ":all:", "--requirement"]).arg(source.join(REQUIREMENTS)))?;
        link(folder, &here)?;
        // The last step: who finds it finds all of it.
        copy(&source.join(REQUIREMENTS), &here.join(REQUIREMENTS))?;
    }
    let version = wanted.lines().find_map(|line| line.strip_prefix("schemathesis=="));
    Ok(version.and_then(|rest| rest.split_whitespace().next()).unwrap_or("unknown version").to_owned())
}

/// `bin/schemathesis`, where tests look for tools.
fn link(folder: &Path, here: &Path) -> Result<(), Failure> {
    create(&folder.join("bin"))?;
    let path = folder.join("bin/schemathesis");
    let _ = fs::remove_file(&path);
    symlink(here.join("bin/schemathesis"), &path).map_err(|source| Failure::File {
        action: "link",
        path,
        source,
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })
}
