//! A module that forwards to SoftHSM2, and misbehaves on demand.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::{SoftHsm, tool};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/soft_hsm/shim.c");

/// SoftHSM2 behind a module that does what files in [`SoftHsm::folder`] ask of it: `crash-on-load`, `crash-on-sign`,
/// `removed` (the token is gone), `final-try` (one wrong PIN would lock it), `hang`, `peep` (a list of paths to try).
pub struct Shim {
    /// The token behind it.
    pub hsm: SoftHsm,
    module: PathBuf,
}

impl Shim {
    /// Compiles the module, or skips loudly.
    pub fn new() -> Option<Self> {
        let hsm = SoftHsm::new()?;
        let cc = tool("cc")?;
        let module = hsm.folder().join("shim.so");
        let mut compile = cc.command();
        compile
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&module)
            .args([SOURCE, "-ldl"]);
        assert!(compile.status().expect("a program that is here starts").success(), "the shim compiles");
        Some(Self { hsm, module })
    }

    /// The token's URI, behind this module.
    pub fn uri(&self) -> String {
        self.hsm.uri(&self.module)
    }

    /// What the module needs in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.hsm.environment();
        environment.insert("SHIM_FOLDER".to_owned(), self.hsm.folder().display().to_string());
        environment.insert("SHIM_MODULE".to_owned(), self.hsm.module().display().to_string());
        environment
    }

    /// Asks for a misbehaviour.
    pub fn ask(&self, what: &str) {
        File::create(self.hsm.folder().join(what)).expect("a folder of our own takes a file");
    }

    /// Asks for it no more.
    pub fn relent(&self, what: &str) {
        fs::remove_file(self.hsm.folder().join(what)).expect("it was asked for");
    }

    /// How often something was done: `loads`, `logins`.
    pub fn count(&self, what: &str) -> usize {
        fs::read(self.hsm.folder().join(what)).map_or(0, |bytes| bytes.len())
    }

    /// The process in which it was loaded last.
    pub fn process(&self) -> String {
        fs::read_to_string(self.hsm.folder().join("process")).expect("it was loaded")
    }

    /// Lets each signature hang. What is returned waits until one does, and says in which process.
    pub fn hang(&self) -> impl Fn() -> String + use<> {
        let fifo = self.hsm.folder().join("hang");
        let made = Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("every system has mkfifo").success(), "a FIFO is made");
        move || {
            let who = fs::read_to_string(&fifo).expect("a FIFO is read like a file");
            who.lines().next().unwrap_or_default().to_owned()
        }
    }
}
