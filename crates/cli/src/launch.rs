//! The launcher: it starts the key process first, then the server, restarts either, and listens to nobody.

mod attempts;
mod feeds;
mod walls;

use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, kill_process, set_parent_process_death_signal,
    setrlimit,
};
use server::Addresses;
use signerd::User;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{FILE, Folder};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) use feeds::lock_feed_in;
pub(crate) use walls::{lock_in, missing};

/// How long a process may take until it is there: the key process reads its whole journal.
const START: Duration = Duration::from_secs(30);
/// How long both may take to finish what is in flight.
const STOP: Duration = Duration::from_secs(30);
/// The pause before the first restart; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Who ran this long starts again without a pause.
const STEADY: Duration = Duration::from_secs(60);

/// The two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServedProcess {
    KeyProcess,
    Server,
}

impl ServedProcess {
    const fn verb(self) -> &'static str {
        match self {
            Self::KeyProcess => "signerd",
            Self::Server => "server",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::KeyProcess => "the key process",
            Self::Server => "the server",
        }
    }
}

/// A process that is kept running.
#[derive(Debug)]
struct Kept {
    role: ServedProcess,
    child: Child,
    started: Instant,
    pause: Duration,
}

/// What a launcher hears besides that it is to end.
struct Signals {
    ended: tokio::signal::unix::Signal,
    hung_up: server::Reloads,
    /// A terminal that goes away takes the launcher with it; where there is none, SIGHUP asks for a reload.
    at_terminal: bool,
}

impl Signals {
    /// Listens from now on.
    fn listen() -> io::Result<Self> {
        let (ended, hung_up) = (signal(SignalKind::child())?, server::Reloads::listen()?);
        Ok(Self { ended, hung_up, at_terminal: io::stdin().is_terminal() })
    }
}

/// The processes of one data folder. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Household {
    folder: Folder,
    /// In the order in which they were started.
    kept: Vec<Kept>,
    /// Held while the household lives: two of them would take each other's sockets.
    _lock: File,
}

impl Household {
    /// Nobody runs yet.
    fn empty(folder: Folder) -> Result<Self, Failure> {
        let lock = lock(&folder)?;
        Ok(Self { folder, kept: Vec::new(), _lock: lock })
    }

    /// Starts the key process and waits until it takes orders.
    pub(crate) fn start_key_process(folder: Folder) -> Result<Self, Failure> {
        let mut household = Self::empty(folder)?;
        crate::online::call(household.begin_key_process())?;
        Ok(household)
    }

    /// Starts the server and waits until it serves.
    pub(crate) fn start_server(&mut self) -> Result<Addresses, Failure> {
        crate::online::call(self.begin_server())
    }

    async fn begin_key_process(&mut self) -> Result<(), Failure> {
        self.start(ServedProcess::KeyProcess)?;
        let socket = self.folder.at(&self.folder.config.signerd.admin_socket);
        self.wait(ServedProcess::KeyProcess, || UnixStream::connect(&socket).ok().map(drop)).await
    }

    async fn begin_server(&mut self) -> Result<Addresses, Failure> {
        let ready = self.folder.ready_file();
        let _not_there = fs::remove_file(&ready);
        self.start(ServedProcess::Server)?;
        self.wait(ServedProcess::Server, || addresses(&ready)).await
    }

