//! `cargo xtask fuzz`: every parser, fed with what nobody would write.

use std::process::Command;

use crate::failure::Failure;
use crate::{metadata, program};

const SECONDS: u32 = 15;

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let seconds = match arguments {
        [] => SECONDS,
        ["--seconds", number] => number
            .parse()
            .map_err(|_| Failure::Usage { said: format!("`{number}` is no number of seconds") })?,
        _ => return Err(Failure::Usage { said: "usage: cargo xtask fuzz [--seconds N]".to_owned() }),
    };
    program::run(&mut replay())?;
    if !program::answers(cargo_fuzz(&["--version"]).current_dir(metadata::root())) {
        println!("SKIPPED: fuzzing: it needs a nightly toolchain and cargo-fuzz; the corpora were replayed");
        return Ok(());
    }
    for target in targets()? {
        println!("fuzzing `{target}` for {seconds} s");
        let limit = format!("-max_total_time={seconds}");
        let mut fuzz = cargo_fuzz(&["run", "--features", "libfuzzer", &target, "--", &limit]);
        program::run(fuzz.current_dir(metadata::root()))?;
    }
    Ok(())
}

/// The command that feeds every target with its corpus, on the stable toolchain.
pub(crate) fn replay() -> Command {
    let mut cargo = program::cargo();
    cargo.args(["test", "--manifest-path", "fuzz/Cargo.toml"]).current_dir(metadata::root());
    cargo
}

/// By its plain name, so that rustup sees `+nightly`.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", "fuzz"])
        .args(arguments)
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTDOC");
    cargo
}

fn targets() -> Result<Vec<String>, Failure> {
    let folder = metadata::root().join("fuzz/fuzz_targets");
    let entries =
        folder.read_dir().map_err(|source| Failure::File { action: "list", path: folder.clone(), source })?;
    let mut targets: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned())).collect();
    targets.sort();
    Ok(targets)
}
