//! Skips that are loud: what was not tested is printed, and counted by the run.

use std::env;
use std::path::PathBuf;

use serde::Serialize;

use crate::lines;

#[derive(Serialize)]
struct Skip<'a> {
    what: &'a str,
    why: &'a str,
}

/// Says that something is not tested here. The caller returns.
///
/// `what` is a short name (`cosign`, `landlock`, `vectors`): a strict run allows only those that are listed with their
/// reason in `xtask/skips.toml`.
pub fn skip(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    lines::append("AVOUCH_SKIPS", &Skip { what, why });
}

/// The folder of published vectors, or a loud skip.
pub fn vectors() -> Option<PathBuf> {
    let folder = env::var_os("AVOUCH_VECTORS").map(PathBuf::from);
    match folder {
        None => skip("vectors", "AVOUCH_VECTORS is not set"),
        Some(ref folder) if !folder.is_dir() => {
            panic!("AVOUCH_VECTORS names `{}`, which is no folder", folder.display())
        }
        Some(_) => {}
    }
    folder
}
