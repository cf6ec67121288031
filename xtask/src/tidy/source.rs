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
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let code = self.text.get(..end).unwrap_or_default();
        (1..).zip(code.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
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
    }

    #[test]
    fn a_room_is_known_by_the_path_of_its_shipped_code() {
        assert_eq!(source("crates/model/src/a/b.rs", "").room(), Some("model"));
        for path in ["crates/model/tests/it/main.rs", "crates/model/src/a/tests.rs", "xtask/src/main.rs"] {
            assert_eq!(source(path, "").room(), None, "{path}");
        }
    }
}
