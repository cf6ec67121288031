//! Landlock: which files a process may open, which ports it may bind, whom it may signal. Once said, it is said for
//! good, and for every process that this one starts.
//!
//! Specification: the kernel's `Documentation/userspace-api/landlock.rst`.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::confine::{Confines, Network, Programs, Sockets};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const MAKE_SOCK: u64 = 1 << 9;
/// What the first version knows: the above, and devices, pipes and links.
const FIRST: u64 = (1 << 13) - 1;
/// Moving a file to another folder, from version 2 on.
const REFER: u64 = 1 << 13;
/// From version 3 on.
const TRUNCATE: u64 = 1 << 14;
/// Commands to devices, from version 5 on.
const IOCTL_DEV: u64 = 1 << 15;
/// Speaking at a socket with a path, from version 9 on.
const RESOLVE_UNIX: u64 = 1 << 16;

/// What may be done to something that is no folder.
const FILE_RIGHTS: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
const READ: u64 = READ_FILE | READ_DIR;
/// Everything that keeping files and sockets in a folder takes; no devices, no pipes, no links, no programs.
const WRITE: u64 =
    READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | REFER | TRUNCATE;

const BIND_TCP: u64 = 1;
const CONNECT_TCP: u64 = 1 << 1;

const SCOPE_ABSTRACT_SOCKETS: u64 = 1;
const SCOPE_SIGNALS: u64 = 1 << 1;

const RULE_PATH_BENEATH: libc::c_int = 1;
const RULE_NET_PORT: libc::c_int = 2;

/// `struct landlock_ruleset_attr`. An older kernel takes the longer one as long as what it does not know is zero.
#[repr(C)]
#[derive(Default)]
struct RulesetAttributes {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

/// `struct landlock_net_port_attr`.
#[repr(C)]
struct NetPort {
    allowed: u64,
    port: u64,
}

/// The version of Landlock that this kernel has; an error where it has none, or has it switched off.
pub(crate) fn version() -> io::Result<u32> {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the call takes no attributes, and says so by a null pointer of no length.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttributes>(),
            0_usize,
            VERSION,
        )
    };
    let version = result(version)?;
    u32::try_from(version).map_err(io::Error::other)
}

/// Confines this thread, and all that it starts from now on. No privileges can be gained afterwards.
pub(crate) fn restrict(version: u32, confines: &Confines) -> io::Result<()> {
    let attributes = attributes(version, confines);
    let ruleset = create(version, &attributes)?;
    let allow = |path: &Path, rights: u64| allow_path(&ruleset, path, rights & attributes.files);
    confines.read.iter().try_for_each(|path| allow(path, READ))?;
    confines.write.iter().try_for_each(|path| allow(path, WRITE))?;
    if let Sockets::In(folders) = &confines.sockets
        && attributes.files & RESOLVE_UNIX != 0
    {
        folders.iter().try_for_each(|path| allow(path, RESOLVE_UNIX))?;
    }
    if confines.programs == Programs::Own {
        allow(&std::env::current_exe()?, EXECUTE | READ_FILE)?;
        loaders().try_for_each(|path| allow(path, EXECUTE | READ_FILE))?;
        libraries().try_for_each(|path| allow(path, READ))?;
    }
    if let (Network::Listen(ports), true) = (&confines.network, attributes.network != 0) {
        ports.iter().try_for_each(|port| allow_port(&ruleset, *port))?;
    }
    rustix::thread::set_no_new_privs(true)?;
    // SAFETY: the call takes a descriptor that lives through it, and flags, of which there are none.
    result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) })?;
    Ok(())
}

/// What a program that is linked dynamically is started by.
fn loaders() -> impl Iterator<Item = &'static Path> {
    let known = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    known.into_iter().map(Path::new).filter(|path| path.exists())
}

/// Where its libraries are.
fn libraries() -> impl Iterator<Item = &'static Path> {
    let known = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"];
    known.into_iter().map(Path::new).filter(|path| path.exists())
}

/// What is forbidden unless a rule allows it: as much as the kernel knows to forbid.
fn attributes(version: u32, confines: &Confines) -> RulesetAttributes {
    let since = |first: u32, rights: u64| if version >= first { rights } else { 0 };
    let sockets = if confines.sockets == Sockets::Any { 0 } else { since(9, RESOLVE_UNIX) };
    RulesetAttributes {
        files: FIRST | since(2, REFER) | since(3, TRUNCATE) | since(5, IOCTL_DEV) | sockets,
        network: match confines.network {
            Network::None | Network::Listen(_) => since(4, BIND_TCP | CONNECT_TCP),
            Network::Any => 0,
        },
        scoped: since(6, SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS),
    }
}

fn create(version: u32, attributes: &RulesetAttributes) -> io::Result<OwnedFd> {
    let length = match version {
        0..=3 => size_of::<u64>(),
        4..=5 => 2 * size_of::<u64>(),
        _ => size_of::<RulesetAttributes>(),
    };
    // SAFETY: the pointer is to a value of at least this length, which lives through the call.
    let created = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::from_ref(attributes), length, 0_u32)
    };
    let descriptor = i32::try_from(result(created)?).map_err(io::Error::other)?;
    // SAFETY: the kernel gave the descriptor just now, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn allow_path(ruleset: &OwnedFd, path: &Path, rights: u64) -> io::Result<()> {
    let place = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path);
    let place = place.map_err(|cause| named(path, &cause))?;
    let is_folder = fs::metadata(path).map_err(|cause| named(path, &cause))?.is_dir();
    let allowed = if is_folder { rights } else { rights & FILE_RIGHTS };
    let rule = PathBeneath { allowed, parent: place.as_raw_fd() };
    add(ruleset, RULE_PATH_BENEATH, &rule).map_err(|cause| named(path, &cause))
}

fn allow_port(ruleset: &OwnedFd, port: u16) -> io::Result<()> {
    add(ruleset, RULE_NET_PORT, &NetPort { allowed: BIND_TCP, port: port.into() })
}

fn add<T>(ruleset: &OwnedFd, kind: libc::c_int, rule: &T) -> io::Result<()> {
    // SAFETY: the pointer is to a rule of the kind that is named, which lives through the call.
    let added = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), kind, std::ptr::from_ref(rule), 0_u32)
    };
    result(added).map(drop)
}

fn named(path: &Path, cause: &io::Error) -> io::Error {
    io::Error::new(cause.kind(), format!("`{}`: {cause}", path.display()))
}

fn result(returned: libc::c_long) -> io::Result<libc::c_long> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}
