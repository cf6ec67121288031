//! The lock that a process puts on itself, before it hears a word from anybody: what it may reach from then on.

use std::io;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{landlock, seccomp};

/// What a process needs of the machine. It gets nothing else. By default it needs nothing.
#[derive(Debug, Clone, Default)]
pub struct Confines {
    /// Files and folders that it reads.
    pub read: Vec<PathBuf>,
    /// Folders in which it keeps files and sockets.
    pub write: Vec<PathBuf>,
    /// What it starts.
    pub programs: Programs,
    /// What it has to do with a network.
    pub network: Network,
    /// At which sockets of others it speaks.
    pub sockets: Sockets,
    /// What it does to the modes and owners of files.
    pub modes: Modes,
}

/// What a process starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Programs {
    /// No process at all.
    #[default]
    None,
    /// Its own program once more, in processes that are confined as it is itself.
    Own,
}

/// What a process has to do with a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing: local sockets alone.
    #[default]
    None,
    /// It listens at these TCP ports, and connects nowhere. Port 0 is any free one.
    Listen(Vec<u16>),
    /// Anything.
    Any,
}

/// At which sockets with a path a process speaks, of those that others made. Landlock knows of that from version 9 on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sockets {
    /// At any that its user may open.
    #[default]
    Any,
    /// At those in these folders.
    In(Vec<PathBuf>),
}

/// What a process does to the modes and owners of files. Landlock says nothing about these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Modes {
    /// It leaves them as they are made.
    #[default]
    Left,
    /// It sets them.
    Set,
}

/// Which locks hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confined {
    /// The version of Landlock, where there is one.
    pub landlock: Option<u32>,
    /// Is there a filter of system calls?
    pub filter: Filter,
}

/// Is there a filter of system calls?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// There is.
    Installed,
    /// The kernel has none, or none was written for this architecture.
    NotHere,
}

/// Why a process cannot be locked in, on a system that could do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// Threads that would stay outside.
    #[error("{threads} threads run already, and only this one can be locked in")]
    Threads {
        /// How many.
        threads: usize,
    },
    /// The kernel does not take a part of it.
    #[error("the kernel does not {action}")]
    Refused {
        /// What it was asked.
        action: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Locks this process in, for good. To be called before any other thread runs and before any listener is open.
///
/// What the kernel does not have is left out, and told in what comes back; what it has and refuses is an error.
pub fn confine(confines: &Confines) -> Result<Confined, ConfineError> {
    let refused = |action| move |source| ConfineError::Refused { action, source };
    // INVARIANT: Landlock holds for the calling thread and what it starts; a thread beside it would be free.
    let threads = threads().map_err(refused("list the threads"))?;
    if threads > 1 {
        return Err(ConfineError::Threads { threads });
    }
    // What it makes is its own: the filter forbids to change a mode afterwards.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    rustix::thread::set_no_new_privs(true)
        .map_err(|cause| refused("renounce new privileges")(cause.into()))?;
    let landlock = landlock::version().ok();
    if let Some(version) = landlock {
        landlock::restrict(version, confines).map_err(refused("take the rules of Landlock"))?;
    }
    drop_capabilities().map_err(|cause| refused("take back root's capabilities")(cause.into()))?;
    let filter = seccomp::install(confines).map_err(refused("take the filter of system calls"))?;
    Ok(Confined { landlock, filter })
}

/// How many threads run, as far as this process can tell. One that may not look is in walls already, which hold for all
/// its threads, and is what those walls let start: this program, at its first line.
fn threads() -> io::Result<usize> {
    match std::fs::read_dir("/proc/self/task") {
        Ok(listed) => Ok(listed.count()),
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => Ok(1),
        Err(cause) => Err(cause),
    }
}

/// Root without capabilities is a user like others, but for the files that are root's.
fn drop_capabilities() -> rustix::io::Result<()> {
    let held = rustix::thread::capabilities(None)?;
    // A port below 1024 is the one thing that a confined process may still have to ask for.
    let kept = held.permitted & CapabilitySet::NET_BIND_SERVICE;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: none },
    )
}
