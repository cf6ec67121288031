//! Skips: what was not tested, why, and whether that is allowed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::metadata;

/// The environment variable that names the file to which tests append their skips, one JSON object a line.
pub(crate) const VARIABLE: &str = "AVOUCH_SKIPS";

/// The skips of one run, in a file that every test process appends to.
pub(crate) struct Skips {
    path: PathBuf,
}

/// Does a skip fail the run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// A skip is printed, and that is all.
    Lenient,
    /// A skip must be one that `xtask/skips.toml` allows.
    Strict,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Skip {
    what: String,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowances {
    allowed: Vec<Skip>,
}

impl Skips {
    /// An empty list.
    pub(crate) fn begin() -> Result<Self, Failure> {
        let path = metadata::scratch_folder()?.join("skips.jsonl");
        fs::write(&path, "").map_err(|source| Failure::File {
            action: "write",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one.
    pub(crate) fn add(&self, what: &str, why: &str) -> Result<(), Failure> {
        let mut list = self.read()?;
        list.push(Skip { what: what.to_owned(), why: why.to_owned() });
        let lines: Vec<String> = list.iter().filter_map(|skip| serde_json::to_string(skip).ok()).collect();
        fs::write(&self.path, lines.join("\n") + "\n").map_err(|source| Failure::File {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }

    /// Prints each skip with its reason; fails on those that are not allowed, if it is to be strict.
    pub(crate) fn judge(&self, strictness: Strictness) -> Result<(), Failure> {
        let mut counted: BTreeMap<Skip, usize> = BTreeMap::new();
        for skip in self.read()? {
            *counted.entry(skip).or_default() += 1;
        }
        if counted.is_empty() {
            println!("\nNothing was skipped.");
            return Ok(());
        }
        println!("\nSkipped:");
        for (Skip { what, why }, times) in &counted {
            println!("  SKIPPED: {what}: {why} ({times} ×)");
        }
        let refused = refused(counted.keys(), &allowances()?);
        match strictness {
            Strictness::Strict if !refused.is_empty() => Err(Failure::Skipped { what: refused }),
            _ => Ok(()),
        }
    }

    fn read(&self) -> Result<Vec<Skip>, Failure> {
        let text = fs::read_to_string(&self.path).map_err(|source| Failure::File {
            action: "read",
            path: self.path.clone(),
            source,
        })?;
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|why| {
            Failure::NotUnderstood { what: "the list of skips".to_owned(), why: why.to_string() }
        })
    }
}

fn allowances() -> Result<Vec<Skip>, Failure> {
    let path = metadata::root().join("xtask/skips.toml");
    let text = fs::read_to_string(&path).map_err(|source| Failure::File {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let allowances: Allowances = toml::from_str(&text).map_err(|why| Failure::NotUnderstood {
        what: format!("`{}`", path.display()),
        why: why.to_string(),
    })?;
    Ok(allowances.allowed)
}

fn refused<'a>(skips: impl Iterator<Item = &'a Skip>, allowed: &[Skip]) -> Vec<String> {
    let mut refused: Vec<String> = skips
        .filter(|skip| allowed.iter().all(|a| a.what != skip.what))
        .map(|skip| skip.what.clone())
        .collect();
    refused.dedup();
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(what: &str) -> Skip {
        Skip { what: what.to_owned(), why: "because".to_owned() }
    }

    #[test]
    fn a_skip_that_is_not_allowed_is_named_once() {
        let skips = [skip("cosign"), skip("cosign"), skip("vectors")];
        assert_eq!(refused(skips.iter(), &[skip("vectors")]), ["cosign"]);
    }

    #[test]
    fn the_allowances_are_read_and_each_has_a_reason() {
        let allowed = allowances().expect("xtask/skips.toml is part of the repository");
        assert!(allowed.iter().any(|a| a.what == "vectors"));
        assert!(allowed.iter().all(|a| a.why.len() > 20), "a reason is a sentence");
    }
}
