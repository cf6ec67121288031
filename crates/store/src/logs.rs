//! The logs of a store. Each has a newest checkpoint and tiles of its own; the writing is the same.

use std::sync::Arc;

use tlog::{CheckpointLock, LockError, Locked, NoteStoreError, StagedTile, TileError, TilePath, TileStore};

use crate::Store;

/// A log that a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogName {
    /// The transparency log of signatures.
    Transparency,
    /// The log of certificates for holders of ID tokens.
    Certificates,
    /// The log of Rekor v1.
    Promised,
}

/// The store as the log of certificates has it. [`Store`] itself is that of the transparency log.
pub struct CertificateLog(Arc<Store>);

impl LogName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Transparency, Self::Certificates, Self::Promised];

    /// What its rows say.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Transparency => "transparency",
            Self::Certificates => "certificates",
            Self::Promised => "promised",
        }
    }

    /// The folder of its tiles, in the server's.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Transparency => "tiles",
            Self::Certificates => "certificate-tiles",
            Self::Promised => "promised-tiles",
        }
    }

    /// The folder of those that came before it, in the server's.
    pub const fn shards(self) -> &'static str {
        match self {
            Self::Transparency => "shards",
            Self::Certificates => "certificate-shards",
            Self::Promised => "promised-shards",
        }
    }
}

impl CertificateLog {
    /// The log of certificates in a store.
    pub const fn new(store: Arc<Store>) -> Self {
        Self(store)
    }
}

impl CheckpointLock for CertificateLog {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        self.0.load_log(LogName::Certificates)
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        self.0.create_log(LogName::Certificates, first)
    }

    fn swap(&self, expected: &str, new: &str, tiles: &[StagedTile]) -> Result<(), LockError> {
        self.0.swap_log(LogName::Certificates, expected, new, tiles)
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        self.0.succeed_log(LogName::Certificates, last, first)
    }
}

impl TileStore for CertificateLog {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        self.0.tiles(LogName::Certificates).read(paths)
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        self.0.tiles(LogName::Certificates).write(tiles)
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        self.0.tiles(LogName::Certificates).publish(note)
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        self.0.tiles(LogName::Certificates).published()
    }
}

impl CheckpointLock for Store {
    fn load(&self) -> Result<Option<Locked>, LockError> {
        self.load_log(LogName::Transparency)
    }

    fn create(&self, first: &str) -> Result<(), LockError> {
        self.create_log(LogName::Transparency, first)
    }

    fn swap(&self, expected: &str, new: &str, tiles: &[StagedTile]) -> Result<(), LockError> {
        self.swap_log(LogName::Transparency, expected, new, tiles)
    }

    fn succeed(&self, last: &str, first: &str) -> Result<(), LockError> {
        self.succeed_log(LogName::Transparency, last, first)
    }
}

impl TileStore for Store {
    fn read(&self, paths: &[TilePath]) -> Vec<Result<Vec<u8>, TileError>> {
        self.tiles(LogName::Transparency).read(paths)
    }

    fn write(&self, tiles: &[StagedTile]) -> Vec<Result<(), TileError>> {
        self.tiles(LogName::Transparency).write(tiles)
    }

    fn publish(&self, note: &str) -> Result<(), NoteStoreError> {
        self.tiles(LogName::Transparency).publish(note)
    }

    fn published(&self) -> Result<Option<String>, NoteStoreError> {
        self.tiles(LogName::Transparency).published()
    }
}
