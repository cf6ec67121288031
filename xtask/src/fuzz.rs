//! `cargo xtask fuzz`: every parser, fed with what nobody would write.

use std::fs;
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
    if !program::answers(cargo_fuzz().arg("--version").current_dir(metadata::root())) {
        program::run(&mut replay())?;
        println!("SKIPPED: fuzzing: it needs a nightly toolchain and cargo-fuzz; the corpora were replayed");
        return Ok(());
    }
    for target in targets()? {
        println!("fuzzing `{target}` for {seconds} s");
        program::run(&mut fuzzing(&target, seconds)?)?;
    }
    Ok(())
}

/// The command that fuzzes one target. What it finds worth keeping goes among the build's output; what deserves to be
/// replayed for ever is moved to `fuzz/corpus/` by hand.
fn fuzzing(target: &str, seconds: u32) -> Result<Command, Failure> {
    let found = metadata::scratch_folder()?.join("corpus").join(target);
    fs::create_dir_all(&found).map_err(|source| Failure::File {
        action: "create",
        path: found.clone(),
        source,
    })?;
    let mut fuzz = cargo_fuzz();
    // Our code is safe Rust, which a sanitizer has nothing to say about.
    fuzz.args(["run", "--sanitizer", "none", "--features", "libfuzzer", target]);
    fuzz.arg(found).arg(format!("fuzz/corpus/{target}")).args(["--", &format!("-max_total_time={seconds}")]);
    fuzz.current_dir(metadata::root());
    Ok(fuzz)
}

/// The command that feeds every target with its corpus, on the stable toolchain.
pub(crate) fn replay() -> Command {
    let mut cargo = program::cargo();
    cargo.args(["test", "--manifest-path", "fuzz/Cargo.toml"]).current_dir(metadata::root());
    cargo
}

/// By its plain name, so that rustup sees `+nightly`.
fn cargo_fuzz() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "fuzz"]).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC");
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
