//! `cargo xtask bench`, `hammer` and `siege`: the release build of avouch, measured and hammered by the program in `bench/`,
//! which knows its own arguments; and besieged by a measurement that stands among the server's tests.

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

/// The measurement among the server's tests that is none itself.
const SIEGE: &str = "how_long_honest_clients_wait_while_others_attack";

/// Measures honest clients while others attack, and prints the table of docs/measured/edge.md.
pub(crate) fn siege() -> Result<(), Failure> {
    let mut command = program::cargo();
    command.args(["test", "--quiet", "--release", "--package", "server", "--test", "it", "--"]);
    command.args(["--ignored", "--nocapture", SIEGE]).current_dir(metadata::root());
    program::run(&mut command)
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
