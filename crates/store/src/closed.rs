//! What the last server left: the digest of the database, written when it ended in order. A database that was changed
//! since, by whatever it was, is known by it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use model::{Digest, Hasher};

use crate::OpenError;
use crate::sqlite::DATABASE;

/// The file beside the database.
const CLOSED: &str = "store.closed";

/// The largest database whose digest is noted: an end in order is not to take longer than people wait for it.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Notes what the database is now. Nobody may write to it any more.
pub(crate) fn note(folder: &Path) -> io::Result<()> {
    let database = folder.join(DATABASE);
    if fs::metadata(&database)?.len() > BYTES_MAX {
        return Ok(());
    }
    let digest = digest(&database)?;
    let mut file = File::create(folder.join(CLOSED))?;
    writeln!(file, "{digest}")?;
    file.sync_all()
}

/// Takes the note away, before anything is written.
pub(crate) fn forget(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(CLOSED)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| File::open(folder)?.sync_all()),
    }
}

/// What was noted, and what is there; `None` where nothing was noted.
pub(crate) fn compare(folder: &Path) -> Result<Option<(Digest, Digest)>, OpenError> {
    let path = folder.join(CLOSED);
    let noted = match fs::read(&path) {
        Ok(noted) => noted,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::File { action: "read", path, source }),
    };
    // A note that cannot be read is as good as one that says something else.
    let noted =
        String::from_utf8(noted).ok().and_then(|text| text.trim_end().parse().ok()).unwrap_or(Digest::ZERO);
    let database = folder.join(DATABASE);
    let now =
        digest(&database).map_err(|source| OpenError::File { action: "read", path: database, source })?;
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
