//! Manual pages and completions, which the executable itself writes.

use std::path::Path;
use std::process::Command;

use super::tree;
use crate::failure::Failure;
use crate::program;

/// What people and shells read about the commands.
#[derive(Debug)]
pub(super) struct Texts {
    /// Each manual page with its name.
    pub(super) manuals: Vec<(String, Vec<u8>)>,
    pub(super) completions: Vec<Completion>,
}

/// What one shell needs to complete verbs and flags.
#[derive(Debug)]
pub(super) struct Completion {
    /// The file's name where we keep them together.
    pub(super) name: &'static str,
    /// Where Debian's shells look for it.
    pub(super) debian: &'static str,
    pub(super) text: Vec<u8>,
}

const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "avouch.bash", "usr/share/bash-completion/completions/avouch"),
    ("zsh", "_avouch", "usr/share/zsh/vendor-completions/_avouch"),
    ("fish", "avouch.fish", "usr/share/fish/vendor_completions.d/avouch.fish"),
];

/// Asks an executable for its texts.
pub(super) fn of(avouch: &Path, stage: &Path) -> Result<Texts, Failure> {
    let folder = stage.join("man");
    program::output(Command::new(avouch).arg("man").arg(&folder))?;
    let mut names = tree::list(&folder)?;
    names.sort_unstable();
    let manual = |name: String| Ok((name.clone(), tree::read(&folder.join(name))?));
    let completion = |(shell, name, debian)| {
        let text = program::output(Command::new(avouch).args(["completions", shell]))?.into_bytes();
        Ok(Completion { name, debian, text })
    };
    Ok(Texts {
        manuals: names.into_iter().map(manual).collect::<Result<_, Failure>>()?,
        completions: SHELLS.into_iter().map(completion).collect::<Result<_, Failure>>()?,
    })
}
