//! Guarantees: what a process says of the walls around it, after it tried them.

use serde::{Deserialize, Serialize};

/// One promise, and whether it is kept on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// What is promised.
    pub what: String,
    /// Is it kept?
    pub force: Force,
    /// What was tried and what came of it, or why it is not available here.
    pub evidence: String,
}

/// Is a promise kept?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Force {
    /// It was tried, and it holds.
    InForce,
    /// It cannot be had on this machine, or with this configuration.
    NotHere,
}

/// Text that is not a list of guarantees.
#[derive(Debug, thiserror::Error)]
#[error("this is not a list of guarantees")]
pub struct GuaranteesError(#[from] serde_json::Error);

impl Guarantee {
    /// A promise that holds.
    pub fn in_force(what: &str, evidence: impl Into<String>) -> Self {
        Self { what: what.to_owned(), force: Force::InForce, evidence: evidence.into() }
    }

    /// A promise that cannot be had here.
    pub fn not_here(what: &str, because: impl Into<String>) -> Self {
        Self { what: what.to_owned(), force: Force::NotHere, evidence: because.into() }
    }

    /// A list as one process leaves it to the others.
    pub fn encode(list: &[Self]) -> Vec<u8> {
        serde_json::to_vec(list).expect("texts always encode as JSON")
    }

    /// Reads such a list.
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, GuaranteesError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn what_is_left_to_others_is_what_they_read() {
        let list = [Guarantee::in_force("a", "tried"), Guarantee::not_here("b", "no \"such\" thing")];
        assert_eq!(Guarantee::parse(&Guarantee::encode(&list)).unwrap(), list);
        assert!(Guarantee::parse(b"[{}]").is_err());
    }
}
