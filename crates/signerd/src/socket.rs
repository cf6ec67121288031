//! The three sockets: orders on one, administration on another, words of witnesses on the third. A thread a
//! connection, and not too many of them.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use signer::{Announced, Frame, FrameError, Refusal, RefusalCode};

use crate::credential::Credential;
use crate::gate::Gate;
use crate::porch::{Place, Porch};
use crate::shared::Shared;
use crate::standing::refuse;
use crate::{KeyProcessError, sandbox};

/// How long a connection may be silent, between frames or within one. Clients connect anew without being told.
const SILENCE: Duration = Duration::from_secs(120);

/// Connections at a time, on each socket: lanes and stages are a dozen.
const CONNECTIONS_MAX: usize = 64;

/// Root can be whoever it wants to be; that it must, helps nobody.
const ROOT: u32 = 0;

/// Bytes of frames that are read or answered at a time, over all connections of a socket. A frame that does not fit
/// waits until those before it are answered, and is not read until then.
const INTAKE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Frames up to this length wait for nobody: all connections together hold less than a large one.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// How long a frame may take to arrive, once there is room for it, and an answer to be read. Whoever holds room has to
/// use it.
const PASSAGE: Duration = Duration::from_secs(30);

/// Bytes of what this process tells of itself that wait to be read at a time, over all connections of a socket. It is as
/// large as the registry, and a question for it is five bytes.
const TOLD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long an administrator may take to show that they are one.
const PROOF: Duration = Duration::from_secs(5);

/// What a socket is for.
pub(crate) enum Audience {
    /// The engine and the authorities.
    Orders,
    /// An administrator, who shows this.
    Administration(Credential),
    /// Whoever goes between this process and its witnesses.
    Witnessing,
}

impl Audience {
    const fn name(&self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Administration(_) => "administration",
            Self::Witnessing => "witnessing",
        }
    }
}

/// What to do when the journal failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Ask this very process to stop, so that whoever watches over it starts it anew.
    Stop,
    /// Refuse everything, for a host that goes on without.
    Refuse,
}

/// A socket that is being served.
pub(crate) struct Listening {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What every connection of a socket shares.
struct Desk {
    process: Arc<Shared>,
    audience: Audience,
    failure: OnFailure,
    users: Vec<u32>,
    connections: AtomicUsize,
    /// Where administrators wait until they have shown that they are some.
    porch: Arc<Porch>,
    intake: Gate,
    telling: Gate,
    /// How much was told last; before that, more than there is room for, so that whoever asks first asks alone.
    told: AtomicUsize,
}

/// A stream through which all must pass by a time.
struct Timely<'a> {
    stream: &'a mut UnixStream,
    until: Instant,
}

impl Listening {
    /// Binds the socket, for this user and its own, and serves it on a thread.
    pub(crate) fn start(
        path: &Path,
        audience: Audience,
        users: &[u32],
        process: &Arc<Shared>,
        failure: OnFailure,
    ) -> Result<Self, KeyProcessError> {
        let mode = if users.is_empty() { 0o600 } else { 0o666 };
        let listener = bind(path, mode).map_err(|source| system("bind", path, source))?;
        let users = [users, &[sandbox::own_user(), ROOT]].concat();
        let process = Arc::clone(process);
        let (connections, intake) = (AtomicUsize::new(0), Gate::new(INTAKE_BYTES_MAX));
        let (telling, told) = (Gate::new(TOLD_BYTES_MAX), AtomicUsize::new(usize::MAX));
        let porch = Arc::default();
        let desk = Desk { process, audience, failure, users, connections, porch, intake, telling, told };
        let desk = Arc::new(desk);
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::Builder::new().name(desk.audience.name().to_owned());
        let thread = thread.spawn(move || accept(&listener, &desk, &stop));
        let thread = thread.map_err(|source| system("serve", path, source))?;
        Ok(Self { path: path.to_owned(), stopping, thread })
    }

    /// Takes no more connections. Those that are open end when their clients go or the process does.
    pub(crate) fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        // A connection of our own wakes the thread that waits for one; where that fails, the thread is gone already.
        let _ = UnixStream::connect(&self.path);
        let _ = self.thread.join();
        let _ = fs::remove_file(&self.path);
        Credential::withdraw(&self.path);
    }
}

/// The folder's lock is held, so a socket that is there is one that a crash left.
///
/// Where other users may speak as well, the socket is open to all, and each is asked who they are.
fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

fn system(action: &'static str, path: &Path, source: io::Error) -> KeyProcessError {
    KeyProcessError::System { action, path: path.to_owned(), source }
}

