//! What the key process promises of itself, each with what was seen when it was tried.

use std::fs;
use std::io;
use std::net::UdpSocket;

use model::Guarantee;
use rustix::process::{DumpableBehavior, Resource};

use super::confine::{Confined, Confines, Network, Programs};
use super::secret::{self, Place};

/// Tries every wall of this process. To be called when [`confine`](super::confine) has put them up.
pub(crate) fn guarantees(confines: &Confines, confined: Confined) -> Vec<Guarantee> {
    let mut list = vec![undumpable(), no_core(), secrets(), own_files(confines, confined)];
    list.push(match confines.network {
        Network::None => no_network(),
        Network::Listen(_) | Network::Any => {
            Guarantee::not_here("the key process opens no network socket", "a key store needs the network")
        }
    });
    list.push(match confines.programs {
        Programs::None => no_program(),
        Programs::Own => Guarantee::not_here(
            "the key process starts no program",
            "a key store has a process of its own, which runs this same program and is confined with it",
        ),
    });
    list
}

fn undumpable() -> Guarantee {
    const WHAT: &str = "nobody but root looks into the key process";
    match rustix::process::dumpable_behavior() {
        Ok(DumpableBehavior::NotDumpable) => {
            Guarantee::in_force(WHAT, "it is not dumpable: no tracing, no /proc/PID/mem for its own user")
        }
        _ => Guarantee::not_here(WHAT, "the system lets it be dumped"),
    }
}

fn no_core() -> Guarantee {
    const WHAT: &str = "the key process leaves no core dump";
    match rustix::process::getrlimit(Resource::Core).maximum {
        Some(0) => Guarantee::in_force(WHAT, "its limit is 0, and it cannot raise it"),
        _ => Guarantee::not_here(WHAT, "its limit can be raised"),
    }
}

fn secrets() -> Guarantee {
    const WHAT: &str = "passphrase and sealing keys in memory that nobody else can map";
    match secret::place() {
        Place::Hidden => Guarantee::in_force(WHAT, "they are in `memfd_secret`, and wiped after use"),
        Place::Locked => Guarantee::not_here(
            WHAT,
            "this kernel has no `memfd_secret`; they are in locked memory outside core dumps, and wiped after use",
        ),
        Place::Ordinary => Guarantee::not_here(
            WHAT,
            "this kernel has no `memfd_secret`, and locks no memory for this user; they are wiped after use",
        ),
    }
}

fn own_files(confines: &Confines, confined: Confined) -> Guarantee {
    const WHAT: &str = "the key process reads no folder but its own";
    let Some(version) = confined.landlock else {
        return Guarantee::not_here(WHAT, "this kernel has no Landlock, or has it switched off");
    };
    match fs::read_dir("/") {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
            let stores = if confines.read.is_empty() { "" } else { "; what its key stores need it can read" };
            Guarantee::in_force(WHAT, format!("reading `/` fails ({cause}), by Landlock {version}{stores}"))
        }
        _ => Guarantee::not_here(WHAT, "a key store needs other folders"),
    }
}

fn no_network() -> Guarantee {
    const WHAT: &str = "the key process opens no network socket";
    match UdpSocket::bind("127.0.0.1:0") {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
            Guarantee::in_force(WHAT, format!("opening one fails ({cause}), by the filter of system calls"))
        }
        _ => Guarantee::not_here(WHAT, "this system has no filter of system calls"),
    }
}

fn no_program() -> Guarantee {
    const WHAT: &str = "the key process starts no program";
    let cause = super::start_nothing();
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            Guarantee::in_force(WHAT, format!("starting one fails ({cause}), by the filter of system calls"))
        }
        _ => Guarantee::not_here(WHAT, "this system has no filter of system calls"),
    }
}
