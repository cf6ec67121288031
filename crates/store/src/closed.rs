//! What the last server left: the digest of a database, written beside it when the server ended in order. A database
//! that was changed since, by whatever it was, is known by it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use model::{Digest, Hasher};

use crate::OpenError;

/// The largest database whose digest is noted: an end in order is not to take longer than people wait for it.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The note beside a database: `store.closed`, `index.closed`.
fn beside(database: &Path) -> PathBuf {
    database.with_extension("closed")
}

/// Notes what the database is now. Nobody may write to it any more.
pub(crate) fn note(database: &Path) -> io::Result<()> {
    if fs::metadata(database)?.len() > BYTES_MAX {
        return Ok(());
    }
    let digest = digest(database)?;
    let mut file = File::create(beside(database))?;
    writeln!(file, "{digest}")?;
    file.sync_all()
}

/// Takes the note away, before anything is written.
pub(crate) fn forget(database: &Path) -> io::Result<()> {
    match fs::remove_file(beside(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| File::open(database.parent().unwrap_or(database))?.sync_all()),
    }
}

/// What was noted, and what is there; `None` where nothing was noted.
pub(crate) fn compare(database: &Path) -> Result<Option<(Digest, Digest)>, OpenError> {
    let path = beside(database);
    let noted = match fs::read(&path) {
        Ok(noted) => noted,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::File { action: "read", path, source }),
    };
    // A note that cannot be read is as good as one that says something else.
    let noted =
        String::from_utf8(noted).ok().and_then(|text| text.trim_end().parse().ok()).unwrap_or(Digest::ZERO);
    let now = digest(database).map_err(|source| OpenError::File {
        action: "read",
        path: database.to_owned(),
        source,
    })?;
    Ok(Some((noted, now)))
}

fn digest(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hasher) = (File::open(path)?, Hasher::new());
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}
