//! What can go wrong with the key process as a whole.

use std::io;
use std::path::PathBuf;

use keystore::{KeyStoreError, PassphraseError};
use model::journal::LeafError;
use model::{DiskError, KeyError};
use quorum::RegistryError;
use tlog::EdgeError;

use crate::ConfineError;

/// Why the key process does not start, or stopped. What is wrong with an order is a
/// [`Refusal`](signer::Refusal) instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProcessError {
    /// The disk failed.
    #[error("the journal's disk failed")]
    Disk(#[from] DiskError),
    /// The journal failed earlier, or was closed.
    #[error("the journal failed earlier, or was closed; start the key process again")]
    Stopped,
    /// A segment that is not as it was written.
    #[error(
        "the journal's file `{name}` is damaged at byte {at}; going on would forget signatures: restore the folder and adopt it"
    )]
    Damaged {
        /// The file.
        name: String,
        /// Where.
        at: usize,
    },
    /// Files, and no journal in them.
    #[error("neither of the journal's two files can be read; restore the folder and adopt it")]
    NoWholeSegment,
    /// A file of another release.
    #[error("`{name}` is of version {version}; this avouch knows version 1")]
    Version {
        /// What is of it.
        name: String,
        /// The version.
        version: u8,
    },
    /// Records that hold and do not follow from each other.
    #[error("the journal skips from leaf {expected} to leaf {found}")]
    OutOfSequence {
        /// What should stand there.
        expected: u64,
        /// What stands there.
        found: u64,
    },
    /// A record that cannot be read.
    #[error("the journal holds a record that cannot be read")]
    Record(#[from] LeafError),
    /// A right edge that cannot be read.
    #[error("the journal's right edge cannot be read")]
    Edge(#[from] EdgeError),
    /// A registry that does not replay.
    #[error("the registry does not replay")]
    Registry(#[from] RegistryError),
    /// The journal's own key is none that makes checkpoints.
    #[error("the journal's key cannot be used")]
    Key(#[from] KeyError),
    /// The key store failed.
    #[error("the key store failed")]
    KeyStore(#[from] KeyStoreError),
    /// A passphrase that is none.
    #[error("the passphrase cannot be used")]
    Passphrase(#[from] PassphraseError),
    /// Another key process has the folder.
    #[error("another key process runs on `{}`; two of them would sign two histories", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A process that cannot be locked in.
    #[error("the key process cannot be locked in")]
    Confine(#[from] ConfineError),
    /// A folder that others may enter.
    #[error("others may enter `{}` (its mode is {mode:o}); it must be 700", folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system refused.
    #[error("cannot {action} `{}`", path.display())]
    System {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
