//! `cargo xtask bench` and `cargo xtask hammer`: the release build of avouch, measured and hammered by the program in
//! `bench/`, which knows its own arguments.

use std::process::Command;

use crate::failure::Failure;
use crate::{metadata, program};

/// Measures the rows that are named, or all.
pub(crate) fn rows(arguments: &[&str]) -> Result<(), Failure> {
    run(&[], arguments)
}

/// Loads a platform and checks what comes back.
pub(crate) fn hammer(arguments: &[&str]) -> Result<(), Failure> {
    run(&["hammer"], arguments)
}

fn run(verb: &[&str], arguments: &[&str]) -> Result<(), Failure> {
    let root = metadata::root();
    // Named one by one: `--bin` leaves out the programs of every other package.
    let built = ["build", "--quiet", "--release", "--package", "cli", "--package", "bench"];
    let built = built.into_iter().chain(["--bin", "avouch", "--bin", "bench"]);
    program::run(program::cargo().args(built).current_dir(root))?;
    let folder = metadata::Metadata::read()?.target_directory.join("release");
    let mut command = Command::new(folder.join("bench"));
    command.args(verb).arg("--avouch").arg(folder.join("avouch")).args(arguments).current_dir(root);
    program::run(&mut command)
}
