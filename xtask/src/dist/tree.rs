//! A tree of files that will be packed: modes are said, owners are root, times are the release's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::program;

/// A folder in which a package takes shape. Paths are relative to it.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

/// Whose everything in an archive is, unless it is said.
const ROOT: u32 = 0;

/// How a tree is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Plain,
    Gzip,
}

impl Tree {
    pub(super) fn new(root: &Path) -> Result<Self, Failure> {
        Ok(Self { root: fresh(root)? })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A file that all may read.
    pub(super) fn file(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.write(path, bytes, 0o644)
    }

    /// A program, as text.
    pub(super) fn script(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.write(path, bytes, 0o755)
    }

    pub(super) fn executable(&self, path: &str, from: &Path) -> Result<(), Failure> {
        self.write(path, &read(from)?, 0o755)
    }

    pub(super) fn copy(&self, path: &str, from: &Path) -> Result<(), Failure> {
        self.file(path, &read(from)?)
    }

    /// A compressed file, as manual pages and changelogs are.
    pub(super) fn compressed(&self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.file(path, bytes)?;
        // Without name and time, so that the same text is always the same file.
        program::run(Command::new("gzip").args(["--no-name", "--best"]).arg(self.root.join(path)))
    }

    pub(super) fn link(&self, path: &str, to: &str) -> Result<(), Failure> {
        let path = self.place(path)?;
        symlink(to, &path).map_err(failed("make", &path))
    }

    pub(super) fn folder(&self, path: &str, mode: u32) -> Result<(), Failure> {
        let path = self.root.join(path);
        create(&path)?;
        set_mode(&path, mode)
    }

    /// Every file below, its path relative to the tree, in order.
    pub(super) fn files(&self) -> Result<Vec<String>, Failure> {
        let mut listing = Command::new("find");
        listing.args([".", "-type", "f", "-printf", "%P\\n"]).current_dir(&self.root);
        let mut files: Vec<String> = program::output(&mut listing)?.lines().map(str::to_owned).collect();
        files.sort_unstable();
        Ok(files)
    }

    /// One archive of all of it: sorted, of root, of one time.
    pub(super) fn pack(&self, to: &Path, epoch: u64, packed: Packed) -> Result<(), Failure> {
        let mut tar = self.tar(to, epoch, ROOT);
        tar.arg("--create");
        if packed == Packed::Gzip {
            tar.arg("--use-compress-program=gzip --no-name --best");
        }
        let mut names = list(&self.root)?;
        names.sort_unstable();
        program::run(tar.args(names))
    }

    /// Adds one path of it to an archive, as a user's.
    pub(super) fn append(&self, to: &Path, epoch: u64, path: &str, owner: u32) -> Result<(), Failure> {
        program::run(self.tar(to, epoch, owner).arg("--append").arg(path))
    }

    fn tar(&self, to: &Path, epoch: u64, owner: u32) -> Command {
        let mut tar = Command::new("tar");
        tar.args(["--format=ustar", "--sort=name", "--numeric-owner"]);
        tar.args([format!("--owner={owner}"), format!("--group={owner}"), format!("--mtime=@{epoch}")]);
        tar.arg("--file").arg(to).arg("--directory").arg(&self.root);
        tar
    }

    fn write(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let path = self.place(path)?;
        fs::write(&path, bytes).map_err(failed("write", &path))?;
        set_mode(&path, mode)
    }

    /// Where a path lies, its folders made: those that all may enter.
    fn place(&self, path: &str) -> Result<PathBuf, Failure> {
        let path = self.root.join(path);
        if let Some(folder) = path.parent() {
            create(folder)?;
            let inside = folder.ancestors().take_while(|above| *above != self.root);
            inside.into_iter().try_for_each(|folder| set_mode(folder, 0o755))?;
        }
        Ok(path)
    }
}

/// A folder for what is made, whole path. What somebody else put there is not taken away.
pub(super) fn empty(folder: &Path) -> Result<PathBuf, Failure> {
    create(folder)?;
    if !list(folder)?.is_empty() {
        return Err(Failure::Usage {
            said: format!("`{}` is not empty: name a folder for this release alone", folder.display()),
        });
    }
    fs::canonicalize(folder).map_err(failed("open", folder))
}

/// An empty folder, whole path, whatever was there before.
pub(super) fn fresh(folder: &Path) -> Result<PathBuf, Failure> {
    remove(folder)?;
    create(folder)?;
    set_mode(folder, 0o755)?;
    fs::canonicalize(folder).map_err(failed("open", folder))
}

pub(super) fn remove(folder: &Path) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(failed("remove", folder))
}

pub(super) fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(failed("create", folder))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(failed("read", path))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(failed("write", path))
}

/// The names in a folder.
pub(super) fn list(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(folder).map_err(failed("list", folder))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed("set the mode of", path))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::File { action, path, source }
}
