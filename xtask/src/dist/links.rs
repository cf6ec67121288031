//! What an executable is linked to at run time: which files of glibc, and from which version of it on.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::program;

/// A version of glibc, by its two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Glibc(pub(super) u32, pub(super) u32);

/// The oldest glibc that has all that an executable calls.
pub(super) fn glibc(executable: &Path) -> Result<Glibc, Failure> {
    let said = program::output(Command::new("objdump").arg("--private-headers").arg(executable))?;
    newest(&said).ok_or_else(|| Failure::NotUnderstood {
        what: format!("`{}`", executable.display()),
        why: "it is linked to no glibc; packages are made of executables that are".to_owned(),
    })
}

/// The files that the loader maps, the loader itself among them.
pub(super) fn libraries(executable: &Path) -> Result<Vec<PathBuf>, Failure> {
    Ok(mapped(&program::output(Command::new("ldd").arg(executable))?))
}

/// The newest of the versions that `objdump` lists.
fn newest(headers: &str) -> Option<Glibc> {
    let versions = headers.split_whitespace().filter_map(|word| {
        let (major, minor) = word.strip_prefix("GLIBC_")?.split_once('.')?;
        // A third number (2.2.5) is of no account.
        let minor = minor.split('.').next()?;
        Some(Glibc(major.parse().ok()?, minor.parse().ok()?))
    });
    versions.max()
}

/// The paths in what `ldd` says: `NAME => PATH (ADDRESS)`, or `PATH (ADDRESS)` of the loader.
fn mapped(said: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let found = line.split_once(" => ").map_or(line, |(_, found)| found).trim();
        let path = found.split(" (").next()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    said.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts_by_number() {
        let headers = "required from libc.so.6:\n 0x1 0x00 05 GLIBC_2.34\n 0x2 0x00 06 GLIBC_2.9\n 0x3 0x00 07 GLIBC_2.2.5\n";
        assert_eq!(newest(headers), Some(Glibc(2, 34)));
        assert_eq!(newest("required from libc.musl.so"), None);
    }

    #[test]
    fn the_loader_is_a_file_and_what_the_kernel_maps_is_none() {
        let said = "\tlinux-vdso.so.1 (0x1)\n\tlibm.so.6 => /lib/x/libm.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        assert_eq!(mapped(said), ["/lib/x/libm.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
    }
}
