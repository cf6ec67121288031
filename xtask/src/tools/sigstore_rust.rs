//! The Rust client of Sigstore: crates of exact versions, and a program of one page around them.

use std::fs;
use std::path::Path;

use super::{copy, create, write};
use crate::failure::Failure;
use crate::{metadata, program};

const LOCK: &str = "Cargo.lock";
/// What it is made of: where none of it changed, it is not built again.
const SOURCES: [&str; 3] = [LOCK, "Cargo.toml", "src/main.rs"];

/// Makes sure of `bin/sigstore-rust` in `folder`, and returns the version of the crates.
pub(super) fn provide(folder: &Path) -> Result<String, Failure> {
    create(&folder.join("bin"))?;
    let (source, here) = (metadata::root().join("xtask/tools/sigstore-rust"), folder.join("sigstore-rust"));
    let is_same = |file: &&str| {
        read(&here.join(file)).is_ok_and(|had| read(&source.join(file)).is_ok_and(|now| now == had))
    };
    let lock = read(&source.join(LOCK))?;
    let version = lock.split("name = \"sigstore-verify\"\nversion = \"").nth(1);
    let version = version.and_then(|rest| rest.split('"').next()).unwrap_or("unknown version");
    if !SOURCES.iter().all(is_same) {
        println!("  building sigstore-rust, which takes some minutes");
        // It does not know the version of its crates.
        write(&folder.join("bin/sigstore-rust.version"), version)?;
        build(&source, folder, &here)?;
    }
    Ok(version.to_owned())
}

fn build(source: &Path, folder: &Path, here: &Path) -> Result<(), Failure> {
    let target = here.join("target");
    create(&here.join("src"))?;
    let mut cargo = program::cargo();
    cargo.args(["build", "--quiet", "--locked"]).current_dir(source).env("CARGO_TARGET_DIR", &target);
    program::run(&mut cargo)?;
    copy(&target.join("debug/avouch-interop-sigstore-rust"), &folder.join("bin/sigstore-rust"))?;
    let _ = fs::remove_dir_all(target);
    // The last step: who finds them finds the program.
    SOURCES.iter().try_for_each(|file| copy(&source.join(file), &here.join(file)))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })
}
