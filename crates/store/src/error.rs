//! Why a store does not open, why a row does not change, and what is known after either.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use engine::StoreError;
use identity::KeySetError;
use model::Instant;

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No store where one must be. Nothing is made in its place: an empty one would fork the log.
    #[error("there is no store at `{}`: look for the right folder, or make one with `avouch init`", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A store where a new one was to be made.
    #[error("there is a store at `{}` already: it is not made again", path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// Another server runs on the folder.
    #[error("server `{holder}` runs on `{}` (epoch {epoch}, lease until {until}): two servers never share a folder", folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
        /// Who holds it.
        holder: String,
        /// Since which epoch.
        epoch: u64,
        /// Until when, unless it is extended.
        until: Instant,
    },
    /// Written by a later avouch.
    #[error(
        "the store's schema is `{name}` (number {number}), and this avouch knows {known}: run the avouch that wrote it, or a later one"
    )]
    Newer {
        /// The name of its newest migration.
        name: String,
        /// The number of that migration.
        number: u32,
        /// The newest number that is known here.
        known: u32,
    },
    /// Written by an earlier avouch, where nothing may be changed.
    #[error(
        "the store's schema is `{name}`, of an earlier release, and cannot be read before it is brought up to date: `avouch fsck` it with the release that wrote it, then start this one"
    )]
    Older {
        /// The name of its newest migration.
        name: String,
    },
    /// A migration that is not the one which was applied.
    #[error(
        "the store says that migration {number} was `{applied}`, and it is `{known}`: this is not a store of avouch"
    )]
    OtherMigration {
        /// Its number.
        number: u32,
        /// What was applied.
        applied: String,
        /// What it is here.
        known: &'static str,
    },
    /// A file or folder that cannot be reached.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// What with.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database itself.
    #[error("cannot {action} the database")]
    Database {
        /// What was tried, as a verb.
        action: &'static str,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// What is stored cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
}

/// Why a profile, a principal, a grant or a credential was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// It is there already.
    #[error("{what} `{id}` is there already")]
    Taken {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// There is no such thing, or it was taken back before.
    #[error("there is no {what} `{id}` that could be changed")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The store itself.
    #[error("the store could not be changed")]
    Store(#[from] StoreError),
}

/// What goes wrong inside a statement.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Corrupt { what: &'static str, source: Option<Box<dyn Error + Send + Sync>> },
    LeaseLost { epoch: u64 },
    ReadOnly,
}

/// What goes wrong with a transaction, by what is known afterwards.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was made durable.
    Untouched(Fault),
    /// The commit itself failed: it may be durable or not.
    Unknown(Fault),
}

impl Fault {
    pub(crate) fn corrupt(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Corrupt { what, source: Some(Box::new(source)) }
    }

    pub(crate) fn into_store(self, action: &'static str) -> StoreError {
        match self {
            Self::Sqlite(source) => StoreError::Unavailable { action, source: Box::new(source) },
            Self::Corrupt { what, source } => StoreError::Corrupt { what, source },
            Self::LeaseLost { epoch } => StoreError::LeaseLost { epoch },
            Self::ReadOnly => StoreError::ReadOnly { action },
        }
    }
}

impl Failed {
    pub(crate) fn into_store(self, action: &'static str) -> StoreError {
        let (Self::Untouched(fault) | Self::Unknown(fault)) = self;
        fault.into_store(action)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

pub(crate) fn key_set(source: StoreError) -> KeySetError {
    KeySetError(Box::new(source))
}
