//! A TUF repository that is followed: a folder with what was proven of it, and its files.
//!
//! The folder is a client's memory. What lies there is proven anew each time, and says what must not go back.

use std::fs;
use std::path::{Path, PathBuf};

use ::verify::{Fetched, ROLES_VISITED_MAX, ROOTS_MAX, TufRefused, TufSearch, TufSource, TufTrust};
use client::{TufSite, escaped};
use envelope::tuf::bytes_max;
use model::{Instant, TufRole};

use crate::failure::Failure;

/// The longest file that is fetched from a repository.
const TARGET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A repository, and the folder of its metadata.
pub(crate) struct TufClient<'a> {
    site: &'a TufSite,
    folder: &'a Path,
    trust: TufTrust,
    now: Instant,
}

/// Puts a root into a folder, from which its repository is followed.
pub(crate) fn begin(folder: &Path, root: &Path) -> Result<(), Failure> {
    let bytes = crate::files::read_bounded(root, bytes_max(TufRole::Root))?;
    TufTrust::begin(&bytes).map_err(Failure::input(root.display().to_string(), "a root of TUF"))?;
    fs::create_dir_all(folder).map_err(Failure::file("make the folder", folder))?;
    crate::files::write(&path(folder, TufRole::Root.word()), &bytes)
}

/// The file of a role in a folder.
fn path(folder: &Path, role: &str) -> PathBuf {
    folder.join(format!("{}.json", escaped(role)))
}

impl<'a> TufClient<'a> {
    /// Opens a folder, whose root is where trust begins.
    pub(crate) fn open(site: &'a TufSite, folder: &'a Path, now: Instant) -> Result<Self, Failure> {
        let root = path(folder, TufRole::Root.word());
        let bytes = crate::files::read_bounded(&root, bytes_max(TufRole::Root))?;
        let trust = TufTrust::begin(&bytes).map_err(refused)?;
        Ok(Self { site, folder, trust, now })
    }

