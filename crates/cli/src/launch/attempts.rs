//! What whoever takes the server over would try first, tried by the server itself once it is locked in: a wall counts
//! when something ran against it.
//!
//! No attempt does harm where it succeeds.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use model::Guarantee;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open, test_kill_process};
use signer::{CREDENTIAL_BYTES, Frame, FrameError, credential_file};

use super::walls::{Neighbour, OtherSockets};
use crate::config::Folder;

const KEY_FOLDER: &str = "the server cannot open the key folder";
const PASSPHRASE: &str = "the server cannot read the passphrase";
const ADMINISTRATION: &str = "the server cannot administer the key process";
const SIGNALS: &str = "the server cannot signal the key process";
const LOOKING_IN: &str = "the server cannot look into the key process";

/// The guarantees without which there is no boundary between the two processes.
pub(super) const BOUNDARY: [&str; 5] = [KEY_FOLDER, PASSPHRASE, ADMINISTRATION, SIGNALS, LOOKING_IN];

/// How long the key process may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What attempts are made at.
pub(super) struct Attempts<'a> {
    pub(super) folder: &'a Folder,
    pub(super) neighbour: &'a Neighbour,
    pub(super) others: &'a OtherSockets,
}

impl Attempts<'_> {
    /// Makes all of them.
    pub(super) fn make(&self) -> Vec<Guarantee> {
        let signerd = &self.folder.config.signerd;
        let (keys, passphrase) = (self.folder.at(&signerd.folder), self.folder.at(&signerd.passphrase_file));
        vec![
            self.two_users(),
            held(KEY_FOLDER, "listing it", fs::read_dir(&keys)),
            held(PASSPHRASE, "opening its file", File::open(&passphrase)),
            self.administration(),
            self.signal(),
            self.look_in(),
            held(
                "the server cannot open the key folder to others",
                "setting its mode",
                // To what it is already, where that can be seen.
                fs::set_permissions(&keys, mode_of(&keys)),
            ),
            held("the server starts no program", "starting one", no_program()),
            held(
                "the server sends no datagrams",
                "opening a socket for them",
                UdpSocket::bind((LOOPBACK, 0)),
            ),
            held(
                "the server connects nowhere over TCP",
                "connecting",
                TcpStream::connect((LOOPBACK, DISCARD)),
            ),
            held(
                "the server reaches no socket without a path",
                "connecting to one",
                UnixStream::connect_addr(&self.others.nameless),
            ),
            held(
                "the server reaches no socket with a path but the key process's and those in its folder",
                "connecting to one",
                UnixStream::connect(&self.others.path),
            ),
        ]
    }

    fn two_users(&self) -> Guarantee {
        const WHAT: &str = "the key process runs under a user of its own";
        let (theirs, ours) = (self.neighbour.user, rustix::process::geteuid().as_raw());
        if theirs == ours {
            return Guarantee::not_here(WHAT, format!("user {ours} runs both processes"));
        }
        Guarantee::in_force(WHAT, format!("it is user {theirs}, the server user {ours}"))
    }

    fn administration(&self) -> Guarantee {
        const TRIED: &str = "asking at its socket";
        match self.administer() {
            Ok(Frame::Refused(refusal)) => {
                Guarantee::in_force(ADMINISTRATION, format!("{TRIED} is refused: {}", refusal.text))
            }
            Ok(_) => Guarantee::not_here(ADMINISTRATION, format!("{TRIED} succeeds")),
            // It hung up before it heard anything.
            Err(FrameError::Closed) => {
                Guarantee::in_force(ADMINISTRATION, format!("{TRIED} is not answered"))
            }
            Err(FrameError::Stream(cause)) => held(ADMINISTRATION, TRIED, Err::<(), _>(cause)),
            Err(cause) => Guarantee::not_here(ADMINISTRATION, model::told(&cause)),
        }
    }

    fn administer(&self) -> Result<Frame, FrameError> {
        let socket = self.folder.at(&self.folder.config.signerd.admin_socket);
        let mut shown = fs::read(credential_file(&socket)).unwrap_or_default();
        shown.resize(CREDENTIAL_BYTES, 0);
        let mut stream = UnixStream::connect(&socket).map_err(FrameError::Stream)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(FrameError::Stream)?;
        let said = io::Write::write_all(&mut stream, &shown).map_err(FrameError::Stream);
        // Whoever is refused at the door may find it closed before it has said all.
        let _hung_up = said.and_then(|()| Frame::Ask.write(&mut stream));
        Frame::read(&mut stream)
    }

    fn signal(&self) -> Guarantee {
        let sent = test_kill_process(self.neighbour.process).map_err(Into::into);
        held(SIGNALS, "asking whether a signal may go there", sent)
    }

    fn look_in(&self) -> Guarantee {
        let memory = format!("/proc/{}/mem", self.neighbour.process.as_raw_nonzero());
        if let Ok(_open) = File::open(memory) {
            return Guarantee::not_here(LOOKING_IN, "opening its memory succeeds");
        }
        let taken = pidfd_open(self.neighbour.process, PidfdFlags::empty())
            .and_then(|process| pidfd_getfd(process, 0, PidfdGetfdFlags::empty()));
        held(LOOKING_IN, "opening its memory fails; taking one of its descriptors", taken.map_err(Into::into))
    }
}

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// A port at which nobody listens, and where it does no harm if somebody does.
const DISCARD: u16 = 9;

/// What came of an attempt. Only a refusal is a wall; anything else means that the attempt might have gone on.
fn held<T>(what: &str, tried: &str, outcome: io::Result<T>) -> Guarantee {
    match outcome {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
            Guarantee::in_force(what, format!("{tried} fails: {cause}"))
        }
        Err(cause) => {
            Guarantee::not_here(what, format!("nothing forbids it here: {tried} came to `{cause}`"))
        }
        Ok(_) => Guarantee::not_here(what, format!("nothing forbids it here: {tried} succeeds")),
    }
}

fn mode_of(path: &std::path::Path) -> fs::Permissions {
    let mode = fs::metadata(path).map_or(0o700, |metadata| metadata.mode() & 0o7777);
    fs::Permissions::from_mode(mode)
}

fn no_program() -> io::Result<()> {
    Err(signerd::start_nothing())
}
