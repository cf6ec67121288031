//! Keys in a hardware token, behind a module in a lane process of the key process's own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use model::{Algorithm, PublicKey};
use signer::{AdminAnswer, AdminClient, AdminMessage, Client, Signer};
use testkit::{Shim, SoftHsm, TempFolder};

/// The executable with a store `token` behind the shim.
struct Site {
    folder: TempFolder,
    child: Child,
}

impl Site {
    fn new(shim: &Shim) -> Self {
        let folder = testkit::temp_folder();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("passphrase"), "correct horse\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_avouch-signerd"));
        command.args([at("signerd"), at("passphrase"), at("orders.sock"), at("admin.sock")]);
        command.arg(format!("store=token={}", shim.uri()));
        for (name, value) in shim.environment() {
            command.arg(format!("env={name}={value}"));
        }
        command.arg(format!("write={}", shim.hsm.folder().display()));
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let mut site = Self { folder, child };
        let begin = Instant::now();
        // The socket for administration is bound last.
        while site.client().state().is_err() || UnixStream::connect(site.at("admin.sock")).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(30) && site.child.try_wait().unwrap().is_none());
            std::thread::yield_now();
        }
        site
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn client(&self) -> Client {
        Client::new(&self.at("orders.sock"))
    }

    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, String> {
        let message = AdminMessage::Generate { store: "token".to_owned(), algorithm };
        match AdminClient::new(&self.at("admin.sock")).send(&message).unwrap() {
            AdminAnswer::Generated { spki } => Ok(PublicKey::from_spki(&spki).unwrap()),
            AdminAnswer::Refused(refusal) => Err(refusal.text),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A test that failed leaves nothing running; one that did not has ended it already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(process: &str, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().to_owned()
}

#[test]
fn the_executable_keeps_keys_in_a_hardware_token_and_its_lane_process_dies_with_it() {
    let Some(shim) = Shim::new() else { return };
    let mut site = Site::new(&shim);
    let stores: Vec<String> = site.client().state().unwrap().stores.iter().map(ToString::to_string).collect();
    assert_eq!(stores, ["software", "token"]);
    assert_eq!(site.generate(Algorithm::EcdsaP256).unwrap().algorithm(), Algorithm::EcdsaP256);
    let refused = site.generate(Algorithm::Rsa2048).unwrap_err();
    assert!(refused.contains("makes no keys for `rsa-2048-sha256`"), "{refused}");

    let process = shim.process();
    assert_eq!(status(&process, "PPid"), site.child.id().to_string(), "a child of the key process");
    let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(SoftHsm::PIN));
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    assert!(limits.lines().any(|line| line.starts_with("Max core file size        0")), "{limits}");
    // Killed, not asked: nothing of the key process runs that could end it.
    site.child.kill().unwrap();
    site.child.wait().unwrap();
    while fs::metadata(format!("/proc/{process}")).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn a_wrong_pin_stops_the_store_and_nothing_else() {
    let Some(shim) = Shim::new() else { return };
    shim.hsm.write_pin("wrong");
    let site = Site::new(&shim);
    for _ in 0..3 {
        let refused = site.generate(Algorithm::EcdsaP256).unwrap_err();
        assert!(refused.contains("refuses the PIN; it was tried once"), "{refused}");
    }
    assert!(fs::read(site.at("signerd/stores/token/pin-refused")).unwrap().len() > 32, "it is remembered");
    assert_eq!(shim.count("logins"), 1);
}

#[test]
fn a_curious_module_reaches_neither_the_key_process_nor_its_files_nor_a_network() {
    const PERMISSION: i32 = 1;
    const ACCESS: i32 = 13;
    let Some(shim) = Shim::new() else { return };
    let site = Site::new(&shim);
    site.generate(Algorithm::EcdsaP256).unwrap();
    let peeped = shim.hsm.folder().join("peeped");
    let journal = fs::read_dir(site.at("signerd/journal")).unwrap().next().unwrap().unwrap().path();
    let process = site.child.id();
    let others = [
        site.at("passphrase"),
        site.at("signerd"),
        site.at("signerd/keys"),
        journal,
        format!("/proc/{process}/mem").into(),
        "/etc/passwd".into(),
    ];
    let own = [shim.hsm.pin_file(), shim.hsm.tokens()];
    let list: Vec<String> = others.iter().chain(&own).map(|path| path.display().to_string()).collect();
    fs::write(shim.hsm.folder().join("peep"), list.join("\n")).unwrap();
    // The next lane process peeps as it loads.
    assert!(Command::new("kill").args(["-9", &shim.process()]).status().unwrap().success());
    while !peeped.exists() || site.generate(Algorithm::EcdsaP256).is_err() {
        std::thread::yield_now();
    }
    let said = fs::read_to_string(peeped).unwrap();
    let outcome = |what: &str| -> i32 {
        let line = said.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.trim().parse().unwrap()
    };
    let guarantees = fs::read_to_string(site.at("orders.guarantees")).unwrap();
    own.iter().for_each(|path| assert_eq!(outcome(&path.display().to_string()), 0, "{said}"));
    assert_eq!(outcome("network"), PERMISSION, "{said}");
    assert_eq!(outcome("fork"), PERMISSION, "{said}");
    if guarantees.contains("no Landlock") {
        return testkit::skip("landlock", "this kernel has none: what a module reads is not confined");
    }
    others.iter().for_each(|path| assert_eq!(outcome(&path.display().to_string()), ACCESS, "{said}"));
    assert_eq!(outcome("signal"), PERMISSION, "{said}");
}
