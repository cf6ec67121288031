//! Files of ours: folders and secrets that only their user may read, and outputs that are whole or not there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Makes a folder that only its user may enter.
pub(crate) fn private_folder(path: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Failure::file("make the folder", path))
}

/// Writes a secret that only its user may read; one that is there already is not overwritten.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Reserved::new(path)?.fill(bytes)
}

/// A secret's file that is there already, and goes away again unless it is filled.
#[derive(Debug)]
pub(crate) struct Reserved {
    path: PathBuf,
    file: fs::File,
    filled: bool,
}

impl Reserved {
    /// Makes the file, which only its user may read; one that is there already is not overwritten.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o400);
        let file = options.open(path).map_err(Failure::file("make", path))?;
        Ok(Self { path: path.to_owned(), file, filled: false })
    }

    /// Writes the secret, down to the disk.
    pub(crate) fn fill(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_all());
        written.map_err(Failure::file("write", &self.path))?;
        self.filled = true;
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.filled {
            let _it_stays_empty = fs::remove_file(&self.path);
        }
    }
}

/// Writes a file whole, or not at all: it appears under its name when all of it is on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let beside = beside(path);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|cause| {
        let _nothing_was_there = fs::remove_file(&beside);
        Failure::file("write", path)(cause)
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// A file's path with something added to its name.
pub(crate) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Reads the first bytes of a file, at most so many.
pub(crate) fn read_head(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut head = Vec::new();
    let opened = fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut head));
    opened.map_err(Failure::file("read", path))?;
    Ok(head)
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let size = fs::metadata(path).map_err(Failure::file("read", path))?.len();
    if usize::try_from(size).map_or(true, |size| size > limit) {
        return Err(Failure::Usage {
            what: format!("`{}` has {size} bytes, where at most {limit} are read", path.display()),
            advice: "is it the right file?",
        });
    }
    fs::read(path).map_err(Failure::file("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CVE-2024-51491: a file was made in one place and renamed into another, where another disk was mounted.
    #[test]
    fn a_file_is_made_in_the_folder_where_it_will_stand() {
        for path in ["/var/lib/avouch/client/trust-root.json", "out/app.receipt.json", "app.p7s"] {
            let (path, made) = (Path::new(path), beside(Path::new(path)));
            assert_eq!(made.parent(), path.parent());
            assert_ne!(made, path);
        }
    }
}
