//! Where the server is attacked from: the processes as the launcher starts them, with this wall or that.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::TempFolder;

use crate::command_line::{avouch, text};

/// How long anything may take: machines are shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// The users of the two processes, who are nobody else's.
const SERVER: u32 = 64_001;
const KEY_PROCESS: u32 = 64_002;

/// What stands between the two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wall {
    /// One user runs both; there is Landlock, and a filter of system calls.
    Landlock,
    /// Two users; there is no Landlock.
    Users,
    /// Two users, and nothing else.
    UsersAlone,
    /// One user, and nothing at all.
    Nothing,
}

impl Wall {
    fn users(self) -> Option<(u32, u32)> {
        // Root is not what a server should be tried as.
        let root = is_root();
        match self {
            Self::Landlock | Self::Nothing => root.then_some((SERVER, SERVER)),
            Self::Users | Self::UsersAlone => Some((KEY_PROCESS, SERVER)),
        }
    }

    /// The system calls that this system shall not know.
    fn unknown(self) -> &'static [libc::c_long] {
        match self {
            Self::Landlock => &[],
            Self::Users => &[libc::SYS_landlock_create_ruleset],
            Self::UsersAlone | Self::Nothing => &[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp],
        }
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A data folder that is served.
pub(crate) struct Place {
    _folder: TempFolder,
    pub(crate) dir: PathBuf,
    pub(crate) program: PathBuf,
    pub(crate) wall: Wall,
    launcher: Child,
}

/// A data folder that is not served yet.
pub(crate) struct Founded {
    folder: TempFolder,
    dir: PathBuf,
    program: PathBuf,
    wall: Wall,
}

impl Founded {
    /// Founds a platform behind a wall.
    pub(crate) fn new(wall: Wall) -> Self {
        let folder = testkit::temp_folder();
        let (dir, passphrase) = (folder.path().join("data"), folder.path().join("passphrase"));
        fs::write(&passphrase, "correct horse battery staple\n").unwrap();
        let mut init = avouch();
        let made =
            init.arg("init").arg(&dir).arg("--admin-passphrase-file").arg(&passphrase).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        // Where another user can run it.
        let program = folder.path().join("avouch");
        let built = env!("CARGO_BIN_EXE_avouch");
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        let founded = Self { folder, dir, program, wall };
        founded.on_free_ports();
        founded.share_out();
        if wall == Wall::Landlock {
            crate::site::serve_without_walls_where_there_are_none(&founded.dir);
        }
        founded
    }

    /// Makes a folder the key process's own, where that runs as another user.
    pub(crate) fn give_to_key_process(&self, folder: &Path) {
        if let Some((key_process, _)) = self.wall.users() {
            own(folder, key_process);
        }
    }

    /// The data folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn on_free_ports(&self) {
        let config = self.dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("public_url")).map(|line| {
            let key = line.split_once("listen = ").map(|(before, _)| before);
            key.map_or_else(|| line.to_owned(), |before| format!("{before}listen = \"127.0.0.1:0\""))
        });
        fs::write(&config, lines.map(|line| line + "\n").collect::<String>()).unwrap();
    }

    /// Gives each process what is its own.
    fn share_out(&self) {
        let Some((key_process, server)) = self.wall.users() else { return };
        let config = self.dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("[signerd]", &format!("[signerd]\nuser = \"{key_process}\""));
        let text = text.replace("[server]", &format!("[server]\nuser = \"{server}\""));
        fs::write(&config, text).unwrap();
        for (folder, user) in [
            ("signerd", key_process),
            ("run/signerd", key_process),
            ("server", server),
            ("run/server", server),
        ] {
            own(&self.dir.join(folder), user);
        }
        for open in [self.folder.path(), &self.dir, &self.dir.join("run"), &self.dir.join("run/signerd")] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o711)).unwrap();
        }
    }

    pub(crate) fn configure(&self, line: &str) {
        let config = self.dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{line}\n{text}")).unwrap();
    }

    /// Starts the launcher, and does not wait.
    pub(crate) fn launch(&self) -> (Child, PathBuf) {
        let said = self.folder.path().join("serve.log");
        let log = File::create(&said).unwrap();
        let unknown = self.wall.unknown();
        let mut launcher = Command::new(&self.program);
        launcher.arg("serve").arg(&self.dir).env("NO_COLOR", "1").stdin(Stdio::null()).stderr(log);
        // SAFETY: between fork and exec the closure makes system calls alone.
        unsafe {
            launcher.pre_exec(move || {
                raise_core_limit();
                if unknown.is_empty() { Ok(()) } else { forget(unknown) }
            });
        }
        (launcher.spawn().unwrap(), said)
    }

    /// Serves it.
    pub(crate) fn serve(self) -> Place {
        let (mut launcher, said) = self.launch();
        let since = Instant::now();
        while !fs::read_to_string(&said).unwrap().contains("avouch serves") {
            let words = || fs::read_to_string(&said).unwrap();
            assert!(launcher.try_wait().unwrap().is_none(), "{:?}: {}", self.wall, words());
            assert!(since.elapsed() < PATIENCE, "{}", words());
            std::thread::sleep(Duration::from_millis(5));
        }
        let Self { folder, dir, program, wall } = self;
        Place { _folder: folder, dir, program, wall, launcher }
    }
}

