//! `cargo xtask sim --planted`: one bug for each invariant, planted into a copy of the sources. A rehearsal that does
//! not find it would not find a real one either.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::{metadata, program};

/// In so many seeds each must be found.
const SEEDS: &str = "1000";

/// The last invariant there is.
const INVARIANT_MAX: u8 = 13;

/// A bug that waits to be planted.
#[derive(Debug, PartialEq, Eq)]
struct Planted {
    invariant: u8,
    name: String,
    patch: PathBuf,
}

/// What became of it.
enum Fate {
    Found(String),
    NotFound,
    DoesNotRun,
    DoesNotApply,
    DoesNotBuild,
}

pub(super) fn run(chosen: &[&str]) -> Result<(), Failure> {
    let all = list()?;
    let missing = missing(&all);
    let place = metadata::scratch_folder()?.join("planted");
    let copy = Copy { sources: place.join("sources"), target: place.join("target") };
    let mut lines = vec![format!("{:<10} {:<36} found by", "invariant", "planted")];
    let mut failed = missing.len();
    for planted in all {
        if !chosen.is_empty() && !chosen.contains(&planted.invariant.to_string().as_str()) {
            continue;
        }
        let fate = copy.try_out(&planted)?;
        failed += usize::from(!matches!(fate, Fate::Found(_)));
        let line = format!("{:<10} {:<36} {}", planted.invariant, planted.name, told(&fate));
        eprintln!("{line}");
        lines.push(line);
    }
    lines.extend(missing.iter().map(|invariant| format!("{invariant:<10} nothing is planted for it")));
    println!("{}", lines.join("\n"));
    if failed == 0 { Ok(()) } else { Err(Failure::Unfound { count: failed }) }
}

fn told(fate: &Fate) -> String {
    match fate {
        Fate::Found(seed) => format!("seed {seed}"),
        Fate::NotFound => format!("NOT FOUND in {SEEDS} seeds"),
        Fate::DoesNotRun => {
            "THE REHEARSAL STOPS before it finds anything: plant a bug that lets it begin".to_owned()
        }
        Fate::DoesNotApply => "THE PATCH DOES NOT APPLY any more: plant the bug anew".to_owned(),
        Fate::DoesNotBuild => "DOES NOT BUILD".to_owned(),
    }
}

/// The patches of `sim/planted`, named `NN-what-it-breaks.patch`.
fn list() -> Result<Vec<Planted>, Failure> {
    let folder = metadata::root().join("sim/planted");
    let entries = folder.read_dir().map_err(|source| file("list", &folder, source))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "patch"))
        .map(|path| {
            Planted::from_path(&path).ok_or_else(|| Failure::NotUnderstood {
                what: format!("`{}`", path.display()),
                why: "a planted bug is named NN-what-it-breaks.patch, by its invariant".to_owned(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| a.patch.cmp(&b.patch));
    Ok(all)
}

fn missing(all: &[Planted]) -> Vec<u8> {
    let is_there = |invariant: &u8| all.iter().any(|planted| planted.invariant == *invariant);
    (1..=INVARIANT_MAX).filter(|invariant| !is_there(invariant)).collect()
}

impl Planted {
    fn from_path(path: &Path) -> Option<Self> {
        let (number, name) = path.file_stem()?.to_str()?.split_once('-')?;
        let invariant = number.parse().ok().filter(|number| (1..=INVARIANT_MAX).contains(number))?;
        Some(Self { invariant, name: name.replace('-', " "), patch: path.to_owned() })
    }
}

/// A copy of the sources, with a target folder of its own: in one folder cargo would take one for the other.
struct Copy {
    sources: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn try_out(&self, planted: &Planted) -> Result<Fate, Failure> {
        self.refresh()?;
        // Git looks for no repository around the copy, or it would take the paths as that one's.
        let mut git = Command::new("git");
        git.args(["apply", "--whitespace=nowarn"]).arg(&planted.patch).current_dir(&self.sources);
        git.env("GIT_CEILING_DIRECTORIES", self.sources.parent().unwrap_or(&self.sources));
        if !is_success(&mut git, Loud::Never)? {
            return Ok(Fate::DoesNotApply);
        }
        // Optimised, and not at length: each of these programs runs once.
        let mut cargo = program::cargo();
        cargo.args(["build", "--quiet", "--release", "--package", "sim"]).current_dir(&self.sources);
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo.env("CARGO_INCREMENTAL", "1");
        if !is_success(&mut cargo, Loud::OnFailure)? {
            return Ok(Fate::DoesNotBuild);
        }
        self.rehearse(planted)
    }

    fn rehearse(&self, planted: &Planted) -> Result<Fate, Failure> {
        let mut sim = Command::new(self.target.join("release/sim"));
        sim.args(["--seeds", SEEDS, "--find", &planted.invariant.to_string()]);
        let output = sim.output().map_err(|source| program::not_started(&sim, source))?;
        Ok(match output.status.code() {
            Some(0) => Fate::Found(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Some(1) => Fate::NotFound,
            // It panicked: what is planted broke more than what is looked for.
            _ => Fate::DoesNotRun,
        })
    }

    /// Makes the copy what the sources are. A file that is the same keeps its time, so that cargo builds what changed.
    fn refresh(&self) -> Result<(), Failure> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names = program::output(git.current_dir(metadata::root()))?;
        for name in names.split_terminator('\0') {
            let (from, to) = (metadata::root().join(name), self.sources.join(name));
            // What is deleted and not committed yet is listed all the same.
            let Ok(bytes) = fs::read(&from) else { continue };
            if fs::read(&to).is_ok_and(|present| present == bytes) {
                continue;
            }
            let folder = to.parent().unwrap_or(&self.sources);
            fs::create_dir_all(folder).map_err(|source| file("create", folder, source))?;
            fs::write(&to, bytes).map_err(|source| file("write", &to, source))?;
        }
        Ok(())
    }
}

/// Is what a program says passed on? A planted bug makes the compiler warn, which tells nobody anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loud {
    Never,
    OnFailure,
}

fn is_success(command: &mut Command, loud: Loud) -> Result<bool, Failure> {
    let output = command.output().map_err(|source| program::not_started(command, source))?;
    if !output.status.success() && loud == Loud::OnFailure {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}

fn file(action: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_named_by_its_invariant_and_by_what_it_does() {
        let planted = Planted::from_path(Path::new("sim/planted/03-the-requester-counts.patch"));
        let planted = planted.expect("a name as it should be");
        assert_eq!((planted.invariant, planted.name.as_str()), (3, "the requester counts"));
        for name in ["14-too-many.patch", "0-none.patch", "some.patch"] {
            assert_eq!(Planted::from_path(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn every_invariant_that_can_be_broken_here_has_a_planted_bug() {
        let all = list().expect("sim/planted is part of the repository");
        assert_eq!(missing(&all), Vec::<u8>::new());
    }
}
