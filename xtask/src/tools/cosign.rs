//! cosign, from Debian's unstable branch: a static executable, so that it runs on any Debian unpacked.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::apt::Unstable;
use super::{copy, create, write};
use crate::failure::Failure;
use crate::program;

/// The line of versions whose verdicts the tests know.
const WANTED: &str = "3.1.";

/// Makes sure of `bin/cosign` in `folder`, and returns its version.
///
/// Debian's build does not know its own version, so the package's stands beside it in `bin/cosign.version`.
pub(super) fn provide(folder: &Path) -> Result<String, Failure> {
    let (program, version_file) = (folder.join("bin/cosign"), folder.join("bin/cosign.version"));
    if let Ok(version) = fs::read_to_string(&version_file)
        && version.starts_with(WANTED)
        && program::answers(Command::new(&program).arg("version"))
    {
        return Ok(version.trim().to_owned());
    }
    println!("  fetching cosign from Debian's unstable branch");
    let workshop = folder.join("apt");
    // Left-overs of an interrupted run; where there are none, there is nothing to remove.
    let _ = fs::remove_dir_all(&workshop);
    create(&workshop)?;
    let version = Unstable::open(&workshop)?.unpack("cosign")?;
    if !version.starts_with(WANTED) {
        return Err(Failure::Unavailable {
            what: format!("cosign {WANTED}x"),
            why: format!("Debian's unstable branch has {version} now"),
        });
    }
    create(&folder.join("bin"))?;
    // Copied beside and renamed, because a test may be running the old one.
    let beside = folder.join("bin/cosign.new");
    copy(&workshop.join("tree/usr/bin/cosign"), &beside)?;
    fs::rename(&beside, &program).map_err(|source| Failure::File {
        action: "rename",
        path: beside,
        source,
    })?;
    write(&version_file, &version)?;
    let _ = fs::remove_dir_all(&workshop);
    program::run(Command::new(&program).arg("version").stdout(std::process::Stdio::null()))?;
    Ok(version)
}
