//! A refused PIN is remembered, over restarts too: a token that was asked three times by a process that starts again
//! and again would lock.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use model::layout::{Reader, Writer};
use model::{Digest, Disk, DiskError};

use super::fault::LaneFault;
use super::uri::Pkcs11Uri;

/// The file that remembers. It is empty where nothing was refused.
const FILE: &str = "pin-refused";
const VERSION: u8 = 1;

/// Which PIN of which token was refused, without the PIN: the URI and the PIN's file as it lay there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(Digest);

impl Mark {
    /// What lies there now.
    pub(crate) fn now(uri: &Pkcs11Uri) -> Self {
        let mut writer = Writer::new();
        writer.bytes(uri.to_string().as_bytes()).fixed(&file_identity(uri.pin_file()));
        Self(Digest::of(&writer.finish()))
    }
}

/// A file that was written anew has another inode, size or change time. A missing one is as good as changed.
fn file_identity(path: &Path) -> Vec<u8> {
    let Ok(metadata) = std::fs::metadata(path) else { return Vec::new() };
    let times = [metadata.ctime(), metadata.ctime_nsec()].map(i64::to_be_bytes).concat();
    [&[metadata.dev(), metadata.ino(), metadata.size()].map(u64::to_be_bytes).concat(), &times[..]].concat()
}

/// What stopped the store, if what lies there now is what stopped it.
pub(crate) fn remembered(disk: &dyn Disk, now: Mark) -> Result<Option<LaneFault>, DiskError> {
    if !disk.list()?.iter().any(|name| name == FILE) {
        return Ok(None);
    }
    Ok(parse(&disk.read(FILE)?).filter(|(mark, _)| *mark == now).map(|(_, fault)| fault))
}

/// Remembers a fault that stops the store.
pub(crate) fn remember(disk: &dyn Disk, now: Mark, fault: &LaneFault) -> Result<(), DiskError> {
    let mut writer = Writer::new();
    writer.byte(VERSION).digest(&now.0);
    fault.put(&mut writer);
    disk.replace(FILE, &writer.finish())
}

/// The PIN was taken.
pub(crate) fn forget(disk: &dyn Disk) -> Result<(), DiskError> {
    let filled = |name: &String| name == FILE && disk.read(name).is_ok_and(|content| !content.is_empty());
    if disk.list()?.iter().any(filled) { disk.replace(FILE, &[]) } else { Ok(()) }
}

/// A file that cannot be read remembers nothing: the token itself still counts.
fn parse(bytes: &[u8]) -> Option<(Mark, LaneFault)> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version").ok()? != VERSION {
        return None;
    }
    let mark = Mark(reader.digest("mark").ok()?);
    let fault = LaneFault::take(&mut reader).ok()?;
    reader.finish().ok()?;
    Some((mark, fault)).filter(|(_, fault)| fault.stops())
}
