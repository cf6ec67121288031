//! A data folder that is served by the real processes, which a test may end in any way and start again.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use testkit::TempFolder;

use crate::command_line::{avouch, text};

/// How long anything may take: machines are shared.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data folder on ports that stay the same, and what is around it.
pub(crate) struct Site {
    pub(crate) folder: TempFolder,
    pub(crate) dir: PathBuf,
    launcher: Option<Child>,
}

impl Site {
    /// A founded platform, served.
    pub(crate) fn new() -> Self {
        let mut site = Self::founded();
        site.serve();
        site
    }

    /// A founded platform that is not served yet.
    pub(crate) fn founded() -> Self {
        let site = Self::unfounded();
        site.good(&["init", &site.data(), "--admin-passphrase-file", &site.path("passphrase")]);
        site
    }

    /// A place for a platform that nobody founded yet.
    pub(crate) fn unfounded() -> Self {
        let folder = testkit::temp_folder();
        let dir = folder.path().join("data");
        fs::write(folder.path().join("passphrase"), "correct horse battery staple\n").unwrap();
        Self { folder, dir, launcher: None }
    }

    /// Serves what was just founded, on ports that are free now and stay its own.
    pub(crate) fn serve(&mut self) {
        self.name_ports(&[":0", ":0", ":0"]);
        serve_without_walls_where_there_are_none(&self.dir);
        self.start();
        self.settle_ports();
    }

    /// The same platform as another folder holds it, on the same ports. Nothing is started.
    pub(crate) fn at(&self, dir: &Path) -> Self {
        let folder = testkit::temp_folder();
        for name in ["passphrase", "context.toml"] {
            fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        Self { folder, dir: dir.to_owned(), launcher: None }
    }

    fn name_ports(&self, ports: &[&str; 3]) {
        let config = self.dir.join("avouch.toml");
        let mut text = fs::read_to_string(&config).unwrap();
        for (key, port) in ["listen", "public_listen", "monitor_listen"].iter().zip(ports) {
            let line = text.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap().to_owned();
            text = text.replace(&format!("\n{line}\n"), &format!("\n{key} = \"127.0.0.1{port}\"\n"));
        }
        let line = text.lines().find(|line| line.starts_with("public_url")).map(str::to_owned);
        if let Some(line) = line {
            text = text.replace(&format!("{line}\n"), "");
        }
        fs::write(&config, text).unwrap();
    }

    /// From now on the ports are those that were free once.
    fn settle_ports(&self) {
        let ready: serde_json::Value =
            serde_json::from_slice(&fs::read(self.dir.join("run/server/ready.json")).unwrap()).unwrap();
        let port = |key: &str| format!(":{}", ready[key].as_str().unwrap().rsplit(':').next().unwrap());
        let ports = [port("listen"), port("public_listen"), port("monitor_listen")];
        self.name_ports(&[&ports[0], &ports[1], &ports[2]]);
        let stored = fs::read_to_string(self.dir.join("client/context.toml")).unwrap();
        let stored = stored.replace(":7443", &ports[0]).replace(":7444", &ports[1]);
        fs::write(self.folder.path().join("context.toml"), stored).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = avouch();
        command.env("AVOUCH_CONTEXT", self.path("context.toml")).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output: Output = self.command().args(arguments).output().unwrap();
        (output.status.code().unwrap_or(-1), text(&output))
    }

    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    pub(crate) fn data(&self) -> String {
        self.dir.to_string_lossy().into_owned()
    }

    /// Signs bytes as a file of this name, into a folder of receipts.
    pub(crate) fn sign(&self, name: &str) -> (i32, String) {
        self.sign_under("default", name)
    }

    /// The same under another profile.
    pub(crate) fn sign_under(&self, profile: &str, name: &str) -> (i32, String) {
        fs::write(self.folder.path().join(name), format!("bytes of {name}")).unwrap();
        self.run(&["sign", name, "--profile", profile])
    }

    /// Puts the receipts of all that was signed so far into one folder.
    pub(crate) fn receipts(&self) -> String {
        let held = self.folder.path().join("held");
        fs::create_dir_all(&held).unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().ends_with(".receipt.json") {
                fs::copy(entry.path(), held.join(entry.file_name())).unwrap();
            }
        }
        held.to_string_lossy().into_owned()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    /// All that launchers said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    pub(crate) fn served(&self) -> usize {
        self.said().matches("avouch serves").count()
    }

