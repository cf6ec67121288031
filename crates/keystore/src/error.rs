//! What can go wrong with private keys.

use std::io;
use std::sync::Arc;

use model::{Algorithm, DiskError, Hash, KeyId, Space};

use crate::pkcs11::LaneFault;

/// Why a key cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// The disk failed.
    #[error("cannot reach the key files")]
    Disk(#[from] DiskError),
    /// No such key store.
    #[error("there is no key store `{store}`; there is {known}")]
    NoStore {
        /// The name.
        store: Space,
        /// Those that are there, as a list for people.
        known: String,
    },
    /// No such key.
    #[error("there is no private key for {key} in this key store")]
    NoKey {
        /// The key.
        key: KeyId,
    },
    /// An algorithm that this store does not do.
    #[error("this key store makes no keys for `{algorithm}`")]
    Algorithm {
        /// What was asked for.
        algorithm: Algorithm,
    },
    /// A digest for a key that hashes otherwise, or that signs messages alone.
    #[error("a key for `{algorithm}` signs no {hash} digests")]
    SignsNoDigest {
        /// The key's algorithm.
        algorithm: Algorithm,
        /// The digest's.
        hash: Hash,
    },
    /// A passphrase that does not fit the file.
    #[error("the passphrase does not open the key file `{name}`; was it sealed under another?")]
    WrongPassphrase {
        /// The file.
        name: String,
    },
    /// A file that is not as it was written.
    #[error("the key file `{name}` is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The file.
        name: String,
        /// How it shows.
        reason: &'static str,
    },
    /// A file of another release.
    #[error("the key file `{name}` is of version {version}; this avouch knows version 1")]
    Version {
        /// The file.
        name: String,
        /// The version it names.
        version: u8,
    },
    /// Parameters of the passphrase hash that would make opening the file too cheap or too dear.
    #[error(
        "the key file `{name}` asks for a passphrase hash of {memory_kib} KiB, {passes} passes and {lanes} lanes, which is outside the bounds"
    )]
    Cost {
        /// The file.
        name: String,
        /// Memory.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The cryptographic library refused.
    #[error("the cryptographic library cannot {action}")]
    Library {
        /// What it should do.
        action: &'static str,
    },
    /// A message beyond what a key store takes.
    #[error("a message of {length} bytes, where this key store signs at most {limit}")]
    TooLong {
        /// Its length.
        length: usize,
        /// What is taken.
        limit: usize,
    },
    /// What a lane process says of its module.
    #[error(transparent)]
    Lane(#[from] LaneFault),
    /// A lane process is being started.
    #[error("the module's lane process is still being started")]
    LaneStarting,
    /// A lane process that ended.
    #[error("the module's lane process ended before it answered; it is started again")]
    LaneEnded,
    /// A module that does not answer.
    #[error(
        "the module did not answer within {deadline_ms} ms; its lane process was killed, and is started again"
    )]
    LaneSilent {
        /// How long it had.
        deadline_ms: u128,
    },
    /// A lane process that failed again and again.
    #[error("the module's lane process is down, and is started again in {again_ms} ms")]
    LaneDown {
        /// When it is tried again.
        again_ms: u128,
        /// Why it ended.
        #[source]
        cause: Arc<KeyStoreError>,
    },
    /// The system refused.
    #[error("cannot {action} the module's lane process")]
    LaneProcess {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// May the same call succeed later?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Perhaps, without anybody doing anything.
    MayHelp,
    /// Not before somebody does something.
    DoesNotHelp,
}

impl KeyStoreError {
    /// May the same call succeed later?
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Disk(_)
            | Self::Library { .. }
            | Self::LaneStarting
            | Self::LaneEnded
            | Self::LaneSilent { .. }
            | Self::LaneDown { .. }
            | Self::LaneProcess { .. } => Retry::MayHelp,
            Self::Lane(fault) => fault.retry(),
            Self::NoStore { .. }
            | Self::NoKey { .. }
            | Self::Algorithm { .. }
            | Self::SignsNoDigest { .. }
            | Self::WrongPassphrase { .. }
            | Self::Damaged { .. }
            | Self::Version { .. }
            | Self::TooLong { .. }
            | Self::Cost { .. } => Retry::DoesNotHelp,
        }
    }
}
