//! A module that forwards to SoftHSM2 and misbehaves on demand.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use keystore::Pkcs11Wiring;
use testkit::SoftHsm;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pkcs11/shim.c");

/// SoftHSM2 behind the shim.
pub(super) struct Shim {
    pub(super) hsm: SoftHsm,
    module: PathBuf,
}

impl Shim {
    /// Compiles the shim, or skips loudly.
    pub(super) fn new() -> Option<Self> {
        let hsm = SoftHsm::new()?;
        let cc = testkit::tool("cc")?;
        let module = hsm.folder().join("shim.so");
        let mut compile = cc.command();
        compile
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&module)
            .args([SOURCE, "-ldl"]);
        assert!(compile.status().unwrap().success(), "the shim compiles");
        Some(Self { hsm, module })
    }

    pub(super) fn wiring(&self) -> Pkcs11Wiring {
        let mut wiring = super::wiring(&self.hsm);
        wiring.uri = self.hsm.uri(&self.module).parse().unwrap();
        let folder = self.hsm.folder().display().to_string();
        wiring.environment.insert("SHIM_FOLDER".to_owned(), folder);
        wiring.environment.insert("SHIM_MODULE".to_owned(), self.hsm.module().display().to_string());
        wiring
    }

    /// Asks for a misbehaviour.
    pub(super) fn ask(&self, what: &str) {
        File::create(self.hsm.folder().join(what)).unwrap();
    }

    /// Asks for none any more.
    pub(super) fn relent(&self, what: &str) {
        fs::remove_file(self.hsm.folder().join(what)).unwrap();
    }

    /// How often something was done.
    pub(super) fn count(&self, what: &str) -> usize {
        fs::read(self.hsm.folder().join(what)).map_or(0, |bytes| bytes.len())
    }

    /// The process in which it was loaded last.
    pub(super) fn process(&self) -> String {
        fs::read_to_string(self.hsm.folder().join("process")).unwrap()
    }

    /// Lets each signature hang. What is returned waits until one does, and says in which process.
    pub(super) fn hang(&self) -> impl Fn() -> String + use<> {
        let fifo = self.hsm.folder().join("hang");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        move || fs::read_to_string(&fifo).unwrap().lines().next().unwrap().to_owned()
    }
}