    /// Starts a launcher in the background, whose words go to a file, and waits until its server serves.
    pub(crate) fn detached(folder: &Folder, log: &Path) -> Result<(u32, Addresses), Failure> {
        // Whoever serves this folder already keeps the lock; asked here, so that it is said here.
        drop(lock(folder)?);
        let ready = folder.ready_file();
        let _not_there = fs::remove_file(&ready);
        let said =
            File::options().create(true).append(true).open(log).map_err(Failure::file("write", log))?;
        let also = said.try_clone().map_err(Failure::file("write", log))?;
        let executable = std::env::current_exe().map_err(Failure::inside("find its own executable"))?;
        let mut launcher = Command::new(executable);
        launcher
            .arg("serve")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also)
            .process_group(0);
        let mut child = launcher.spawn().map_err(Failure::inside("start a process"))?;
        let since = Instant::now();
        loop {
            if let Some(addresses) = addresses(&ready) {
                return Ok((child.id(), addresses));
            }
            let ended = child.try_wait().map_err(Failure::inside("look after a process"))?;
            if ended.is_some() || since.elapsed() > 2 * START {
                let fault = format!("does not serve: `{}` says why", log.display());
                return Err(Failure::Process { process: "the launcher", fault });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn start(&mut self, role: ServedProcess) -> Result<(), Failure> {
        let child = spawn(role, &self.folder)?;
        self.kept.push(Kept { role, child, started: Instant::now(), pause: PAUSE });
        Ok(())
    }

    async fn wait<T>(
        &mut self,
        role: ServedProcess,
        mut is_there: impl FnMut() -> Option<T>,
    ) -> Result<T, Failure> {
        let process = role.name();
        let since = Instant::now();
        loop {
            if let Some(found) = is_there() {
                return Ok(found);
            }
            let kept = self.kept.iter_mut().find(|kept| kept.role == role);
            if let Some(Ok(Some(status))) = kept.map(|kept| kept.child.try_wait()) {
                return Err(Failure::Process {
                    process,
                    fault: format!("ended while it started ({status}): what it says above is why"),
                });
            }
            if since.elapsed() > START {
                return Err(Failure::Process {
                    process,
                    fault: format!("did not come up within {} s", START.as_secs()),
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts both, and keeps them running until this process is told to end. `serves` is called once both are there.
    pub(crate) fn serve(
        folder: Folder,
        terminal: Terminal,
        serves: impl FnOnce(&Addresses),
    ) -> Result<Exit, Failure> {
        Self::empty(folder)?.until_told(terminal, async |household| {
            household.begin_key_process().await?;
            serves(&household.begin_server().await?);
            Ok(())
        })
    }

    /// Keeps both running until this process is told to end.
    pub(crate) fn keep(self, terminal: Terminal) -> Result<Exit, Failure> {
        self.until_told(terminal, async |_| Ok(()))
    }

    fn until_told(
        mut self,
        terminal: Terminal,
        begin: impl AsyncFnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        crate::online::call(async {
            let mut signals = Signals::listen().map_err(Failure::inside("listen for signals"))?;
            tokio::select! {
                // It is asked first, so that it listens before anything is started: a launcher that ended by a signal
                // would leave behind whom it is just starting.
                biased;
                told = server::told_to_end() => told.map_err(Failure::inside("listen for signals")),
                ended = async {
                    begin(&mut self).await?;
                    self.look_after(&mut signals, terminal).await
                } => ended,
            }
        })?;
        self.stop();
        Ok(Exit::Done)
    }

    /// Starts again who ends, and passes a reload on, until a terminal goes away.
    async fn look_after(&mut self, signals: &mut Signals, terminal: Terminal) -> Result<(), Failure> {
        loop {
            tokio::select! {
                () = signals.hung_up.next() => match signals.at_terminal {
                    true => return Ok(()),
                    false => self.tell_server(Signal::HUP),
                },
                _ = signals.ended.recv() => {}
            }
            self.restart_ended(terminal).await?;
        }
    }

    fn tell_server(&mut self, signal: Signal) {
        let servers = self.kept.iter_mut().filter(|kept| kept.role == ServedProcess::Server);
        servers.for_each(|kept| tell(&mut kept.child, signal));
    }

    async fn restart_ended(&mut self, terminal: Terminal) -> Result<(), Failure> {
        for kept in &mut self.kept {
            let Ok(Some(status)) = kept.child.try_wait() else { continue };
            let process = kept.role.name();
            if is_for_good(status) {
                return Err(Failure::Process {
                    process,
                    fault: format!("cannot run: {status}; its message stands above"),
                });
            }
            if kept.started.elapsed() > STEADY {
                kept.pause = PAUSE;
            }
            terminal.note(format_args!(
                "{process} ended ({status}); it is started again in {} ms",
                kept.pause.as_millis()
            ));
            tokio::time::sleep(kept.pause).await;
            kept.child = spawn(kept.role, &self.folder)?;
            kept.started = Instant::now();
            kept.pause = kept.pause.saturating_mul(2).min(PAUSE_MAX);
        }
        Ok(())
    }

    /// Tells both to finish, the server first, and waits for them.
    pub(crate) fn stop(&mut self) {
        while let Some(mut kept) = self.kept.pop() {
            tell(&mut kept.child, Signal::TERM);
            let since = Instant::now();
            while matches!(kept.child.try_wait(), Ok(None)) {
                if since.elapsed() > STOP {
                    // CRASH: as after any kill; what was in flight is recovered at the next start.
                    let _gone_already = kept.child.kill();
                    let _reaped = kept.child.wait();
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(folder: &Folder) -> Result<File, Failure> {
    let path = folder.at("run/launcher.lock");
    let file = File::create(&path).map_err(Failure::file("make", &path))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| Failure::Folder {
        path: folder.path().to_owned(),
        fault: "is served already: another `avouch serve` runs on it",
        advice: "use that one, or end it first",
    })?;
    Ok(file)
}

fn spawn(role: ServedProcess, folder: &Folder) -> Result<Child, Failure> {
    let process = role.name();
    let failed =
        |cause: std::io::Error| Failure::Process { process, fault: format!("cannot be started: {cause}") };
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg(role.verb()).arg(folder.path());
    if let Some(user) = user_of(role, folder)? {
        command.uid(user.user).gid(user.group);
    }
    end_with(&mut command, rustix::process::getpid());
    // Ctrl-C at a terminal goes to the whole group: the launcher alone is to hear it, and to end the others in order.
    command.process_group(0).spawn().map_err(failed)
}

/// The process is told to end when its launcher does, and does not begin where that is gone by then.
fn end_with(command: &mut Command, launcher: Pid) {
    // SAFETY: between fork and exec the closure makes two system calls, which allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::TERM))?;
            // Of a launcher that was killed before that, nobody would hear.
            if getppid() == Some(launcher) { Ok(()) } else { Err(Errno::SRCH.into()) }
        });
    }
}

/// The user to change to for a role. Who is not root stays who they are, and must be the one whom the configuration names.
fn user_of(role: ServedProcess, folder: &Folder) -> Result<Option<User>, Failure> {
    let (key, named) = match role {
        ServedProcess::KeyProcess => ("signerd.user", folder.key_process_user()?),
        ServedProcess::Server => ("server.user", folder.server_user()?),
    };
    let own = rustix::process::geteuid().as_raw();
    match named {
        Some(user) if own != 0 && user.user != own => Err(Failure::ConfigKey {
            path: folder.at(FILE),
            key,
            fault: format!("only root can start a process as user {}, and this is user {own}", user.user),
        }),
        Some(user) if own == 0 => Ok(Some(user)),
        _ => Ok(None),
    }
}

/// Is this root, who may start processes as other users, and give them what is theirs?
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Waits until the key process takes orders, at most as long as it may take to start: an init system that starts both
/// processes does not know when the first one listens.
pub(crate) fn await_key_process(folder: &Folder) {
    let socket = folder.at(&folder.config.signerd.socket);
    let since = Instant::now();
    while since.elapsed() < START && UnixStream::connect(&socket).is_err() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Who ended already is told nothing: their number may be somebody else's by now.
fn tell(child: &mut Child, signal: Signal) {
    let runs = matches!(child.try_wait(), Ok(None));
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid.filter(|_| runs) {
        let _gone_already = kill_process(pid, signal);
    }
}

/// How many file descriptors this process may have: as many as the system lets it.
pub(crate) fn descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    (if raised.is_ok() { maximum } else { current }).unwrap_or(u64::MAX)
}

/// A mistake in the configuration does not go away by starting again.
fn is_for_good(status: ExitStatus) -> bool {
    status.code() == Some(i32::from(Exit::Usage.code()))
}

/// The addresses of a server that serves.
pub(crate) fn addresses(ready: &Path) -> Option<Addresses> {
    serde_json::from_slice(&fs::read(ready).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_started_by_a_launcher_that_is_gone_by_then_does_not_begin() {
        let begin = |launcher| {
            let mut command = Command::new("true");
            end_with(&mut command, launcher);
            command.status()
        };
        assert!(begin(rustix::process::getpid()).is_ok_and(|status| status.success()));
        let gone = begin(Pid::INIT).expect_err("its parent is this process");
        assert_eq!(gone.raw_os_error(), Some(Errno::SRCH.raw_os_error()));
    }
}
