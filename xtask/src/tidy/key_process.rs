//! What the key process's own executable is made of. Whoever reviews it reads this much.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::source::Source;
use super::{Finding, KEY_PROCESS_GOLDEN};
use crate::failure::Failure;
use crate::metadata;

/// The room that builds it.
const ROOM: &str = "signerd";

/// Our own lines may drift by this share of what the golden file says before it has to be written anew.
const DRIFT_PERCENT: usize = 10;

/// Everything that is linked into the key process's executable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Our rooms, with the lines of each that are code.
    own: BTreeMap<String, usize>,
    /// Crates of others.
    foreign: BTreeSet<String>,
}

/// Asks cargo what is linked, and counts.
pub(super) fn weigh(sources: &[Source]) -> Result<Weight, Failure> {
    let tree = metadata::tree(&["--package", ROOM, "--edges", "normal,no-proc-macro"])?;
    Ok(Weight::of(&tree, sources))
}

impl Weight {
    /// From cargo's tree, one crate a line: `NAME vVERSION`, and for our own ones the folder in parentheses.
    fn of(tree: &str, sources: &[Source]) -> Self {
        let mut weight = Self::default();
        for line in tree.lines() {
            let line = line.trim_end_matches(" (*)");
            let Some(name) = line.split_whitespace().next() else { continue };
            if line.contains('(') {
                let lines =
                    sources.iter().filter(|source| source.room() == Some(name)).map(|s| s.code().count());
                weight.own.insert(name.to_owned(), lines.sum());
            } else {
                weight.foreign.insert(name.to_owned());
            }
        }
        weight
    }

    fn lines(&self) -> usize {
        self.own.values().sum()
    }

    fn crates(&self) -> BTreeSet<&str> {
        self.own.keys().chain(&self.foreign).map(String::as_str).collect()
    }

    /// The golden file of this.
    pub(super) fn golden(&self) -> String {
        let mut text = format!(
            "# What is linked into `avouch-signerd`. Made by `cargo xtask tidy --bless`: a new crate here is more to trust.\n\
             lines {}\n",
            self.lines()
        );
        for name in self.crates() {
            text.push_str(&format!("crate {name}\n"));
        }
        text
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rooms: Vec<String> = self.own.iter().map(|(room, lines)| format!("{room} {lines}")).collect();
        writeln!(f, "the key process: {} lines of ours ({})", self.lines(), rooms.join(", "))?;
        let foreign: Vec<&str> = self.foreign.iter().map(String::as_str).collect();
        write!(f, "                 {} crates of others ({})", foreign.len(), foreign.join(", "))
    }
}

/// Holds the weight to the golden file: crates exactly, lines within a tenth.
pub(super) fn judge(weight: &Weight, golden: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let known: BTreeSet<&str> = golden.lines().filter_map(|line| line.strip_prefix("crate ")).collect();
    let here = weight.crates();
    for name in here.difference(&known) {
        findings.push(Finding::broken(format!(
            "the key process links `{name}`, which is not in {KEY_PROCESS_GOLDEN}; if it must, run `cargo xtask tidy --bless` and say why in the commit"
        )));
    }
    for name in known.difference(&here) {
        findings.push(Finding::broken(format!(
            "the key process no longer links `{name}`; run `cargo xtask tidy --bless`"
        )));
    }
    let golden_lines: usize =
        golden.lines().find_map(|line| line.strip_prefix("lines ")?.parse().ok()).unwrap_or_default();
    let lines = weight.lines();
    if lines.abs_diff(golden_lines) * 100 > golden_lines * DRIFT_PERCENT {
        findings.push(Finding::broken(format!(
            "the key process has {lines} lines of ours where {KEY_PROCESS_GOLDEN} says {golden_lines}; run `cargo xtask tidy --bless`"
        )));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::source::tests::source;
    use super::*;

    fn weight(lines: usize) -> Weight {
        let tree = "signerd v0.1.0 (/a/crates/signerd)\nmodel v0.1.0 (/a/crates/model)\nserde v1.0.0\nserde v1.0.0 (*)\n";
        Weight::of(
            tree,
            &[source("crates/model/src/lib.rs", &"x\n".repeat(lines)), source("crates/api/src/lib.rs", "x")],
        )
    }

    #[test]
    fn our_lines_and_the_crates_of_others_are_counted_once() {
        let weight = weight(100);
        assert_eq!(weight.lines(), 100);
        assert_eq!(weight.crates(), BTreeSet::from(["model", "serde", "signerd"]));
        assert_eq!(judge(&weight, &weight.golden()), []);
    }

    #[test]
    fn a_tenth_more_is_drift_and_more_than_that_is_a_finding() {
        let golden = weight(100).golden();
        assert_eq!(judge(&weight(110), &golden), []);
        assert_eq!(judge(&weight(111), &golden).len(), 1);
        assert_eq!(judge(&weight(89), &golden).len(), 1);
    }

    #[test]
    fn a_new_crate_is_a_finding_and_so_is_one_that_is_gone() {
        let golden = weight(100).golden();
        assert!(judge(&weight(100), &golden.replace("crate serde\n", ""))[0].text.contains("links `serde`"));
        assert!(judge(&weight(100), &(golden + "crate ring\n"))[0].text.contains("no longer links `ring`"));
    }
}
