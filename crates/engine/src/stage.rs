//! The stages by their names, as metrics and readiness tell of them.

use std::fmt;

use model::Space;

/// A stage of the cycle; of Sign, one of its lanes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// From what arrives to a recorded intent.
    Submit,
    /// The lane of one key store.
    Sign {
        /// The store.
        store: Space,
    },
    /// Timestamp tokens.
    Stamp,
    /// The transparency log.
    Log,
    /// Outcomes and receipts.
    Settle,
}

impl Stage {
    /// The stage's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Sign { .. } => "sign",
            Self::Stamp => "stamp",
            Self::Log => "log",
            Self::Settle => "settle",
        }
    }

    /// The key store whose lane it is.
    pub const fn store(&self) -> Option<&Space> {
        match self {
            Self::Sign { store } => Some(store),
            _ => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign { store } => write!(f, "sign {store}"),
            _ => f.write_str(self.word()),
        }
    }
}
