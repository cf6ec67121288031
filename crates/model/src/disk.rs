//! How files are seen by code that must survive a crash.

use std::io;

/// A folder of files, seen through what a power cut can do to it.
///
/// Names are plain file names, without separators. Bytes written are visible to `read` at once and durable only
/// after `sync` of that file returned; before, a crash may keep all, some or none of them, torn anywhere. `create`
/// and `replace` are durable, name included, when they return. After an error nothing is known about what reached
/// the disk: the caller stops, reloads and repairs; repeating the call does not help.
pub trait Disk: Send + Sync {
    /// The names in the folder, sorted.
    fn list(&self) -> Result<Vec<String>, DiskError>;

    /// The whole of a file.
    fn read(&self, name: &str) -> Result<Vec<u8>, DiskError>;

    /// Puts a file of these bytes in place under its name, atomically and durably; an old one is replaced.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError>;

    /// Overwrites a part of a file that exists and is long enough; durable after `sync`.
    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes everything written to a file durable.
    fn sync(&self, name: &str) -> Result<(), DiskError>;
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{name}`")]
pub struct DiskError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The file.
    pub name: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}
