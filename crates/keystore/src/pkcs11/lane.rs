//! The lane of a PKCS #11 store: whether its process is up, and the keeper that starts it again.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::Disk;

use super::backoff::BackOff;
use super::fault::LaneFault;
use super::process::{self, Pkcs11Wiring, Process};
use super::refusal::{self, Mark};
use super::wire::{Call, Login, Reply};
use crate::KeyStoreError;

/// A lane. Dropping it ends its process.
pub(crate) struct Lane(Arc<Shared>);

/// What the callers and the keeper share.
struct Shared {
    wiring: Pkcs11Wiring,
    disk: Arc<dyn Disk>,
    standing: Mutex<Standing>,
    changed: Condvar,
}

/// How it stands with the lane process.
enum Standing {
    /// The keeper starts it; there may be a process already.
    Starting(Option<Arc<Process>>),
    /// It answers.
    Up(Arc<Up>),
    /// It failed, and is started again at this time.
    Down { cause: Arc<KeyStoreError>, again: Instant },
    /// The token does not take the PIN that lies there, or may lock: nothing is tried before another lies there.
    Stopped { cause: LaneFault, mark: Mark },
    /// Nobody wants it any more.
    Closed,
}

/// A process that answers.
struct Up {
    process: Arc<Process>,
    /// Connections that nobody uses; `None` once the process is at its end.
    idle: Mutex<Option<Vec<UnixStream>>>,
    freed: Condvar,
}

impl Lane {
    /// A lane and its keeper. Nobody waits for its process here; the first call does.
    pub(crate) fn start(wiring: Pkcs11Wiring, disk: Arc<dyn Disk>) -> Result<Self, KeyStoreError> {
        let mark = Mark::now(&wiring.uri);
        let standing = match refusal::remembered(&*disk, mark)? {
            Some(cause) => Standing::Stopped { cause, mark },
            None => Standing::Starting(None),
        };
        let shared =
            Arc::new(Shared { wiring, disk, standing: Mutex::new(standing), changed: Condvar::new() });
        let kept = Arc::clone(&shared);
        // The process dies with the thread that started it, so that is one that stays.
        let keeper = thread::Builder::new().name("lane keeper".to_owned()).spawn(move || kept.keep());
        keeper.map_err(|source| KeyStoreError::LaneProcess { action: "watch over", source })?;
        Ok(Self(shared))
    }

    /// How long a signature may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.0.wiring.deadline
    }

    /// Has the module do something, within this time. A process that does not answer is killed.
    pub(crate) fn call(&self, call: &Call, deadline: Duration) -> Result<Reply, KeyStoreError> {
        let until = Instant::now() + deadline;
        let silent = KeyStoreError::LaneSilent { deadline_ms: deadline.as_millis() };
        let up = self.0.up(until)?;
        let connection = match up.take(until) {
            Taken::Connection(connection) => connection,
            Taken::Ended => return Err(KeyStoreError::LaneEnded),
            Taken::Late => return Err(silent),
        };
        match process::ask(&connection, call, until) {
            Ok(Reply::Fault(fault)) => {
                match fault {
                    LaneFault::Gone { .. } => up.end(),
                    _ => up.give_back(connection),
                }
                Err(fault.into())
            }
            Ok(reply) => {
                up.give_back(connection);
                Ok(reply)
            }
            Err(error) => {
                // What comes late on this connection would be taken for the answer to another call.
                up.end();
                Err(process::broken(&error, deadline))
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *self.0.standing(), Standing::Closed);
        self.0.changed.notify_all();
        // The keeper reaps it. A process that not even a kill ends right away holds nobody up.
        match before {
            Standing::Up(up) => up.end(),
            Standing::Starting(Some(process)) => process.end(),
            _ => {}
        }
    }
}

