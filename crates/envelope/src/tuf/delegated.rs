//! Delegations: who else than the targets' own keys names files, and which.

use model::Digest;
use serde::Deserialize;

use super::open::{Keyring, Signers};

/// Who else names files: roles by name, in the order in which they are asked.
#[derive(Debug, Clone, Deserialize)]
pub struct Delegations {
    /// Their keys.
    pub keys: Keyring,
    /// The roles.
    #[serde(default)]
    pub roles: Vec<DelegatedRole>,
}

/// Somebody who names files below some paths.
#[derive(Debug, Clone, Deserialize)]
pub struct DelegatedRole {
    /// Its name.
    pub name: String,
    /// Who signs for it.
    #[serde(flatten)]
    pub signers: Signers,
    /// Is nobody asked after it?
    pub terminating: bool,
    paths: Option<Vec<String>>,
    path_hash_prefixes: Option<Vec<String>>,
}

impl DelegatedRole {
    /// May it name a file of this path?
    pub fn covers(&self, path: &str) -> bool {
        if let Some(prefixes) = &self.path_hash_prefixes {
            let digest = Digest::of(path.as_bytes()).to_string();
            return prefixes.iter().any(|prefix| digest.starts_with(prefix.as_str()));
        }
        self.paths.iter().flatten().any(|pattern| fits(pattern, path))
    }
}

/// Does a path fit a pattern of shells, part by part? `*` stands for any characters, `?` for one.
fn fits(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    patterns.len() == parts.len()
        && patterns.iter().zip(parts).all(|(pattern, part)| part_fits(pattern, part))
}

fn part_fits(pattern: &str, part: &str) -> bool {
    let (pattern, part): (Vec<char>, Vec<char>) = (pattern.chars().collect(), part.chars().collect());
    let (mut at, mut to) = (0, 0);
    // Where the last star stood, and how much it took so far.
    let mut star: Option<(usize, usize)> = None;
    while to < part.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, to));
                at += 1;
            }
            Some(one) if *one == '?' || *one == part[to] => {
                (at, to) = (at + 1, to + 1);
            }
            _ => {
                let Some((stood, taken)) = star else { return false };
                star = Some((stood, taken + 1));
                (at, to) = (stood + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_part_by_part() {
        for (pattern, path, expected) in [
            ("*", "a", true),
            ("*", "a/b", false),
            ("*/*", "a/b", true),
            ("foo-?.tgz", "foo-1.tgz", true),
            ("foo-?.tgz", "foo-alpha.tgz", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("releases/x/*", "releases/x/x_v1", true),
            ("*.md", "README.MD", false),
            ("a", "", false),
            ("**", "", true),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }
}
