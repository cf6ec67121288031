//! A platform of the real processes, founded for one measurement and gone after it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testkit::TempFolder;

use crate::failure::Failure;
use crate::wire::Door;

/// Where the key process takes orders, in the data folder.
pub(crate) const ORDERS: &str = "run/signerd/orders.sock";

/// What a platform is asked to have beside what `avouch init` makes.
const PASSPHRASE: &str = "measured with a passphrase that nobody needs\n";

/// A platform that is served.
pub(crate) struct Platform {
    avouch: PathBuf,
    folder: TempFolder,
    launcher: Child,
    /// Where requests are submitted, with a client certificate.
    pub(crate) listen: Door,
    /// Where anybody asks.
    pub(crate) public: Door,
}

/// What differs from a platform as `avouch init` makes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Text that is put at the end of `avouch.toml`.
    pub(crate) config: String,
}

impl Platform {
    /// Founds and serves one.
    pub(crate) fn new(avouch: &Path, plan: &Plan) -> Result<Self, Failure> {
        let folder = testkit::temp_folder();
        let passphrase = folder.path().join("passphrase");
        fs::write(&passphrase, PASSPHRASE).map_err(Failure::file("write", &passphrase))?;
        let dir = folder.path().join("data");
        let founded = Command::new(avouch)
            .arg("init")
            .arg(&dir)
            .arg("--admin-passphrase-file")
            .arg(&passphrase)
            .output()
            .map_err(Failure::file("start", avouch))?;
        good("avouch init", &founded)?;
        free_ports(&dir, &plan.config)?;
        let launcher = serve(avouch, &dir)?;
        let doors = doors(&dir)?;
        Ok(Self { avouch: avouch.to_owned(), folder, launcher, listen: doors.0, public: doors.1 })
    }

    /// The process that started all others.
    pub(crate) fn process(&self) -> u32 {
        self.launcher.id()
    }

    /// A folder beside the data folder, on the same disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn trust_root(&self) -> PathBuf {
        self.data().join("client/trust-root.json")
    }

    /// Runs a verb of the command line in the platform's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command().args(arguments).output().map_err(Failure::file("start", &self.avouch))?;
        good(&format!("avouch {}", arguments.join(" ")), &output)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.avouch);
        command
            .env("AVOUCH_CONTEXT", self.folder.path().join("context.toml"))
            .env("AVOUCH_DIR", self.data())
            .current_dir(self.folder.path());
        command
    }

    /// Runs a verb that an administrator endorses.
    pub(crate) fn administer(&self, arguments: &[&str]) -> Result<String, Failure> {
        let passphrase = self.folder.path().join("passphrase").to_string_lossy().into_owned();
        self.run(&[arguments, &["--admin-passphrase-file", &passphrase]].concat())
    }

    /// A profile of one new blob key.
    pub(crate) fn profile(&self, name: &str, key: &[&str], flags: &[&str]) -> Result<(), Failure> {
        self.administer(&[&["key", "create", name, "--form", "blob"], key].concat())?;
        self.run(&[&["profile", "create", name, "--key", &format!("blob={name}")], flags].concat())?;
        Ok(())
    }
}

impl Platform {
    /// Ends all its processes, and waits until they have ended.
    pub(crate) fn stop(&mut self) {
        end(&mut self.launcher);
    }

    /// Does something to the folder while nobody but the key process runs, and serves again.
    pub(crate) fn aside<T>(&mut self, work: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
        self.stop();
        let dir = self.data();
        let alone = KeyProcess::start(&self.avouch, &dir)?;
        let done = work(&dir)?;
        drop(alone);
        self.launcher = serve(&self.avouch, &dir)?;
        (self.listen, self.public) = doors(&dir)?;
        Ok(done)
    }
}

/// The key process alone, until it is dropped.
struct KeyProcess(Child);

impl KeyProcess {
    fn start(avouch: &Path, dir: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(avouch);
        command.arg("signerd").arg(dir).stderr(Stdio::null());
        let mut started = Self(command.spawn().map_err(Failure::file("start", avouch))?);
        let socket = dir.join(ORDERS);
        while UnixStream::connect(&socket).is_err() {
            if let Ok(Some(status)) = started.0.try_wait() {
                let (command, code) = ("avouch signerd".to_owned(), status.code().unwrap_or(-1));
                return Err(Failure::Command { command, code, said: String::new() });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(started)
    }
}

impl Drop for KeyProcess {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Asks a process to end, and waits until it did.
fn end(process: &mut Child) {
    let _ended = Command::new("kill").arg(process.id().to_string()).stderr(Stdio::null()).status();
    let _reaped = process.wait();
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop();
    }
}

fn good(command: &str, output: &std::process::Output) -> Result<String, Failure> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr) + &text(&output.stdout);
    Err(Failure::Command {
        command: command.to_owned(),
        code: output.status.code().unwrap_or(-1),
        said: said.trim().to_owned(),
    })
}

/// A measurement takes whatever ports are free.
fn free_ports(dir: &Path, more: &str) -> Result<(), Failure> {
    let path = dir.join("avouch.toml");
    let text = fs::read_to_string(&path).map_err(Failure::file("read", &path))?;
    let free = |line: &str| match line.split_once(" = \"127.0.0.1:") {
        Some((key, _)) => format!("{key} = \"127.0.0.1:0\"\n"),
        None if line.starts_with("public_url") => String::new(),
        None => format!("{line}\n"),
    };
    let text: String = text.lines().map(free).collect();
    fs::write(&path, text + more).map_err(Failure::file("write", &path))
}

fn serve(avouch: &Path, dir: &Path) -> Result<Child, Failure> {
    let mut launcher = Command::new(avouch)
        .arg("serve")
        .arg(dir)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::file("start", avouch))?;
    let mut said = BufReader::new(launcher.stderr.take().expect("its errors come through a pipe"));
    let mut line = String::new();
    let read = said.read_line(&mut line).map_err(Failure::file("read what is said by", avouch));
    if read.is_ok() && line.starts_with("avouch serves") {
        // Whatever else it says is of no use here, and must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        return Ok(launcher);
    }
    let _ended = launcher.kill();
    let _reaped = launcher.wait();
    Err(Failure::Command { command: "avouch serve".to_owned(), code: -1, said: line })
}

/// Where it listens, once it does, and a context with which the command line finds it.
fn doors(dir: &Path) -> Result<(Door, Door), Failure> {
    let read = |path: PathBuf| fs::read_to_string(&path).map_err(Failure::file("read", &path));
    let ready = read(dir.join("run/server/ready.json"))?;
    let ready: serde_json::Value =
        serde_json::from_str(&ready).map_err(|why| Failure::bad("what the server says of itself")(&why))?;
    let port = |key: &str| {
        let address = ready.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        let port = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        port.ok_or_else(|| Failure::bad("what the server says of itself")(&"no port"))
    };
    let (listen, public) = (port("listen")?, port("public_listen")?);
    let context = read(dir.join("client/context.toml"))?;
    let context = context.replace(":7443", &format!(":{listen}")).replace(":7444", &format!(":{public}"));
    let path = dir.with_file_name("context.toml");
    fs::write(&path, context).map_err(Failure::file("write", &path))?;
    let client = dir.join("client");
    Ok((Door::with_certificate(listen, &client)?, Door::open_to_all(public, &client)?))
}
