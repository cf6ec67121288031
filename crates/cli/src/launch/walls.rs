//! The walls around the server: what it is locked in by, before it hears a word from anybody.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;

use model::{Force, Guarantee};
use rustix::process::Pid;
use signerd::{Confines, Modes, Network, Programs, Sockets, confine};

use super::attempts::{Attempts, BOUNDARY};
use crate::config::{FILE, Folder, above};
use crate::failure::Failure;

/// Locks this process in as the server of a folder, and tries each wall. Nothing of the server runs before that.
///
/// Where the walls between the two processes are missing and the configuration asks for them, it stops here.
pub(crate) fn lock_in(folder: &Folder) -> Result<Vec<Guarantee>, Failure> {
    let neighbour = Neighbour::find(folder)?;
    let others = OtherSockets::listen(folder).map_err(Failure::inside("listen at a socket of its own"))?;
    confine(&confines(folder)).map_err(Failure::inside("lock the server in"))?;
    let guarantees = Attempts { folder, neighbour: &neighbour, others: &others }.make();
    check(folder, &guarantees)?;
    Ok(guarantees)
}

/// What the server needs of the machine: its own folders, and its three ports. It connects nowhere and starts nothing.
fn confines(folder: &Folder) -> Confines {
    let (server, signerd) = (&folder.config.server, &folder.config.signerd);
    let system = ["/dev/urandom", "/proc/self/cgroup", "/proc/self/mountinfo", "/sys/fs/cgroup"];
    let mut read: Vec<PathBuf> = system.iter().map(PathBuf::from).collect();
    read.push(signerd::guarantees_file(&folder.at(&signerd.socket)));
    read.push(configuration(folder));
    read.retain(|path| path.exists());
    let ports = [server.listen, server.public_listen, server.monitor_listen].map(|address| address.port());
    Confines {
        read,
        write: folder.of_server().into(),
        programs: Programs::None,
        network: Network::Listen(ports.into()),
        // The key process's; and in the server's own folder, that of `avouch issuer feed`, which calls issuers for it.
        sockets: Sockets::In(vec![above(&folder.at(&signerd.socket)), folder.at(&server.folder)]),
        modes: Modes::Left,
    }
}

/// What is read of the configuration when the server is told to reload: the folder that the file is in, so that a file
/// that was put in its place is read too; the file alone, where the key process's secrets are in that folder.
fn configuration(folder: &Folder) -> PathBuf {
    let holds_secrets = folder.of_key_process().iter().any(|path| path.starts_with(folder.path()));
    if holds_secrets { folder.at(FILE) } else { folder.path().to_owned() }
}

fn check(folder: &Folder, guarantees: &[Guarantee]) -> Result<(), Failure> {
    let missing: Vec<String> =
        missing(guarantees).map(|one| format!("{}: {}", one.what, one.evidence)).collect();
    if missing.is_empty() || !folder.config.require_isolation {
        return Ok(());
    }
    Err(Failure::ConfigKey {
        path: folder.at(FILE),
        key: "require_isolation",
        fault: format!(
            "a server that is taken over would get at the keys here, since not all of these hold: {}; run the two processes as two users, or on a kernel with Landlock, or say `false`",
            missing.join("; ")
        ),
    })
}

/// What of the wall between the two processes is missing.
pub(crate) fn missing(guarantees: &[Guarantee]) -> impl Iterator<Item = &Guarantee> {
    guarantees.iter().filter(|one| one.force != Force::InForce && BOUNDARY.contains(&one.what.as_str()))
}

/// The key process, as the server meets it.
pub(super) struct Neighbour {
    pub(super) process: Pid,
    pub(super) user: u32,
}

impl Neighbour {
    fn find(folder: &Folder) -> Result<Self, Failure> {
        let socket = folder.at(&folder.config.signerd.socket);
        let failed = |source: io::Error| Failure::KeyProcess { action: "take orders", source: source.into() };
        let stream = UnixStream::connect(&socket).map_err(failed)?;
        let peer = rustix::net::sockopt::socket_peercred(&stream).map_err(|cause| failed(cause.into()))?;
        Ok(Self { process: peer.pid, user: peer.uid.as_raw() })
    }
}

/// Two sockets that were made before the walls were put up, like those of any other process: one without a path, one
/// with.
pub(super) struct OtherSockets {
    pub(super) nameless: SocketAddr,
    pub(super) path: PathBuf,
    _listeners: [UnixListener; 2],
}

impl OtherSockets {
    fn listen(folder: &Folder) -> io::Result<Self> {
        let nameless = SocketAddr::from_abstract_name(crate::random::bytes::<16>())?;
        let path = folder.ready_file().with_file_name("others.sock");
        let _none_was_left = fs::remove_file(&path);
        let listeners = [UnixListener::bind_addr(&nameless)?, UnixListener::bind(&path)?];
        Ok(Self { nameless, path, _listeners: listeners })
    }
}

impl Drop for OtherSockets {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.path);
    }
}