fn accept(listener: &UnixListener, desk: &Arc<Desk>, stopping: &AtomicBool) {
    while !stopping.load(Ordering::SeqCst) {
        let Ok((mut stream, _)) = listener.accept() else {
            // No descriptors are left, or the like: that passes when connections end.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        // Who may not speak takes no seat and no thread.
        if let Err(refusal) = desk.know(&stream) {
            let _ = Frame::Refused(refusal).write(&mut stream);
            continue;
        }
        // Who has not shown that they administer takes no seat either, and keeps no place for long.
        let place = match &desk.audience {
            Audience::Administration(_) => match desk.porch.enter(&stream) {
                Ok(place) => Some(place),
                Err(_) => continue,
            },
            _ => None,
        };
        let desk = Arc::clone(desk);
        // A thread that cannot be started drops the connection, and the client tries again.
        let _ = thread::Builder::new().name("connection".to_owned()).spawn(move || desk.admit(stream, place));
    }
}

impl Desk {
    /// May the user at the other end speak here at all?
    fn know(&self, stream: &UnixStream) -> Result<(), Refusal> {
        match sandbox::peer(stream) {
            Ok(user) if self.users.contains(&user) => Ok(()),
            Ok(user) => Err(refuse(RefusalCode::Malformed, format!("user {user} may not speak here"))),
            Err(error) => Err(refuse(RefusalCode::Malformed, model::told(&error))),
        }
    }

    /// Has whoever speaks here shown what it takes?
    fn is_known(&self, stream: &mut UnixStream) -> io::Result<bool> {
        match &self.audience {
            Audience::Administration(credential) => self.is_administrator(stream, credential),
            _ => Ok(true),
        }
    }

    /// Does an administrator show that they are one?
    ///
    /// INVARIANT: a server that runs as the same user as the key process does not administer it: it cannot read what
    /// must be shown. Another user is told apart by their number.
    fn is_administrator(&self, stream: &mut UnixStream, credential: &Credential) -> io::Result<bool> {
        let shown =
            credential.is_shown(&mut Timely { until: Instant::now() + PROOF, stream: &mut *stream })?;
        Ok(shown || sandbox::peer(stream)? != sandbox::own_user())
    }

    fn admit(&self, mut stream: UnixStream, place: Option<Place>) {
        match self.is_known(&mut stream) {
            Ok(true) => drop(place),
            Ok(false) => {
                let text = "who administers shows what stands in the file beside the socket";
                let _ = Frame::Refused(refuse(RefusalCode::Malformed, text)).write(&mut stream);
                return;
            }
            Err(_) => return,
        }
        let before = self.connections.fetch_add(1, Ordering::SeqCst);
        if before < CONNECTIONS_MAX {
            // However a connection ends, there is nobody left to tell.
            let _ = self.converse(&mut stream);
        } else {
            let text = format!("{CONNECTIONS_MAX} connections are open already");
            let _ = Frame::Refused(refuse(RefusalCode::Malformed, text)).write(&mut stream);
        }
        self.connections.fetch_sub(1, Ordering::SeqCst);
    }

    fn converse(&self, stream: &mut UnixStream) -> Result<(), FrameError> {
        stream.set_read_timeout(Some(SILENCE)).map_err(FrameError::Stream)?;
        stream.set_write_timeout(Some(SILENCE)).map_err(FrameError::Stream)?;
        loop {
            match self.attend(stream) {
                Ok(()) => {}
                Err(FrameError::Stream(_) | FrameError::Closed) => return Ok(()),
                // What follows a frame that cannot be read is no frame either.
                Err(error) => return unreadable(&error).write(stream),
            }
        }
    }

    /// One frame in, one frame out. It holds its room until it is answered.
    fn attend(&self, stream: &mut UnixStream) -> Result<(), FrameError> {
        let announced = Announced::read(stream)?;
        let large = announced.length() > SMALL_BYTES_MAX;
        let _room = large.then(|| self.intake.enter(announced.length()));
        let frame = announced.frame(&mut Timely { until: Instant::now() + PASSAGE, stream: &mut *stream });
        stream.set_read_timeout(Some(SILENCE)).map_err(FrameError::Stream)?;
        let frame = frame?;
        let asks = matches!(frame, Frame::Ask);
        let _telling = asks.then(|| self.telling.enter(self.told.load(Ordering::Relaxed)));
        let whole = self.answer(frame).encode_whole()?;
        if asks {
            self.told.store(whole.len(), Ordering::Relaxed);
        }
        let until = Instant::now() + PASSAGE;
        Timely { until, stream }.write_all(&whole).map_err(FrameError::Stream)
    }

    fn answer(&self, frame: Frame) -> Frame {
        let process = &self.process;
        let refused = |refusal: Refusal| Frame::Refused(refusal);
        match (&self.audience, frame) {
            (Audience::Orders, Frame::Orders(orders)) => match process.order(&orders) {
                Ok(answers) => Frame::Answers(answers),
                Err(error) => self.fail(&error),
            },
            (Audience::Witnessing, Frame::Witness(message)) => {
                Frame::WitnessAnswer(process.witness(&message))
            }
            (Audience::Orders | Audience::Administration(_), Frame::Ask) => {
                process.state().map_or_else(refused, Frame::State)
            }
            (Audience::Administration(_), Frame::Admin(message)) => {
                Frame::AdminAnswer(process.administer(&message))
            }
            _ => refused(refuse(RefusalCode::Malformed, "this is not asked at this socket")),
        }
    }
}

impl Desk {
    /// Nothing is known of the orders: the whole frame is refused, which the client takes as "order again".
    fn fail(&self, error: &KeyProcessError) -> Frame {
        if self.failure == OnFailure::Stop {
            sandbox::ask_to_stop();
        }
        Frame::Refused(refuse(RefusalCode::Journal, model::told(error)))
    }
}

impl Timely<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timely<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timely<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn unreadable(error: &FrameError) -> Frame {
    Frame::Refused(refuse(RefusalCode::Malformed, model::told(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_and_reads_slowly_is_given_up_however_little_they_read_now_and_then() {
        let (mut ours, mut theirs) = UnixStream::pair().expect("two ends of a stream");
        let reader = thread::spawn(move || {
            let mut some = [0; 64];
            // A write that only waits for the next byte would go on as long as this does.
            while theirs.read(&mut some).is_ok_and(|read| read > 0) {}
        });
        let until = Instant::now() + Duration::from_millis(50);
        let endless = vec![0; 1024 * 1024];
        let ended = loop {
            if let Err(error) = (Timely { until, stream: &mut ours }).write_all(&endless) {
                break error;
            }
        };
        assert!(matches!(ended.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{ended}");
        drop(ours);
        reader.join().expect("it only reads");
    }
}
