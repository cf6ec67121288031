//! `cargo xtask fuzz`: every parser, fed with what nobody would write.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use crate::failure::Failure;
use crate::{metadata, program};

const USAGE: &str = "usage: cargo xtask fuzz [--install] [--seconds N]";

const SECONDS: u32 = 15;

/// One input may take that long, and all together that much memory.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"];

/// Of what is told of a target that failed, the last lines.
const TOLD_LINES: usize = 40;

/// What may be done about tools that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Install,
    GoWithout,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let (missing, rest) = match arguments {
        ["--install", rest @ ..] => (Missing::Install, rest),
        rest => (Missing::GoWithout, rest),
    };
    let seconds = match rest {
        [] => SECONDS,
        ["--seconds", number] => number
            .parse()
            .map_err(|_| Failure::Usage { said: format!("`{number}` is no number of seconds") })?,
        _ => return Err(Failure::Usage { said: USAGE.to_owned() }),
    };
    if !is_there(missing) {
        program::run(&mut replay())?;
        println!("SKIPPED: fuzzing: it needs a nightly toolchain and cargo-fuzz; the corpora were replayed");
        return Ok(());
    }
    fuzz_all(&targets()?, seconds)
}

/// Are a nightly compiler and cargo-fuzz here, by now?
fn is_there(missing: Missing) -> bool {
    let answers = || program::answers(cargo_fuzz().arg("--version").current_dir(metadata::root()));
    if answers() || missing == Missing::GoWithout {
        return answers();
    }
    let mut nightly = Command::new("rustup");
    nightly.args(["toolchain", "install", "nightly", "--profile", "minimal"]);
    let mut tool = program::cargo();
    tool.args(["install", "cargo-fuzz", "--locked"]);
    program::run(&mut nightly).and_then(|()| program::run(&mut tool)).is_ok() && answers()
}

/// Builds all targets, and runs as many at once as there are processors.
fn fuzz_all(targets: &[String], seconds: u32) -> Result<(), Failure> {
    let mut build = cargo_fuzz();
    program::run(build.arg("build").args(BUILD).current_dir(metadata::root()))?;
    let width = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut failed = Vec::new();
    for batch in targets.chunks(width) {
        let started: Vec<Fuzzed<'_>> =
            batch.iter().map(|target| Fuzzed::start(target, seconds)).collect::<Result<_, _>>()?;
        for fuzzed in started {
            failed.extend(fuzzed.finish()?.err());
        }
    }
    println!("{} targets fuzzed for {seconds} s each, {} failed", targets.len(), failed.len());
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// Our code is safe Rust, which a sanitizer has nothing to say about.
const BUILD: [&str; 4] = ["--sanitizer", "none", "--features", "libfuzzer"];

/// A target that is being fuzzed.
struct Fuzzed<'a> {
    target: &'a str,
    command: String,
    child: Child,
    told: PathBuf,
}

impl<'a> Fuzzed<'a> {
    /// What is found worth keeping goes among the build's output; what deserves to be replayed for ever is moved to
    /// `fuzz/corpus/` by hand.
    fn start(target: &'a str, seconds: u32) -> Result<Self, Failure> {
        let folder = metadata::scratch_folder()?;
        let found = folder.join("corpus").join(target);
        fs::create_dir_all(&found).map_err(|source| failed("create", &found, source))?;
        let told = folder.join(format!("fuzz-{target}.txt"));
        let file = File::create(&told).map_err(|source| failed("create", &told, source))?;
        let mut fuzz = cargo_fuzz();
        fuzz.arg("run").args(BUILD).arg(target).arg(found).arg(format!("fuzz/corpus/{target}"));
        fuzz.args(["--", &format!("-max_total_time={seconds}")]).args(LIMITS);
        fuzz.current_dir(metadata::root()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = fuzz.spawn().map_err(|source| program::not_started(&fuzz, source))?;
        Ok(Self { target, command: format!("cargo +nightly fuzz run {target}"), child, told })
    }

    /// Waits, and prints one line, or the end of what was told of a failure.
    fn finish(mut self) -> Result<Result<(), Failure>, Failure> {
        let status: ExitStatus = self
            .child
            .wait()
            .map_err(|source| Failure::NotStarted { program: self.command.clone(), source })?;
        let told = fs::read(&self.told).map_err(|source| failed("read", &self.told, source))?;
        let told = String::from_utf8_lossy(&told);
        println!("{}", summary(self.target, status.success(), &told));
        if status.success() {
            return Ok(Ok(()));
        }
        let lines: Vec<&str> = told.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(TOLD_LINES)) {
            println!("    {line}");
        }
        Ok(Err(Failure::Unsuccessful { command: self.command, status: status.to_string() }))
    }
}

/// One line for one target, from what libFuzzer tells.
fn summary(target: &str, succeeded: bool, told: &str) -> String {
    let after = |label: &str| {
        let last = told.rsplit_once(label).map(|(_, rest)| rest);
        last.and_then(|rest| rest.split_whitespace().next()).unwrap_or("?").to_owned()
    };
    let (inputs, edges) = (after("stat::number_of_executed_units:"), after("cov:"));
    let verdict = if succeeded { "held" } else { "FAILED" };
    format!("fuzzed {target:<20} {inputs:>10} inputs {edges:>7} edges  {verdict}")
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Failure {
    Failure::File { action, path: path.to_owned(), source }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_summed_up_in_one_line() {
        let told =
            "#8\tINITED cov: 12 ft: 13\n#99\tDONE   cov: 345 ft: 400\nstat::number_of_executed_units: 99\n";
        assert_eq!(
            summary("cms", true, told),
            "fuzzed cms                          99 inputs     345 edges  held"
        );
        assert!(summary("cms", false, "").ends_with("? inputs       ? edges  FAILED"));
    }
}
