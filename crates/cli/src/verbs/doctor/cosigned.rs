//! The row of the log's witnesses: what `avouch witness feed` brought back last.

use std::time::Duration;

use model::{Digest, Form, Instant};
use quorum::{Book, Key, Registry, Witness};
use store::{LogName, ShownLog};
use tlog::{Cosignature, SignedCheckpoint, VerifierKey};

use crate::config::Folder;
use crate::files;

/// What is older was not brought by a process that runs: it goes every minute.
const FRESH: Duration = Duration::from_secs(600);

/// The longest checkpoint that is read.
const NOTE_BYTES_MAX: usize = 64 * 1024;

/// How the log is cosigned, or why it is not; `None` where the registry names nobody for it.
pub(super) fn stand(folder: &Folder, registry: &Registry) -> Option<Result<String, String>> {
    let named = registry.witnesses(Book::Log)?;
    let witness = |one: &Witness| VerifierKey::of_witness(&one.name, &one.key).ok();
    let witnesses: Vec<VerifierKey> = named.witnesses.iter().filter_map(witness).collect();
    let Some((size, cosigned)) = newest(folder, registry, &witnesses) else {
        return Some(Err("nothing that they cosigned has come back".to_owned()));
    };
    let latest = cosigned.iter().map(|one| one.time).max().unwrap_or(Instant::EPOCH);
    let by: Vec<&str> = cosigned.iter().map(|one| one.witness.name()).collect();
    let said = format!("{size} entries were cosigned by {} at {latest}", by.join(", "));
    let is_enough = cosigned.len() >= named.threshold();
    Some(if is_enough && crate::clock::now().since(latest) <= FRESH { Ok(said) } else { Err(said) })
}

fn newest(
    folder: &Folder,
    registry: &Registry,
    witnesses: &[VerifierKey],
) -> Option<(u64, Vec<Cosignature>)> {
    let server = folder.at(&folder.config.server.folder);
    let shown = ShownLog::newest(&server, LogName::Transparency).checkpoint().ok()??;
    let origin = shown.lines().next()?;
    let is_its =
        |key: &&Key| key.record.form == Form::Checkpoint && key.record.origin.as_deref() == Some(origin);
    let key = registry.keys().find(is_its)?;
    let log = VerifierKey::of_log(origin, &key.record.public_key).ok()?;
    let file = server.join(server::COSIGNED).join(Digest::of(origin.as_bytes()).to_string());
    let note = String::from_utf8(files::read_bounded(&file, NOTE_BYTES_MAX).ok()?).ok()?;
    let checkpoint = SignedCheckpoint::open(&note, &log).ok()?;
    Some((checkpoint.size(), checkpoint.cosignatures(witnesses).ok()?))
}
