//! The texts of the repository, as the rules see them.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::program;

/// A file of the repository.
#[derive(Debug)]
pub(super) struct Source {
    /// Its path from the repository's folder, with `/`.
    pub(super) path: String,
    /// What is in it; bytes that are no UTF-8 are replaced.
    pub(super) text: String,
}

/// Everything that is checked in, or would be.
pub(super) fn read_all(root: &Path) -> Result<Vec<Source>, Failure> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let mut sources = Vec::new();
    for path in program::output(&mut git)?.split_terminator('\0') {
        // A file that was deleted and is still in the index has nothing to say.
        if let Ok(bytes) = std::fs::read(root.join(path)) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources.dedup_by(|a, b| a.path == b.path);
    Ok(sources)
}

impl Source {
    /// Is it Rust?
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The room whose shipped code this belongs to, if it does: `crates/ROOM/src/…`.
    pub(super) fn room(&self) -> Option<&str> {
        let (room, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        (rest.starts_with("src/") && self.is_rust() && !is_test_module(rest)).then_some(room)
    }

    /// The lines that are compiled into what ships, with their numbers: no comments, no blank lines, no unit tests.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let tests = (0..lines.len()).find(|&at| begins_unit_tests(&lines[at..])).unwrap_or(lines.len());
        (1..)
            .zip(lines.into_iter().take(tests))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
}

/// Do these lines begin with the unit tests, which close a module: the attribute, others perhaps, and `mod`?
fn begins_unit_tests(lines: &[&str]) -> bool {
    lines.first() == Some(&"#[cfg(test)]")
        && lines.iter().find(|line| !line.starts_with("#[")).is_some_and(|line| line.contains("mod "))
}

fn is_test_module(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn code_is_what_ships() {
        let file =
            source("crates/model/src/a.rs", "//! Doc.\n\nfn a() {} // here\n#[cfg(test)]\nmod tests {}\n");
        assert_eq!(file.code().collect::<Vec<_>>(), [(3, "fn a() {} // here")]);
        let file =
            source("a.rs", "#[cfg(test)]\nuse a;\nfn b() {}\n#[cfg(test)]\n#[allow(c)]\nmod tests {\nx\n}\n");
        assert_eq!(file.code().count(), 3);
    }

    #[test]
    fn a_room_is_known_by_the_path_of_its_shipped_code() {
        assert_eq!(source("crates/model/src/a/b.rs", "").room(), Some("model"));
        for path in ["crates/model/tests/it/main.rs", "crates/model/src/a/tests.rs", "xtask/src/main.rs"] {
            assert_eq!(source(path, "").room(), None, "{path}");
        }
    }
}
