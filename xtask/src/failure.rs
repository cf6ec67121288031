//! What can go wrong with a chore.

use std::path::PathBuf;
use std::{fmt, io};

/// Why a chore was not done.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage { said: String },
    /// A program could not be started.
    NotStarted { program: String, source: io::Error },
    /// A program ran and did not succeed.
    Unsuccessful { command: String, status: String },
    /// A file could not be read or written.
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// A text is not in the form that is expected of it.
    NotUnderstood { what: String, why: String },
    /// Something that is needed is not to be had here.
    Unavailable { what: String, why: String },
    /// Tests were skipped that must not be.
    Skipped { what: Vec<String> },
    /// Bugs were planted and not found.
    Unfound { count: usize },
    /// Pages that are made from what tests report, and say something else.
    Stale { pages: Vec<String> },
    /// Rules of the house are broken.
    Untidy { count: usize },
}

impl Failure {
    /// Usage has a code of its own, as it has for every verb of avouch.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 3,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { said } => f.write_str(said),
            Self::NotStarted { program, source } => {
                write!(f, "cannot start `{program}`: {source}; is it installed?")
            }
            Self::Unsuccessful { command, status } => write!(f, "`{command}` failed ({status})"),
            Self::File { action, path, source } => {
                write!(f, "cannot {action} `{}`: {source}", path.display())
            }
            Self::NotUnderstood { what, why } => write!(f, "cannot understand {what}: {why}"),
            Self::Unavailable { what, why } => write!(f, "{what} is not available here: {why}"),
            Self::Skipped { what } => write!(
                f,
                "skipped, though xtask/skips.toml does not allow it: {}; provide it, or allow it there with a reason",
                what.join(", ")
            ),
            Self::Unfound { count } => {
                write!(f, "{count} of the invariants have no planted bug that the rehearsal finds, see above")
            }
            Self::Stale { pages } => write!(
                f,
                "{} does not say what the tests reported, see above; `cargo xtask gen` writes it anew",
                pages.join(", ")
            ),
            Self::Untidy { count: 1 } => f.write_str("one rule of the house is broken, see above"),
            Self::Untidy { count } => write!(f, "{count} rules of the house are broken, see above"),
        }
    }
}
