//! The client: connections to the key process's socket, as many as are in use at once.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::frame::{Frame, FrameError};
use crate::{
    AdminAnswer, AdminMessage, Answers, Orders, Signer, SignerError, State, WitnessAnswer, WitnessMessage,
};

/// How long an answer may take. A batch of slow hardware keys takes seconds, never minutes.
const ANSWER_PERIOD: Duration = Duration::from_secs(30);

/// The same for an administrator: some devices look for the primes of a key for a minute, and get two.
const MAKING_PERIOD: Duration = Duration::from_secs(150);

/// How many bytes are shown at the administrative socket before the first frame.
pub const CREDENTIAL_BYTES: usize = 32;

/// The file in which they stand, beside the socket. Who can read it administers.
pub fn credential_file(socket: &Path) -> PathBuf {
    socket.with_extension("credential")
}

/// Connections that are kept between two questions. More are made where more ask at once.
const IDLE_MAX: usize = 8;

/// Orders signatures at the key process's socket. Orders do not wait for each other: each has a connection of its own.
/// Those who ask how the key process stands come one after the other, however many they are.
#[derive(Debug)]
pub struct Client {
    line: Line,
    asking: Mutex<()>,
}

/// Speaks to the key process at its socket for witnessing.
#[derive(Debug)]
pub struct WitnessClient {
    line: Line,
}

/// Speaks to the key process at its administrative socket.
#[derive(Debug)]
pub struct AdminClient {
    line: Line,
}

impl Client {
    /// A client of the socket at this path; it connects when it is first asked.
    pub fn new(socket: &Path) -> Self {
        Self { line: Line::new(socket), asking: Mutex::default() }
    }

    /// The same, with another limit to how long an answer may take.
    pub fn with_period(socket: &Path, period: Duration) -> Self {
        Self { line: Line { period, ..Line::new(socket) }, asking: Mutex::default() }
    }
}

impl Signer for Client {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        match self.line.ask(&Frame::Orders(orders.clone()))? {
            Frame::Answers(answers) if answers.answers.len() == orders.orders.len() => Ok(answers),
            other => Err(self.line.unexpected(other)),
        }
    }

    fn state(&self) -> Result<State, SignerError> {
        let _turn = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.line.state()
    }
}

impl WitnessClient {
    /// A client of the socket for witnessing at this path.
    pub fn new(socket: &Path) -> Self {
        Self { line: Line::new(socket) }
    }

    /// Says something. Saying it again does no harm.
    pub fn send(&self, message: &WitnessMessage) -> Result<WitnessAnswer, SignerError> {
        match self.line.ask(&Frame::Witness(message.clone()))? {
            Frame::WitnessAnswer(answer) => Ok(answer),
            other => Err(self.line.unexpected(other)),
        }
    }
}

impl AdminClient {
    /// A client of the administrative socket at this path. What stands in the file beside the socket is shown there.
    pub fn new(socket: &Path) -> Self {
        let credential = Some(credential_file(socket));
        Self { line: Line { credential, period: MAKING_PERIOD, ..Line::new(socket) } }
    }

    /// Sends one message. Unlike an order it is not repeated by itself: after an error, look at the state first.
    pub fn send(&self, message: &AdminMessage) -> Result<AdminAnswer, SignerError> {
        self.line.hang_up();
        match self.line.ask(&Frame::Admin(message.clone()))? {
            Frame::AdminAnswer(answer) => Ok(answer),
            other => Err(self.line.unexpected(other)),
        }
    }

    /// What the key process tells of itself, here too: a server that keeps every place where orders are taken keeps no
    /// administrator from what a change begins with.
    pub fn state(&self) -> Result<State, SignerError> {
        self.line.hang_up();
        self.line.state()
    }
}

/// Connections that are made when they are needed, and made anew when they broke.
#[derive(Debug)]
struct Line {
    socket: PathBuf,
    period: Duration,
    /// The file with what is shown first.
    credential: Option<PathBuf>,
    idle: Mutex<Vec<UnixStream>>,
}

impl Line {
    fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), period: ANSWER_PERIOD, credential: None, idle: Mutex::default() }
    }

    fn ask(&self, frame: &Frame) -> Result<Frame, SignerError> {
        // It is nobody else's while it is in use. A connection that was kept may have been closed since by a key
        // process that started anew. Orders are idempotent, so one repetition over a fresh connection is safe whatever
        // became of the first.
        let kept = self.idle().pop();
        if let Some(mut kept) = kept {
            match exchange(&mut kept, frame) {
                Ok(answer) => return Ok(self.keep(kept, answer)),
                Err(error) if is_timeout(&error) => return Err(self.broken(error)),
                // The others are of the same age.
                Err(_) => self.hang_up(),
            }
        }
        let mut fresh = self.connect()?;
        let answer = exchange(&mut fresh, frame).map_err(|error| self.broken(error))?;
        Ok(self.keep(fresh, answer))
    }

    fn state(&self) -> Result<State, SignerError> {
        match self.ask(&Frame::Ask)? {
            Frame::State(state) => Ok(state),
            other => Err(self.unexpected(other)),
        }
    }

    fn keep(&self, stream: UnixStream, answer: Frame) -> Frame {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(stream);
        }
        answer
    }

    fn hang_up(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<UnixStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<UnixStream, SignerError> {
        let unreachable = |source| SignerError::Unreachable { socket: self.socket.clone(), source };
        let mut stream = UnixStream::connect(&self.socket).map_err(unreachable)?;
        stream.set_read_timeout(Some(self.period)).map_err(unreachable)?;
        stream.set_write_timeout(Some(self.period)).map_err(unreachable)?;
        if let Some(file) = &self.credential {
            // Who cannot read it shows nothing, and is told by the other side what that means.
            let shown = fs::read(file).ok().and_then(|bytes| bytes.try_into().ok());
            match stream.write_all(&shown.unwrap_or([0; CREDENTIAL_BYTES])) {
                Err(cause) if !is_closed(&cause) => return Err(unreachable(cause)),
                _ => {}
            }
        }
        Ok(stream)
    }

    fn broken(&self, error: FrameError) -> SignerError {
        let socket = self.socket.clone();
        if is_timeout(&error) {
            SignerError::TimedOut { socket, after: self.period }
        } else {
            SignerError::Broken { socket, source: error }
        }
    }

    fn unexpected(&self, frame: Frame) -> SignerError {
        match frame {
            Frame::Refused(refusal) => SignerError::Refused(refusal),
            _ => SignerError::Unexpected { socket: self.socket.clone() },
        }
    }
}

/// Whoever is refused at the door may find it closed before it has said all. What it was told there can still be read.
fn exchange(stream: &mut UnixStream, frame: &Frame) -> Result<Frame, FrameError> {
    match frame.write(stream) {
        Ok(()) => Frame::read(stream),
        Err(FrameError::Stream(cause)) if is_closed(&cause) => {
            Frame::read(stream).map_err(|_| FrameError::Stream(cause))
        }
        Err(error) => Err(error),
    }
}

fn is_closed(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::BrokenPipe
}

fn is_timeout(error: &FrameError) -> bool {
    matches!(error, FrameError::Stream(source)
        if matches!(source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
}