    /// Takes what is new: roots, timestamp, snapshot, targets, in this order.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        self.roots()?;
        self.timestamp()?;
        self.snapshot()?;
        self.targets(TufRole::Targets.word(), None)
    }

    fn roots(&mut self) -> Result<(), Failure> {
        for _ in 0..ROOTS_MAX {
            let name = format!("{}.root.json", self.trust.root_version() + 1);
            let Some(bytes) = self.metadata(&name, bytes_max(TufRole::Root))? else { break };
            self.trust.next_root(&bytes).map_err(refused)?;
            self.keep(TufRole::Root.word(), &bytes)?;
        }
        Ok(())
    }

    fn timestamp(&mut self) -> Result<(), Failure> {
        let role = TufRole::Timestamp;
        if let Some(kept) = self.kept(role.word(), bytes_max(role)) {
            // One that does not hold any more, after other keys took over, says nothing.
            let _ = self.trust.timestamp(&kept, TufSource::Kept, self.now);
        }
        let bytes = self.required("timestamp.json", bytes_max(role))?;
        match self.trust.timestamp(&bytes, TufSource::Fetched, self.now).map_err(refused)? {
            Fetched::Newer => self.keep(role.word(), &bytes),
            Fetched::Same => Ok(()),
        }
    }

    fn snapshot(&mut self) -> Result<(), Failure> {
        let role = TufRole::Snapshot;
        if let Some(kept) = self.kept(role.word(), bytes_max(role)) {
            let _ = self.trust.snapshot(&kept, TufSource::Kept, self.now);
        }
        if self.trust.is_snapshot_current(self.now) {
            return Ok(());
        }
        let named = self.trust.named_snapshot().map_or(1, |named| named.version);
        let bytes = self.required(&self.versioned(role.word(), named), bytes_max(role))?;
        self.trust.snapshot(&bytes, TufSource::Fetched, self.now).map_err(refused)?;
        self.keep(role.word(), &bytes)
    }

    /// Takes the targets of a role, proven by whoever delegates to it here.
    fn targets(&mut self, role: &str, delegator: Option<&str>) -> Result<(), Failure> {
        let limit = bytes_max(TufRole::Targets);
        if let Some(kept) = self.kept(role, limit)
            && self.trust.targets(role, delegator, &kept, self.now).is_ok()
        {
            return Ok(());
        }
        let named = self.trust.named_targets(role).map(|named| named.version);
        let named = named.ok_or_else(|| refused(TufRefused::Unnamed { role: escaped(role) }))?;
        let bytes = self.required(&self.versioned(role, named), limit)?;
        self.trust.targets(role, delegator, &bytes, self.now).map_err(refused)?;
        self.keep(role, &bytes)
    }

    /// Fetches a file into a folder, unless it lies there already; its path comes back.
    pub(crate) fn download(&mut self, target: &str, into: &Path) -> Result<PathBuf, Failure> {
        let Some(role) = self.role_that_names(target)? else {
            return Err(missing(target));
        };
        let named = self.trust.of_role(&role).and_then(|says| says.targets.get(target)).cloned();
        let named = named.ok_or_else(|| missing(target))?;
        let path = into.join(escaped(target));
        if fs::read(&path).is_ok_and(|bytes| named.is(&bytes)) {
            return Ok(path);
        }
        let place = match named.digest().filter(|_| self.trust.has_consistent_snapshots()) {
            None => target.to_owned(),
            Some(digest) => match target.rsplit_once('/') {
                Some((folder, name)) => format!("{folder}/{digest}.{name}"),
                None => format!("{digest}.{target}"),
            },
        };
        let limit = usize::try_from(named.length).unwrap_or(usize::MAX).min(TARGET_BYTES_MAX);
        let bytes = crate::online::call(self.site.target(&place, limit))?.ok_or_else(|| missing(target))?;
        if !named.is(&bytes) {
            return Err(refused(TufRefused::OtherFile { role: escaped(target) }));
        }
        fs::create_dir_all(into).map_err(Failure::file("make the folder", into))?;
        crate::files::write(&path, &bytes)?;
        Ok(path)
    }

    /// Who names a file: those who delegate before those to whom they do, in their order, and each but once.
    fn role_that_names(&mut self, target: &str) -> Result<Option<String>, Failure> {
        let mut waiting = vec![(TufRole::Targets.word().to_owned(), None::<String>)];
        let mut visited = Vec::new();
        while let Some((role, delegator)) = waiting.pop() {
            if visited.contains(&role) || visited.len() >= ROLES_VISITED_MAX {
                continue;
            }
            self.targets(&role, delegator.as_deref())?;
            visited.push(role.clone());
            if self.trust.of_role(&role).is_some_and(|says| says.targets.contains_key(target)) {
                return Ok(Some(role));
            }
            let mut next = self.trust.delegates(&role, target);
            if let Some(last) = next.iter().position(|delegate| delegate.search == TufSearch::Ends) {
                next.truncate(last + 1);
                waiting.clear();
            }
            waiting.extend(next.into_iter().rev().map(|delegate| (delegate.name, Some(role.clone()))));
        }
        Ok(None)
    }

    fn versioned(&self, role: &str, version: u64) -> String {
        if self.trust.has_consistent_snapshots() {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        }
    }

    fn metadata(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Failure> {
        crate::online::call(self.site.metadata(name, limit))
    }

    fn required(&self, name: &str, limit: usize) -> Result<Vec<u8>, Failure> {
        self.metadata(name, limit)?.ok_or_else(|| missing(name))
    }

    fn kept(&self, role: &str, limit: usize) -> Option<Vec<u8>> {
        let path = path(self.folder, role);
        path.exists().then(|| crate::files::read_bounded(&path, limit).ok()).flatten()
    }

    fn keep(&self, role: &str, bytes: &[u8]) -> Result<(), Failure> {
        crate::files::write(&path(self.folder, role), bytes)
    }
}

fn refused(source: TufRefused) -> Failure {
    Failure::BadRepository { source: source.into() }
}

fn missing(name: &str) -> Failure {
    Failure::BadRepository { source: format!("it has no `{}`", escaped(name)).into() }
}
