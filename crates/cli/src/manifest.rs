//! What is in a backup: every file with its digest, and the heads of the books in it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use model::{Digest, Hasher, Instant, from_canonical, to_canonical};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The manifest's file in a backup.
pub(crate) const FILE: &str = "manifest.json";

/// A manifest names files, not their content: that is never much.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// A backup, as canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The version of this layout: 1.
    pub(crate) version: u32,
    /// When it was made.
    pub(crate) created: Instant,
    /// The platform's host.
    pub(crate) host: String,
    /// The journal's head: it is read last, and knows at least what the others know.
    pub(crate) journal: HeadOf,
    /// The registry: its entries, and its head.
    pub(crate) registry: HeadOf,
    /// The ledger's head.
    pub(crate) ledger: HeadOf,
    /// The log's newest checkpoint, and its origin.
    pub(crate) log: LogHead,
    /// Is the passphrase of the sealed keys among the files?
    pub(crate) passphrase: Presence,
    /// The files, by path.
    pub(crate) files: Vec<Listed>,
}

/// A size, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadOf {
    pub(crate) size: u64,
    pub(crate) root: Digest,
}

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogHead {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Digest,
}

/// Is something in the backup?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    /// It is.
    Included,
    /// It must come from elsewhere.
    Apart,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    /// Its path in the backup.
    pub(crate) path: String,
    /// Its length.
    pub(crate) size: u64,
    /// Its SHA-256.
    pub(crate) sha256: Digest,
}

impl Manifest {
    /// Reads the manifest of a backup.
    pub(crate) fn load(backup: &Path) -> Result<Self, Failure> {
        let path = backup.join(FILE);
        let bytes = crate::files::read_bounded(&path, BYTES_MAX)?;
        from_canonical(&bytes, BYTES_MAX)
            .map_err(Failure::input(path.display().to_string(), "the manifest of a backup"))
    }

    /// Writes it, as the last file of a backup.
    pub(crate) fn save(&self, backup: &Path) -> Result<(), Failure> {
        crate::files::write(&backup.join(FILE), &to_canonical(self))
    }

    /// Holds every file against its digest. What is not listed is none of the backup's, and is let be.
    pub(crate) fn verify(&self, backup: &Path) -> Result<(), Failure> {
        for listed in &self.files {
            let path = backup.join(check_inside(&listed.path)?);
            let found = Listed::of(&path, &listed.path)?;
            if found != *listed {
                return Err(Failure::Folder {
                    path,
                    fault: "is not the file that was backed up",
                    advice: "take another backup; nothing was restored",
                });
            }
        }
        Ok(())
    }
}

impl Listed {
    /// A file as it is now.
    pub(crate) fn of(file: &Path, path: &str) -> Result<Self, Failure> {
        let failed = |cause| Failure::file("read", file)(cause);
        let (mut open, mut hasher) = (File::open(file).map_err(failed)?, Hasher::new());
        let (mut buffer, mut size) = (vec![0; 1024 * 1024], 0);
        loop {
            let count = open.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                return Ok(Self { path: path.to_owned(), size, sha256: hasher.finish() });
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
            size += u64::try_from(count).unwrap_or(u64::MAX);
        }
    }
}

/// A path that leads nowhere but into the backup.
fn check_inside(path: &str) -> Result<&Path, Failure> {
    let parts = Path::new(path).components();
    let inside = parts.clone().count() > 0
        && parts.into_iter().all(|part| matches!(part, std::path::Component::Normal(_)));
    if inside {
        return Ok(Path::new(path));
    }
    Err(Failure::Usage {
        what: format!("the manifest names `{path}`, which is not inside the backup"),
        advice: "take another backup; nothing was restored",
    })
}

/// Is there nothing at this path, or an empty folder?
pub(crate) fn is_free(path: &Path) -> Result<bool, Failure> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(cause) => Err(Failure::file("look into", path)(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CVE-2026-24137: a name from outside led to a file elsewhere.
    #[test]
    fn a_manifest_names_no_file_outside_of_its_backup() {
        check_inside("server/store.sqlite").expect("a file of the backup");
        for path in ["", "/etc/passwd", "..", "../avouch.toml", "server/../../secret", "./../x", "."] {
            let refused = check_inside(path).expect_err("a file elsewhere").to_string();
            assert!(refused.contains("is not inside the backup"), "{path}: {refused}");
        }
    }
}