impl Place {
    pub(crate) fn launcher(&self) -> i32 {
        i32::try_from(self.launcher.id()).unwrap()
    }

    /// The process that the launcher started with this word.
    pub(crate) fn process(&self, verb: &str) -> i32 {
        let children = format!("/proc/{0}/task/{0}/children", self.launcher());
        let children = fs::read_to_string(children).unwrap();
        let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
        let is = |pid: &i32| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split('\0').nth(1) == Some(verb)
        };
        pids.into_iter().find(is).unwrap_or_else(|| panic!("no `{verb}` among {children}"))
    }

    /// Waits until the launcher says this.
    pub(crate) fn await_said(&self, words: &str) {
        let since = Instant::now();
        while !self.said().contains(words) {
            assert!(since.elapsed() < PATIENCE, "`{words}` is not in {}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.dir.parent().unwrap().join("serve.log")).unwrap()
    }

    /// What doctor says of it.
    pub(crate) fn doctor(&self) -> Vec<serde_json::Value> {
        let output = avouch().arg("doctor").arg(&self.dir).arg("--json").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = Command::new("kill").arg(self.launcher.id().to_string()).status();
        let _reaped = self.launcher.wait();
    }
}

/// Gives a folder and all in it to a user.
fn own(folder: &Path, user: u32) {
    chown(folder, Some(user), Some(user)).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            own(&entry.path(), user);
        } else {
            chown(entry.path(), Some(user), Some(user)).unwrap();
        }
    }
}

/// Lets this process and all that it starts dump their cores, as far as that is allowed.
fn raise_core_limit() {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointers are to a value that lives through the calls.
    unsafe {
        if libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) != 0 {
            libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit);
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
        }
    }
}

/// Makes system calls unknown to this process and all that it starts, as an older kernel does not know them.
fn forget(calls: &[libc::c_long]) -> io::Result<()> {
    const MAX: usize = 2 + 2 * 4;
    let step = |code: u16, k: u32, jt: u8, jf: u8| libc::sock_filter { code, jt, jf, k };
    let mut program = [step(0x06, 0x7FFF_0000, 0, 0); MAX];
    program[0] = step(0x20, 0, 0, 0);
    for (at, call) in calls.iter().enumerate() {
        program[1 + 2 * at] = step(0x15, *call as u32, 0, 1);
        program[2 + 2 * at] = step(0x06, 0x0005_0026, 0, 0);
    }
    let described = libc::sock_fprog { len: MAX as u16, filter: program.as_mut_ptr() };
    // SAFETY: the pointer is to a description of a program, both of which live through the call.
    let done = unsafe {
        // Root changes users afterwards, which this would not keep it from; others may not filter without it.
        if libc::geteuid() != 0 {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        }
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, ptr_of(&described))
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const fn ptr_of(described: &libc::sock_fprog) -> *const libc::sock_fprog {
    described
}
