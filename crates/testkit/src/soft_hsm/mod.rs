//! SoftHSM2: a hardware token in software, in a folder of the test's own.

mod shim;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::{TempFolder, skip, temp_folder, tool};

pub use shim::Shim;

/// Where distributions put the module.
const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// A token of SoftHSM2 that is initialised, with its PIN in a file.
pub struct SoftHsm {
    folder: TempFolder,
    module: PathBuf,
}

impl SoftHsm {
    /// The label of the token. It has a blank, so that it must be escaped.
    pub const LABEL: &'static str = "avouch test";
    /// Its PIN.
    pub const PIN: &'static str = "the-pin-84316";

    /// Initialises a token, or skips loudly where SoftHSM2 is not installed.
    pub fn new() -> Option<Self> {
        let util = tool("softhsm2-util")?;
        let Some(module) = MODULES.iter().map(PathBuf::from).find(|module| module.is_file()) else {
            skip("softhsm2", "the program is here and its module is not where distributions put it");
            return None;
        };
        let hsm = Self { folder: temp_folder(), module };
        fs::create_dir(hsm.tokens()).expect("a folder of our own takes another");
        let config = format!("directories.tokendir = {}\nlog.level = ERROR\n", hsm.tokens().display());
        fs::write(hsm.config(), config).expect("a folder of our own takes a file");
        hsm.write_pin(Self::PIN);
        let arguments =
            ["--init-token", "--free", "--label", Self::LABEL, "--pin", Self::PIN, "--so-pin", "so-pin"];
        let output = util.command().args(arguments).envs(hsm.environment()).output();
        let output = output.expect("a program that is here starts");
        assert!(output.status.success(), "softhsm2-util: {}", String::from_utf8_lossy(&output.stderr));
        Some(hsm)
    }

    /// What the module needs in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("SOFTHSM2_CONF".to_owned(), self.config().display().to_string())])
    }

    /// The module.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The folder that goes away with this value; anything may be put there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of its tokens.
    pub fn tokens(&self) -> PathBuf {
        self.folder().join("tokens")
    }

    /// The file of its PIN.
    pub fn pin_file(&self) -> PathBuf {
        self.folder().join("pin")
    }

    /// The token's URI, behind this module or another that forwards to it.
    pub fn uri(&self, module: &Path) -> String {
        let label = Self::LABEL.replace(' ', "%20");
        let (module, pin) = (module.display(), self.pin_file());
        format!("pkcs11:token={label}?module-path={module}&pin-source=file:{}", pin.display())
    }

    /// Puts another PIN into the file, as an operator does: a new file in its place.
    pub fn write_pin(&self, pin: &str) {
        let beside = self.folder().join("pin.new");
        fs::write(&beside, format!("{pin}\n")).expect("a folder of our own takes a file");
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).expect("the file is our own");
        fs::rename(&beside, self.pin_file()).expect("the file is our own");
    }

    fn config(&self) -> PathBuf {
        self.folder().join("softhsm2.conf")
    }
}
