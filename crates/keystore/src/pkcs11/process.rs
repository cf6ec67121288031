//! A lane process, as the key process sees it: a child, a control connection, and one connection a session.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::Disk;

use super::refusal::{self, Mark};
use super::system;
use super::token::HardwareToken;
use super::uri::Pkcs11Uri;
use super::wire::{Call, FrameError, Login, Reply, SESSIONS_MAX};
use crate::KeyStoreError;

/// How long a module may take to load, to find its token and to log in: some speak with a device over a network.
const START: Duration = Duration::from_secs(30);

/// The executable that is the lane process, and the arguments that make it one. It finds its connection on standard
/// input, and hands it to [`Called`](super::Called).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneProgram {
    /// The executable: the key process's own.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What a PKCS #11 store needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11Wiring {
    /// The hardware token, its module, and the file of its PIN.
    pub uri: Pkcs11Uri,
    /// The whole environment of the lane process: what the module's own documentation asks for. No secrets.
    pub environment: BTreeMap<String, String>,
    /// How long the module may take for a signature; then its process is killed.
    pub deadline: Duration,
    /// What is started.
    pub program: LaneProgram,
}

/// A child that was started. It is killed and reaped at the latest when this is dropped.
pub(crate) struct Process {
    child: Mutex<Child>,
    control: UnixStream,
}

/// A lane process that is open.
pub(crate) struct Opened {
    pub(crate) token: HardwareToken,
    /// One for each session.
    pub(crate) connections: Vec<UnixStream>,
}

/// Asks a module for its token, in a lane process that lives for that alone. The PIN is not read; where the store over
/// this disk remembers that it was refused, that is the answer.
pub fn look(wiring: &Pkcs11Wiring, disk: &dyn Disk) -> Result<HardwareToken, KeyStoreError> {
    let token = Process::start(wiring)?.open(wiring, Login::Nobody)?.token;
    // A folder that is not there, or not for whoever looks, says nothing of the token.
    match refusal::remembered(disk, Mark::now(&wiring.uri)) {
        Ok(Some(fault)) => Err(fault.into()),
        _ => Ok(token),
    }
}

/// How many sessions a lane has, where its token allows as many: one a core, of which each has enough to do.
pub(crate) fn sessions() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(SESSIONS_MAX).expect("a lane has sessions");
    std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |cores| cores.min(MOST))
}

impl Process {
    /// Starts the child. It dies with the thread that calls this: with one that lives as long as it is wanted.
    pub(crate) fn start(wiring: &Pkcs11Wiring) -> Result<Self, KeyStoreError> {
        let failed = |source| KeyStoreError::LaneProcess { action: "start", source };
        let (control, theirs) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(&wiring.program.executable);
        command.args(&wiring.program.arguments).env_clear().envs(&wiring.environment);
        // It goes by the name of the process that it belongs to.
        command.arg0(std::env::args_os().next().unwrap_or_else(|| wiring.program.executable.clone().into()));
        // Whatever a module prints is not for our standard output, which may be somebody's terminal or file.
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        Ok(Self { child: Mutex::new(command.spawn().map_err(failed)?), control })
    }

    /// Has the child load the module, find the token and log in.
    pub(crate) fn open(&self, wiring: &Pkcs11Wiring, login: Login) -> Result<Opened, KeyStoreError> {
        let sessions = if login == Login::User { sessions().get() } else { 0 };
        let call = Call::Open { parent: std::process::id(), uri: wiring.uri.to_string(), sessions, login };
        let mut timed = Timed::new(&self.control, START);
        let broken = |error: FrameError| broken(&error, START);
        call.write(&mut timed).map_err(|error| broken(error.into()))?;
        let mut connections = self
            .connect(sessions)
            .map_err(|source| KeyStoreError::LaneProcess { action: "connect", source })?;
        match Reply::read(&mut timed).map_err(broken)? {
            Reply::Open { token, sessions } if sessions <= connections.len() => {
                connections.truncate(sessions);
                Ok(Opened { token, connections })
            }
            Reply::Fault(fault) => Err(fault.into()),
            _ => Err(KeyStoreError::LaneEnded),
        }
    }

    /// Passes one end of each of so many connections to the child.
    fn connect(&self, count: usize) -> io::Result<Vec<UnixStream>> {
        let pairs = (0..count).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>()?;
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        system::pass(&self.control, &theirs)?;
        Ok(ours)
    }

    /// Ends the child, whatever it is at. Whoever waits for it or for its answers goes on.
    pub(crate) fn end(&self) {
        // Who holds the lock kills it, or reaps it already: a child that is slow to go holds nobody up here.
        if let Ok(mut child) = self.child.try_lock() {
            let _gone_already = child.kill();
        }
        let _ = self.control.shutdown(Shutdown::Both);
    }

    /// Waits until the child ended, by itself or by [`end`](Self::end), and reaps it.
    pub(crate) fn wait(&self) {
        // Nothing is ever said here after the reply to the first call: what is read is the end.
        let _ = (&self.control).read(&mut [0]);
        self.end();
        let _ = self.child().wait();
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        let _ = self.child().wait();
    }
}

/// Says a call on a connection, and hears the reply, before the time is over.
pub(crate) fn ask(connection: &UnixStream, call: &Call, until: Instant) -> Result<Reply, FrameError> {
    let mut timed = Timed { stream: connection, until };
    call.write(&mut timed)?;
    Reply::read(&mut timed)
}

/// A connection that broke, in words of the key store.
pub(crate) fn broken(error: &FrameError, deadline: Duration) -> KeyStoreError {
    match error {
        FrameError::Stream(cause) if cause.kind() == io::ErrorKind::TimedOut => {
            KeyStoreError::LaneSilent { deadline_ms: deadline.as_millis() }
        }
        _ => KeyStoreError::LaneEnded,
    }
}

/// A stream on which all reading and writing together ends in time, however many pieces it comes in.
struct Timed<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl<'a> Timed<'a> {
    fn new(stream: &'a UnixStream, time: Duration) -> Self {
        Self { stream, until: Instant::now() + time }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// What comes after waits for as long as it likes: a lane must not end because its first reply once had to come in time.
impl Drop for Timed<'_> {
    fn drop(&mut self) {
        // Fails only on a connection that is gone.
        let _ = self.stream.set_read_timeout(None).and_then(|()| self.stream.set_write_timeout(None));
    }
}

/// A timeout shows as an operation that would block.
fn in_time<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    })
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        in_time(self.stream.read(buffer))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        in_time(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_time_limit_ends_with_what_it_was_for() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut timed = Timed::new(&ours, Duration::from_millis(1));
        let error = timed.read_exact(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(timed.write(&[0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(timed);
        assert_eq!((ours.read_timeout().unwrap(), ours.write_timeout().unwrap()), (None, None));
    }
}
