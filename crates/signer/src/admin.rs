//! What an administrator says to the key process, on a socket of its own.

use model::Algorithm;

use crate::Refusal;

/// An administrative message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminMessage {
    /// Begin a platform with these bytes of a genesis entry; only where there is none.
    Begin {
        /// The genesis entry.
        entry: Vec<u8>,
    },
    /// Make a key. It is nobody's until a registry entry names it.
    Generate {
        /// The key store that is to hold it.
        store: String,
        /// What it is to be.
        algorithm: Algorithm,
    },
    /// Append an entry to the registry.
    Append {
        /// The entry.
        entry: Vec<u8>,
    },
}

/// The answer to an administrative message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAnswer {
    /// A key was made: its SubjectPublicKeyInfo.
    Generated {
        /// In DER.
        spki: Vec<u8>,
    },
    /// The entry stands: the registry's new head.
    Appended {
        /// The head.
        head: model::Digest,
    },
    /// Nothing was changed.
    Refused(Refusal),
}
