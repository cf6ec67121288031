//! Keys in a hardware token, behind a module in a lane process of the key process's own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keystore::{LaneProgram, Pkcs11Store, Pkcs11Wiring};
use model::{Algorithm, Form, PublicKey};
use quorum::{Change, KeyRecord};
use signer::{AdminAnswer, AdminClient, AdminMessage, Answer, Client, Head, Orders, RefusalCode, Signer};
use testkit::founding::key_record;
use testkit::{MemoryDisk, Shim, SoftHsm, TempFolder};

use crate::world::{Platform, World, space};

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

/// A platform in this process, whose token is behind the shim in a real lane process.
fn platform(shim: &Shim, deadline: Duration) -> Platform {
    let words = ["lane".to_owned(), format!("write={}", shim.hsm.folder().display())];
    let wiring = Pkcs11Wiring {
        uri: shim.uri().parse().unwrap(),
        environment: shim.environment(),
        deadline,
        program: LaneProgram {
            executable: env!("CARGO_BIN_EXE_avouch-signerd").into(),
            arguments: words.iter().map(Into::into).collect(),
        },
    };
    let store = Pkcs11Store::start(wiring, Arc::new(MemoryDisk::new())).unwrap();
    let mut world = World::new();
    world.more = vec![(space("token"), Arc::new(store))];
    let platform = Platform::begin(world);
    let message = AdminMessage::Generate { store: "token".to_owned(), algorithm: Algorithm::EcdsaP256 };
    let AdminAnswer::Generated { spki } = platform.administer(&message) else { panic!("no key") };
    let public = PublicKey::from_spki(&spki).unwrap();
    let record = key_record("token/blob", Form::Blob, public, platform.world.now());
    let record = KeyRecord { store: space("token"), ..record };
    assert!(matches!(platform.enter(vec![Change::Key(record)]), AdminAnswer::Appended { .. }));
    platform
}

#[test]
fn a_batch_of_which_one_hangs_in_its_session_tells_the_truth_of_each_and_is_ordered_again() {
    let Some(shim) = Shim::new() else { return };
    let platform = platform(&shim, Duration::from_secs(2));
    let bytes: Vec<String> = (0..16).map(|number| format!("number {number}")).collect();
    let orders = bytes.iter().map(|bytes| platform.asking("token/blob", bytes.as_bytes()).order());
    let orders = Orders { ledger: Head::empty(), orders: orders.collect() };
    let hanging = shim.hang();
    let (process, batch) = (platform.process.clone(), orders.clone());
    let slow = thread::spawn(move || process.order(&batch));
    hanging();
    shim.relent("hang");
    let first = slow.join().unwrap().unwrap().answers;
    let refused = first.iter().filter_map(|answer| match answer {
        Answer::Refused(refusal) => Some(refusal),
        Answer::Signed(_) => None,
    });
    let refused: Vec<_> = refused.collect();
    assert!(!refused.is_empty(), "one hung");
    assert!(refused.iter().all(|one| one.code == RefusalCode::KeyStore && one.code.is_transient()));
    let key = platform.public_key("token/blob");
    let again = loop {
        let again = platform.process.order(&orders).unwrap().answers;
        if again.iter().all(|answer| matches!(answer, Answer::Signed(_))) {
            break again;
        }
    };
    for ((bytes, first), again) in bytes.iter().zip(&first).zip(&again) {
        let Answer::Signed(signed) = again else { panic!("{again:?}") };
        key.verify(bytes.as_bytes(), &signed.signature).unwrap();
        assert!(matches!(first, Answer::Refused(_)) || first == again, "what was signed is kept");
    }
}