impl Shared {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Each change replaces the whole value, so whoever panicked left one that holds.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the process is being started, and says why there is none.
    fn up(&self, until: Instant) -> Result<Arc<Up>, KeyStoreError> {
        let mut standing = self.standing();
        loop {
            let now = Instant::now();
            match &*standing {
                Standing::Up(up) => return Ok(Arc::clone(up)),
                Standing::Stopped { mark, .. } if *mark != Mark::now(&self.wiring.uri) => {
                    *standing = Standing::Starting(None);
                    self.changed.notify_all();
                }
                Standing::Stopped { cause, .. } => return Err(cause.clone().into()),
                Standing::Down { cause, again } if *again > now => {
                    let again_ms = (*again - now).as_millis();
                    return Err(KeyStoreError::LaneDown { again_ms, cause: Arc::clone(cause) });
                }
                Standing::Closed => return Err(KeyStoreError::LaneEnded),
                Standing::Starting(_) | Standing::Down { .. } if now >= until => {
                    return Err(KeyStoreError::LaneStarting);
                }
                Standing::Starting(_) | Standing::Down { .. } => {}
            }
            let left = until.saturating_duration_since(now);
            standing = self.changed.wait_timeout(standing, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The keeper: one process after the other, until nobody wants one.
    fn keep(&self) {
        let mut backoff = BackOff::default();
        while let Some(mark) = self.begin() {
            let begun = Instant::now();
            let error = self.live().err().unwrap_or(KeyStoreError::LaneEnded);
            self.enter(match error {
                KeyStoreError::Lane(cause) if cause.stops() => {
                    // A disk that cannot remember costs one try more at the next start; the token has its own count.
                    let _ = refusal::remember(&*self.disk, mark, &cause);
                    Standing::Stopped { cause, mark }
                }
                error => {
                    let again = Instant::now() + backoff.after(begun.elapsed());
                    Standing::Down { cause: Arc::new(error), again }
                }
            });
        }
    }

    /// Waits until a process is to be started; `None` if none is wanted any more.
    fn begin(&self) -> Option<Mark> {
        let mut standing = self.standing();
        loop {
            let now = Instant::now();
            let pause = match &*standing {
                Standing::Closed => return None,
                Standing::Starting(_) => return Some(Mark::now(&self.wiring.uri)),
                Standing::Down { again, .. } if *again <= now => {
                    *standing = Standing::Starting(None);
                    continue;
                }
                Standing::Down { again, .. } => Some(*again - now),
                Standing::Stopped { .. } | Standing::Up(_) => None,
            };
            standing = match pause {
                None => self.changed.wait(standing).unwrap_or_else(PoisonError::into_inner),
                Some(pause) => {
                    self.changed.wait_timeout(standing, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// One life of the process: it returns when the process ended.
    fn live(&self) -> Result<(), KeyStoreError> {
        let process = Arc::new(Process::start(&self.wiring)?);
        self.enter(Standing::Starting(Some(Arc::clone(&process))));
        let opened = process.open(&self.wiring, Login::User)?;
        refusal::forget(&*self.disk)?;
        let up = Arc::new(Up { process, idle: Mutex::new(Some(opened.connections)), freed: Condvar::new() });
        self.enter(Standing::Up(Arc::clone(&up)));
        up.process.wait();
        up.end();
        Ok(())
    }

    /// Changes the standing, unless nobody wants the lane any more: then what was just started ends again.
    fn enter(&self, next: Standing) {
        let mut standing = self.standing();
        if !matches!(*standing, Standing::Closed) {
            *standing = next;
            self.changed.notify_all();
            return;
        }
        match next {
            Standing::Up(up) => up.end(),
            Standing::Starting(Some(process)) => process.end(),
            _ => {}
        }
    }
}

/// What became of waiting for a connection.
enum Taken {
    Connection(UnixStream),
    Ended,
    Late,
}

impl Up {
    fn idle(&self) -> MutexGuard<'_, Option<Vec<UnixStream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, until: Instant) -> Taken {
        let mut idle = self.idle();
        loop {
            match idle.as_mut().map(Vec::pop) {
                None => return Taken::Ended,
                Some(Some(connection)) => return Taken::Connection(connection),
                Some(None) => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Late;
            }
            idle = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, connection: UnixStream) {
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
        self.freed.notify_one();
    }

    /// Ends the process; all who wait for one of its connections go on.
    fn end(&self) {
        *self.idle() = None;
        self.freed.notify_all();
        self.process.end();
    }
}
