//! How far a request is: one word for whoever keeps it and whoever asked for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestState {
    /// For endorsements.
    Waiting,
    /// The intent is recorded; the order is on its way.
    Intended,
    /// Signed, not yet logged.
    Signed,
    /// Logged, not yet settled.
    Logged,
    /// The receipts are there.
    Done,
    /// Refused by policy or by the key process.
    Refused,
    /// Rejected by an endorser.
    Rejected,
    /// Taken back by the requester.
    Withdrawn,
    /// Its deadline passed.
    Expired,
    /// It was in flight when the server stopped, three times, and is set aside.
    Failed,
}

impl RequestState {
    /// Every state there is.
    pub const ALL: [Self; 10] = [
        Self::Waiting,
        Self::Intended,
        Self::Signed,
        Self::Logged,
        Self::Done,
        Self::Refused,
        Self::Rejected,
        Self::Withdrawn,
        Self::Expired,
        Self::Failed,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Intended => "intended",
            Self::Signed => "signed",
            Self::Logged => "logged",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// Will nothing change any more?
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Intended | Self::Signed | Self::Logged)
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
