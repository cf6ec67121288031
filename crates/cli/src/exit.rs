//! Exit codes: one table for all verbs.

use std::process::ExitCode;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Good, or done.
    Done,
    /// Bad, or refused.
    Bad,
    /// It cannot be checked, or somebody cannot be reached.
    CannotCheck,
    /// A mistake in the command line or in the configuration.
    Usage,
    /// It waits for people.
    Pending,
    /// An endorser rejected it, or the requester took it back.
    Rejected,
    /// Its time passed.
    Expired,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bad => 1,
            Self::CannotCheck => 2,
            Self::Usage => 3,
            Self::Pending => 4,
            Self::Rejected => 5,
            Self::Expired => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table, as every `--help` of the root shows it.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  good, or done
  1  bad, or refused
  2  cannot check, or cannot reach
  3  wrong usage or configuration
  4  pending: it waits for endorsements
  5  rejected by an endorser, or withdrawn
  6  expired";
