//! The walls around a feed: a process that calls outside, under the server's user, and holds no key.

use std::path::{Path, PathBuf};

use signerd::{Confined, Confines, Filter, Modes, Network, Programs, Sockets, confine};
use store::LogName;

use crate::config::{Folder, above};
use crate::failure::Failure;
use crate::files;

/// What the system's own resolver of names reads, and the certificates of the authorities that it believes.
const RESOLVER: [&str; 13] = [
    "/dev/urandom",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/share/ca-certificates",
    "/lib",
];

/// Locks this process in as a feed, and says what holds. It keeps files and sockets in one folder in the server's, reads the
/// log as it is shown, speaks at the key process's sockets, and calls outside.
///
/// To be called before it hears a word from anybody.
pub(crate) fn lock_feed_in(folder: &Folder, own: &Path) -> Result<String, Failure> {
    files::private_folder(own)?;
    let server = folder.at(&folder.config.server.folder);
    let mut read: Vec<PathBuf> = RESOLVER.iter().map(PathBuf::from).collect();
    read.push(server.join(LogName::Transparency.folder()));
    read.retain(|path| path.exists());
    let mut sockets = vec![above(&folder.at(&folder.config.signerd.socket)), own.to_owned()];
    sockets.extend(
        ["/run/systemd/resolve", "/run/nscd"].map(PathBuf::from).into_iter().filter(|one| one.exists()),
    );
    let confines = Confines {
        read,
        write: vec![own.to_owned()],
        programs: Programs::None,
        network: Network::Any,
        sockets: Sockets::In(sockets),
        modes: Modes::Set,
    };
    let Confined { landlock, filter } = confine(&confines).map_err(Failure::inside("lock the process in"))?;
    let files = match landlock {
        Some(version) => format!("its files are closed to it but for its own folder (Landlock {version})"),
        None => "Landlock is not available here: it reaches what its user reaches".to_owned(),
    };
    let calls = match filter {
        Filter::Installed => "its system calls are filtered",
        Filter::NotHere => "there is no filter of system calls here",
    };
    Ok(format!("{files}; {calls}"))
}
