//! Was the folder restored from a backup? A file beside the database says so, until everything agreed again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::OpenError;

/// The file.
const RESTORED: &str = "restored";

/// How a folder stands that may have been restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restoration {
    /// It was not restored, or that is a thing of the past.
    None,
    /// It was restored, and nobody held its books against each other since.
    Unchecked,
    /// It was restored, and its books agree with each other. The key process was not asked yet.
    Checked,
}

impl Restoration {
    /// What the folder says. A file that says something else says that nothing was checked.
    pub fn read(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(RESTORED);
        match fs::read(&path) {
            Ok(text) if text == Self::Checked.text() => Ok(Self::Checked),
            Ok(_) => Ok(Self::Unchecked),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::None),
            Err(source) => Err(OpenError::File { action: "read", path, source }),
        }
    }

    /// Says so in the folder, durably.
    pub fn write(self, folder: &Path) -> Result<(), OpenError> {
        let path = folder.join(RESTORED);
        let written = match self {
            Self::None => fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
            Self::Unchecked | Self::Checked => {
                let beside = folder.join("restored.new");
                let put = File::create(&beside).and_then(|mut file| {
                    file.write_all(self.text())?;
                    file.sync_all()
                });
                put.and_then(|()| fs::rename(&beside, &path))
            }
        };
        let synced = written.and_then(|()| File::open(folder)?.sync_all());
        synced.map_err(|source| OpenError::File { action: "write", path, source })
    }

    const fn text(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Unchecked => b"unchecked\n",
            Self::Checked => b"checked\n",
        }
    }
}
