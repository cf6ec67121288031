//! What only the operating system can give: a process that others cannot look into, a lock on a folder, signals.
//!
//! Everything that is Linux alone stands here and nowhere else.

pub(crate) mod confine;

mod calls;
mod landlock;
mod own;
mod seccomp;
mod secret;

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use keystore::{Passphrase, PassphraseError};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use crate::KeyProcessError;

pub(crate) use own::guarantees;

/// Makes the process undumpable and its files its own. To be called first in `main`, before anything secret is read
/// and before any thread starts.
///
/// What the system does not grant is told as an error; going on would be a promise that is not kept.
pub fn harden() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    Ok(())
}

/// The passphrase in a file's content, kept where secrets are kept on this machine.
pub fn passphrase(content: Vec<u8>) -> Result<Passphrase, PassphraseError> {
    Passphrase::kept_by(secret::keep, content.into())
}

/// Asks the system to start a program that is not there: where nothing forbids it, that is what the system says.
///
/// The standard library has a call for it, which, where it fails, leaves `SIGPIPE` to end the process: whoever hung up
/// on a server that had tried its walls that way was its end.
pub fn start_nothing() -> io::Error {
    let program = c"/nonexistent/program".as_ptr();
    let (arguments, environment) = ([program, std::ptr::null()], [std::ptr::null()]);
    // SAFETY: the path ends with NUL, both lists end with a null pointer, and all of them outlive the call.
    unsafe { libc::execve(program, arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Time since boot, sleep included.
pub(crate) fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Takes the folder for this process alone, as long as the value lives.
pub(crate) fn lock(folder: &Path) -> Result<File, KeyProcessError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file =
        file.map_err(|source| KeyProcessError::System { action: "open", path: path.clone(), source })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(KeyProcessError::Locked { folder: folder.to_owned() }),
        Err(source) => Err(KeyProcessError::System { action: "lock", path, source: source.into() }),
    }
}

/// The user at the other end of a socket.
pub(crate) fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// The user of this process.
pub(crate) fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The number of a user: of a name that this system knows, or of the number itself.
pub fn user(name: &str) -> Option<User> {
    if let Ok(number) = name.parse() {
        return Some(User { user: number, group: number });
    }
    let name = CString::new(name).ok()?;
    let mut room = vec![0; 16 * 1024];
    let mut found = std::ptr::null_mut();
    // SAFETY: all pointers are to values that live through the call, and the length is that of the room. Where `found`
    // is set, it points to `entry`, which was filled in.
    unsafe {
        let mut entry = std::mem::zeroed();
        let failed =
            libc::getpwnam_r(name.as_ptr(), &raw mut entry, room.as_mut_ptr(), room.len(), &raw mut found);
        (failed == 0 && !found.is_null()).then_some(User { user: entry.pw_uid, group: entry.pw_gid })
    }
}

/// A user of this system, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub user: u32,
    /// The group that it belongs to first of all.
    pub group: u32,
}

/// Asks this process for a clean stop.
pub(crate) fn ask_to_stop() {
    // A process may always send itself a signal; were it not so, it would go on refusing everything.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM);
}

/// The signals that ask for a clean stop. While a value of this lives, they wait to be asked for.
pub(crate) struct StopSignals {
    set: libc::sigset_t,
}

impl StopSignals {
    /// Holds the signals back in this thread and in all that it starts from now on.
    pub(crate) fn hold() -> io::Result<Self> {
        // SAFETY: `sigemptyset` initialises the set that it is given, and the other calls take an initialised set
        // that outlives them. A null pointer says that the old mask is not wanted.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::sigaddset(&raw mut set, libc::SIGINT);
            match libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) {
                0 => Ok(Self { set }),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        }
    }

    /// Waits until one of them comes.
    pub(crate) fn wait(&self) -> io::Result<()> {
        let mut signal = 0;
        // SAFETY: both pointers are to values that live through the call.
        match unsafe { libc::sigwait(&raw const self.set, &raw mut signal) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}
