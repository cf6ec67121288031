//! A folder of the file system as a [`Disk`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use model::{Disk, DiskError};

/// Files under construction end so; a crash may leave one, which the next writer overwrites.
const UNFINISHED: &str = ".new";

/// A folder of the file system. Files are readable by their owner alone.
#[derive(Debug, Clone)]
pub struct FileDisk {
    folder: PathBuf,
}

impl FileDisk {
    /// The folder, which must exist.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{name}{UNFINISHED}"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // CRASH: before the rename the old file stands, after it the new one. The folder's own sync makes the name
        // durable.
        fs::rename(&unfinished, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if entry.file_type()?.is_file() && !name.is_empty() && !name.ends_with(UNFINISHED) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn overwrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.folder.join(name))?;
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        if end.is_none_or(|end| file.metadata().map_or(true, |there| there.len() < end)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        file.write_all_at(bytes, offset)
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        // Only the length is metadata that matters, and it never changes: fdatasync is enough.
        OpenOptions::new().write(true).open(self.folder.join(name))?.sync_data()
    }
}

impl Disk for FileDisk {
    fn list(&self) -> Result<Vec<String>, DiskError> {
        self.names().map_err(|source| error("list", "the folder", source))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, DiskError> {
        plain(name)
            .and_then(|()| fs::read(self.folder.join(name)))
            .map_err(|source| error("read", name, source))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
        plain(name).and_then(|()| self.put(name, bytes)).map_err(|source| error("replace", name, source))
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        plain(name)
            .and_then(|()| self.overwrite(name, offset, bytes))
            .map_err(|source| error("write", name, source))
    }

    fn sync(&self, name: &str) -> Result<(), DiskError> {
        plain(name).and_then(|()| self.sync_file(name)).map_err(|source| error("sync", name, source))
    }
}

/// A name that leads nowhere but into the folder.
fn plain(name: &str) -> io::Result<()> {
    let bad = name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']);
    if bad || name.ends_with(UNFINISHED) { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
}

fn error(action: &'static str, name: &str, source: io::Error) -> DiskError {
    DiskError { action, name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn files_are_replaced_overwritten_and_read_back_and_only_their_owner_may_look() {
        use std::os::unix::fs::PermissionsExt;
        let folder = testkit::temp_folder();
        let disk = FileDisk::new(folder.path());
        disk.replace("journal-odd", b"0000").unwrap();
        disk.write_at("journal-odd", 1, b"ab").unwrap();
        disk.sync("journal-odd").unwrap();
        assert_eq!(disk.read("journal-odd").unwrap(), b"0ab0");
        let mode = fs::metadata(folder.path().join("journal-odd")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.path().join("half.new"), b"half").unwrap();
        assert_eq!(disk.list().unwrap(), ["journal-odd"]);
    }

    /// CVE-2026-24137: a name from outside led to a file elsewhere.
    #[test]
    fn nothing_is_grown_by_an_overwrite_and_no_name_leads_out_of_the_folder() {
        let folder = testkit::temp_folder();
        let disk = FileDisk::new(folder.path());
        disk.replace("file", b"00").unwrap();
        for (offset, bytes) in [(1, "ab"), (u64::MAX, "a")] {
            assert!(disk.write_at("file", offset, bytes.as_bytes()).is_err());
        }
        assert!(disk.write_at("absent", 0, b"").is_err());
        for name in ["../file", "", "a/b", ".hidden", "x.new"] {
            assert!(disk.replace(name, b"").is_err(), "{name}");
            assert!(disk.read(name).is_err(), "{name}");
        }
    }
}
