//! `cargo xtask check`: what must hold besides the tests.

use crate::failure::Failure;
use crate::{metadata, program, tidy};

pub(crate) fn run() -> Result<(), Failure> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["clippy", "--manifest-path", "fuzz/Cargo.toml", "--all-targets", "--", "-D", "warnings"])?;
    tidy::run(&[])?;
    if program::find("cargo-deny").is_some() {
        return cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]);
    }
    println!(
        "cargo-deny is not installed; `tidy` has held the crates to deny.toml's bans, licences and sources."
    );
    Ok(())
}

fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    println!("cargo {}", arguments.join(" "));
    program::run(program::cargo().args(arguments).current_dir(metadata::root()))
}
