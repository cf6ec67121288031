//! Texts: sizes of files, what a crate says of itself, and words that do not belong in a repository.

use super::Finding;
use super::source::Source;

/// A file of Rust this long wants to be split.
const LINES_WARN: usize = 600;

/// And one this long must be.
const LINES_MAX: usize = 800;

/// Words about somebody's machine or a registry's host: a clone of the repository knows nothing of either. In two
/// halves, because this file is part of the repository as well.
const FOREIGN: [(&str, &str); 9] = [
    ("/wo", "rk/"),
    ("../sha", "red"),
    ("crates", ".io"),
    ("registry.npm", "js.org"),
    ("py", "pi.org"),
    ("deb.deb", "ian.org"),
    ("archive.ubu", "ntu.com"),
    ("proxy.gol", "ang.org"),
    ("nodesou", "rce.com"),
];

/// What may hold them all the same: lists of where crates come from, and the script that knows where vectors lie.
const EXEMPT: [&str; 2] = ["deny.toml", ".ci/run"];
const LOCK: &str = "Cargo.lock";

pub(super) fn judge(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(size(source));
        findings.extend(scope(source, sources));
        findings.extend(foreign_words(source));
    }
    findings
}

fn size(source: &Source) -> Option<Finding> {
    let lines = if source.is_rust() { source.text.lines().count() } else { 0 };
    let path = &source.path;
    match lines {
        _ if lines > LINES_MAX => {
            Some(Finding::broken(format!("{path}: {lines} lines; split it, {LINES_MAX} is the end")))
        }
        _ if lines > LINES_WARN => {
            Some(Finding::warning(format!("{path}: {lines} lines; it wants to be split")))
        }
        _ => None,
    }
}

/// The root of a crate says what belongs in it and what does not.
fn scope(source: &Source, sources: &[Source]) -> Option<Finding> {
    let folder = source.path.strip_suffix("/src/lib.rs").or_else(|| {
        let folder = source.path.strip_suffix("/src/main.rs")?;
        let library = format!("{folder}/src/lib.rs");
        sources.iter().all(|other| other.path != library).then_some(folder)
    })?;
    let missing: Vec<&str> =
        ["In scope", "Out of scope"].into_iter().filter(|words| !source.text.contains(words)).collect();
    (!missing.is_empty()).then(|| {
        Finding::broken(format!("{folder}: the crate's root does not say what is *{}*", missing.join("*, *")))
    })
}

fn foreign_words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if EXEMPT.contains(&source.path.as_str()) || source.path.rsplit('/').next() == Some(LOCK) {
        return findings;
    }
    for (number, line) in (1..).zip(source.text.lines()) {
        for word in FOREIGN.map(|(a, b)| format!("{a}{b}")).iter().filter(|word| line.contains(*word)) {
            let path = &source.path;
            findings.push(Finding::broken(format!(
                "{path}:{number}: `{word}` is of no use to whoever clones this"
            )));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::source::tests::source;
    use super::*;

    const ROOT: &str = "//! **In scope**: a.\n//! **Out of scope**: b.\n";

    fn said(sources: &[Source]) -> Vec<String> {
        judge(sources).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn long_files_are_warned_of_and_very_long_ones_refused() {
        let long = |lines| source("crates/a/src/b.rs", &"x\n".repeat(lines));
        assert_eq!(said(&[long(600)]), [""; 0]);
        assert!(said(&[long(601)])[0].starts_with("warning"));
        assert!(said(&[long(801)])[0].starts_with("broken"));
    }

    #[test]
    fn a_crate_says_what_it_is_for_in_its_root() {
        assert!(said(&[source("crates/a/src/lib.rs", "//! In scope: all.")])[0].contains("*Out of scope*"));
        let both = [source("crates/a/src/lib.rs", ROOT), source("crates/a/src/main.rs", "fn main() {}")];
        assert_eq!(said(&both), [""; 0]);
        assert_eq!(said(&[source("crates/a/src/main.rs", "fn main() {}")]).len(), 1);
    }

    #[test]
    fn foreign_words_are_found_with_their_line() {
        let word = format!("a\nsee {}", FOREIGN.map(|(a, b)| format!("{a}{b}"))[0]);
        assert!(said(&[source("docs/a.md", &word)])[0].starts_with("broken: docs/a.md:2:"));
        assert_eq!(said(&[source("Cargo.lock", &word)]), [""; 0]);
    }
}