    /// Starts the launcher and waits until it serves. Processes of one that was killed may still be going down.
    pub(crate) fn start(&mut self) {
        let (since, before) = (Instant::now(), self.served());
        loop {
            let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
            let mut child = self.command().arg("serve").arg(&self.dir).stderr(log).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if self.served() > before {
                    self.launcher = Some(child);
                    return;
                }
                assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.log()).unwrap());
                std::thread::sleep(Duration::from_millis(10));
            }
            assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.log()).unwrap());
        }
    }

    /// Tells the launcher to end, and waits until all has ended.
    pub(crate) fn stop(&mut self) {
        let Some(mut launcher) = self.launcher.take() else { return };
        let _gone = Command::new("kill").arg(launcher.id().to_string()).stderr(Stdio::null()).status();
        let _reaped = launcher.wait();
    }

    /// Sends SIGHUP to the launcher, again and again until this is so: a signal says nothing of when it was heeded.
    pub(crate) fn hang_up_until(&self, mut is_so: impl FnMut() -> bool) {
        let (launcher, since) = (self.launcher.as_ref().unwrap().id().to_string(), Instant::now());
        while !is_so() {
            assert!(since.elapsed() < PATIENCE, "{}", self.said());
            assert!(Command::new("kill").args(["-HUP", &launcher]).status().unwrap().success());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until this is so.
    pub(crate) fn wait_until(&self, mut is_so: impl FnMut() -> bool) {
        let since = Instant::now();
        while !is_so() {
            assert!(since.elapsed() < PATIENCE, "{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts a launcher, and sends it a signal as soon as it has started the key process. It is not waited for.
    pub(crate) fn signal_at_start(&mut self, signal: &str) -> u32 {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = self.command().arg("serve").arg(&self.dir).stdin(Stdio::null()).stderr(log).spawn();
        let launcher = self.launcher.insert(child.unwrap()).id();
        self.wait_until(|| child_of(launcher, Role::KeyProcess).is_some());
        assert!(Command::new("kill").args([signal, &launcher.to_string()]).status().unwrap().success());
        launcher
    }

    /// How the launcher ended, of which somebody else has seen to it that it does.
    pub(crate) fn reaped(&mut self) -> ExitStatus {
        self.launcher.take().unwrap().wait().unwrap()
    }

    /// Kills the server, and then its launcher, which is about to start it again.
    pub(crate) fn kill_the_server_and_the_launcher(&mut self) {
        let launcher = self.launcher.as_ref().unwrap().id();
        let before = self.said().matches("the server ended").count();
        if let Some(pid) = child_of(launcher, Role::Server) {
            let _gone = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        self.wait_until(|| self.said().matches("the server ended").count() > before);
        let _gone = Command::new("kill").args(["-9", &launcher.to_string()]).status();
        self.reaped();
    }

    /// How many processes of this folder there are, of any launcher.
    pub(crate) fn processes(&self) -> usize {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let commands = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let folder = self.dir.as_os_str().as_encoded_bytes();
        commands.filter(|command| command.split(|byte| *byte == 0).any(|word| word == folder)).count()
    }

    /// Kills one of the three processes, and starts the launcher again if it was that one.
    pub(crate) fn kill(&mut self, role: Role) {
        let launcher = self.launcher.as_ref().unwrap().id();
        let Some(pid) = (if role == Role::Launcher { Some(launcher) } else { child_of(launcher, role) })
        else {
            return;
        };
        let _gone = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        if role == Role::Launcher {
            let _reaped = self.launcher.take().unwrap().wait();
            self.start();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One of the three processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Launcher,
    Server,
    KeyProcess,
}

/// The launcher's child in a role, as the system lists it; `None` where it is just being started again.
fn child_of(launcher: u32, role: Role) -> Option<u32> {
    let verb = if role == Role::Server { "server" } else { "signerd" };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.find(|pid| {
        let of = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let status = of("status");
        let parent =
            status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim).unwrap_or_default();
        parent == launcher.to_string() && of("cmdline").split('\0').nth(1) == Some(verb)
    })
}

/// Has this kernel Landlock? Without it, one user's server is not locked in.
pub(crate) fn has_landlock() -> bool {
    // SAFETY: with this flag the call takes no attributes, and answers with a version.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0_usize, 0_usize, 1_u32) > 0 }
}

/// Lets a platform be served where the kernel has no walls for it; whatever else a test looks at is there all the same.
pub(crate) fn serve_without_walls_where_there_are_none(dir: &Path) {
    if !has_landlock() {
        testkit::skip("landlock", "this kernel has no Landlock: the server is not locked in");
        let config = dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("require_isolation = false\n{text}")).unwrap();
    }
}

/// A copy of a whole folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// An exclusive hold on a file, to keep two heavy tests from running at once.
pub(crate) fn alone() -> File {
    let path = std::env::temp_dir().join("avouch-test-heavy.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
    file.lock().unwrap();
    file
}
