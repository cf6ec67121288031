//! Witnesses as processes: of a platform's journal, and of a log that another implementation keeps.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command_line::{avouch, text};
use crate::site::{Site, copy_folder};

/// How long a process may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A witness; while there is a child, it runs.
struct Witness {
    dir: PathBuf,
    name: String,
    key: String,
    address: String,
    child: Option<Child>,
}

impl Witness {
    /// Begins a witness in a folder, at a port that is its own.
    fn begin(folder: &Path, number: usize) -> Self {
        let (dir, name) =
            (folder.join(format!("witness-{number}")), format!("witness.example.test/{number}"));
        let mut init = avouch();
        init.arg("witness").arg("init").arg(&dir).args(["--name", &name, "--listen", "127.0.0.1:0"]);
        let output = init.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        fs::create_dir(dir.join("ready")).unwrap();
        Self { dir, name, key, address: String::new(), child: None }
    }

    /// It is told of these logs.
    fn know(&self, logs: &[String]) {
        let file = self.dir.join("witness.toml");
        let told: String = logs.iter().map(|log| format!("\n[[logs]]\nkey = \"{log}\"\n")).collect();
        fs::write(&file, fs::read_to_string(&file).unwrap() + &told).unwrap();
    }

    fn serve(&mut self) {
        let ready = self.dir.join("ready/address");
        let _none_is_left = fs::remove_file(&ready);
        let mut serve = avouch();
        serve.arg("witness").arg("serve").arg(&self.dir).arg("--ready-file").arg(&ready);
        self.child = Some(serve.stderr(Stdio::null()).spawn().unwrap());
        let since = Instant::now();
        let address = loop {
            match fs::read_to_string(&ready) {
                Ok(address) if !address.is_empty() => break address,
                _ => assert!(since.elapsed() < PATIENCE, "the witness does not come up"),
            }
            std::thread::yield_now();
        };
        if self.address.is_empty() {
            let file = self.dir.join("witness.toml");
            fs::write(&file, fs::read_to_string(&file).unwrap().replace("127.0.0.1:0", &address)).unwrap();
        }
        self.address = format!("http://{address}");
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }

    /// A witness of these logs in a folder, which runs.
    fn start(folder: &Path, number: usize, logs: &[String]) -> Self {
        let mut witness = Self::begin(folder, number);
        witness.know(logs);
        witness.serve();
        witness
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Tells witnesses what they must know of a platform, and where they are to that.
fn introduce(site: &Site, witnesses: &mut [Witness]) {
    let keys: Vec<&str> = witnesses.iter().map(|one| one.key.as_str()).collect();
    let data = site.data();
    let show = [&["witness", "show", "--json", "--dir", &data][..], &keys].concat();
    let shown = site.command().args(show).output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let mut wiring = "\n[witnesses]\n".to_owned();
    for one in witnesses {
        let log = shown["logs"][0].as_str().unwrap().to_owned();
        one.know(&[log, shown["journal"][&one.name].as_str().unwrap().to_owned()]);
        one.serve();
        wiring.push_str(&format!("\"{}\" = \"{}\"\n", one.name, one.address));
    }
    let config = site.dir.join("avouch.toml");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &wiring).unwrap();
}

/// Has two of these witnesses asked for.
fn name(site: &Site, witnesses: &[Witness]) {
    let keys: Vec<&str> = witnesses.iter().map(|one| one.key.as_str()).collect();
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    let flags = ["--threshold", "2", "--dir", &data, "--admin-passphrase-file", &passphrase];
    site.good(&[&["witness", "name"][..], &keys, &flags].concat());
}

/// A platform with three witnesses, two of whom it takes.
fn witnessed() -> (Site, Vec<Witness>) {
    let site = Site::new();
    let mut witnesses: Vec<Witness> = (1..=3).map(|n| Witness::begin(site.folder.path(), n)).collect();
    introduce(&site, &mut witnesses);
    name(&site, &witnesses);
    (site, witnesses)
}

fn feed(site: &Site) -> (i32, String) {
    site.run(&["witness", "feed", "--once", "--dir", &site.data()])
}

/// Attack 12, with the real processes.
#[test]
fn a_key_process_whose_folder_was_put_back_is_found_by_its_witnesses() {
    let (mut site, witnesses) = witnessed();
    let (code, said) = site.run(&["witness", "show", "--dir", &site.data()]);
    assert!(code == 2 && said.contains("the journal is held by 0 of its witnesses, and needs 2"), "{said}");
    let (code, said) = feed(&site);
    assert!(code == 0 && said.contains("the journal is held by witness.example.test/1"), "{said}");
    assert!(
        site.good(&["witness", "show", "--dir", &site.data()]).contains("held by witness.example.test/1")
    );
    assert_eq!(site.sign("one.bin").0, 0);
    site.good(&["verify", "one.bin"]);
    site.stop();
    copy_folder(&site.dir.join("signerd"), &site.folder.path().join("yesterday"));

    site.start();
    assert_eq!(feed(&site).0, 0);
    assert_eq!(site.sign("two.bin").0, 0);
    assert_eq!(feed(&site).0, 0);
    site.stop();
    fs::remove_dir_all(site.dir.join("signerd")).unwrap();
    copy_folder(&site.folder.path().join("yesterday"), &site.dir.join("signerd"));

    site.start();
    let (code, said) = feed(&site);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("the witness `witness.example.test/") && said.contains("is not what it saw"),
        "{said}"
    );
    let (code, said) = site.run(&["witness", "show", "--dir", &site.data()]);
    assert!(code == 2 && said.contains("avouch signerd adopt"), "{said}");
    assert_ne!(site.sign("three.bin").0, 0);
    drop(witnesses);
}

/// A log that is rolled back, or frozen for whoever reads it, shows beside what its witnesses saw.
#[test]
fn a_log_that_hides_what_its_witnesses_saw_is_found_by_who_asks_them() {
    let (mut site, witnesses) = witnessed();
    let asked = |site: &Site| {
        let addresses = witnesses.iter().flat_map(|one| ["--witness", &one.address]);
        site.run(&[&["log", "witnessed"][..], &addresses.collect::<Vec<_>>()].concat())
    };
    let (code, said) = asked(&site);
    assert!(code == 2 && said.contains("shows nothing of this log"), "{said}");
    assert_eq!(feed(&site).0, 0);
    assert_eq!(site.sign("one.bin").0, 0);
    let (code, said) = feed(&site);
    assert!(code == 0 && said.contains("is cosigned by witness.example.test/1"), "{said}");
    let (code, said) = asked(&site);
    assert!(code == 0 && said.contains("and the log lost none since"), "{said}");
    // One that is shown to nobody any more may be shown otherwise to each.
    let addresses: Vec<&str> = witnesses.iter().flat_map(|one| ["--witness", &one.address]).collect();
    let (code, said) = site.run(&[&["log", "witnessed", "--fresh", "0"][..], &addresses].concat());
    assert!(code == 2 && said.contains("was shown nothing for longer than 0 s"), "{said}");
    site.stop();
    copy_folder(&site.dir.join("server"), &site.folder.path().join("older"));

    site.start();
    assert_eq!(feed(&site).0, 0);
    assert_eq!(site.sign("two.bin").0, 0);
    assert_eq!(feed(&site).0, 0);
    site.stop();
    fs::remove_dir_all(site.dir.join("server")).unwrap();
    copy_folder(&site.folder.path().join("older"), &site.dir.join("server"));

    // The server reads only, and shows the log as it was.
    site.start();
    let (code, said) = asked(&site);
    assert!(code == 1 && said.contains("it hides what came since"), "{said}");
}

#[test]
fn a_witness_that_is_started_twice_over_one_folder_runs_once() {
    let folder = testkit::temp_folder();
    let mut witness = Witness::begin(folder.path(), 1);
    witness.serve();
    let output = avouch().arg("witness").arg("serve").arg(&witness.dir).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output).contains("is used by another witness that runs"), "{}", text(&output));
    let output =
        avouch().arg("witness").arg("init").arg(&witness.dir).args(["--name", "x"]).output().unwrap();
    assert!(text(&output).contains("is a witness's folder already"), "{}", text(&output));
}

/// A log of another hand: trees, notes and proofs by sixty lines of Python, which believe nothing of ours.
#[test]
fn a_log_of_another_implementation_is_cosigned_as_the_specification_says() {
    let has_cryptography = testkit::tool("python3").is_some()
        && Command::new("python3")
            .args(["-c", "import cryptography"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !has_cryptography {
        testkit::skip("witness protocol against Python", "no python3 with `cryptography` here");
        return;
    }
    let folder = testkit::temp_folder();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/witnesses/log.py");
    let python = |arguments: &[&str]| {
        let output = Command::new("python3").arg(script).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let log = python(&["key"]).trim().to_owned();
    let witness = Witness::start(folder.path(), 1, &[log]);
    let said = python(&["submit", &witness.address, &witness.key]);
    assert!(said.contains("all answers are those of the specification"), "{said}");
}

/// Goes between a platform and its witnesses, until it is dropped.
struct Feed(Child);

impl Feed {
    fn start(site: &Site) -> Self {
        let log = fs::File::create(site.folder.path().join("feed.log")).unwrap();
        let mut feed = site.command();
        feed.args(["witness", "feed", "--every", "1", "--dir", &site.data()])
            .stdout(Stdio::null())
            .stderr(log);
        Self(feed.spawn().unwrap())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Answers for a witness in its name, and with signatures that nobody made.
fn lie(listener: TcpListener, name: String) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let line = format!("\u{2014} {name} {}\n", "A".repeat(100));
        let mut seen = [0; 64 * 1024];
        let Ok(read) = stream.read(&mut seen) else { continue };
        let (status, body) = match seen[..read].starts_with(b"POST") {
            true => ("200 OK", line),
            false => ("404 Not Found", String::new()),
        };
        let length = body.len();
        let _gone_away = write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
    }
}

/// Two of three witnesses, of whom one lies and one is down at first, and at last.
#[test]
fn a_receipt_shows_the_witnesses_of_log_and_journal_and_without_enough_of_them_nothing_governed_is_signed() {
    let site = Site::new();
    let passphrase = site.path("passphrase");
    let rule = ["--rule", "administrators=1", "--independent", "0", "--admin-passphrase-file", &passphrase];
    let dir = ["--dir", &site.data()];
    site.good(&[&["key", "create", "default/governed", "--form", "blob"][..], &rule, &dir].concat());
    site.good(
        &[&["profile", "create", "default/careful", "--key", "blob=default/governed"][..], &dir].concat(),
    );
    let mut witnesses: Vec<Witness> = (1..=3).map(|n| Witness::begin(site.folder.path(), n)).collect();
    introduce(&site, &mut witnesses);
    // The third is taken over by who lies at its place; the second is down.
    witnesses[2].stop();
    let place = TcpListener::bind(witnesses[2].address.trim_start_matches("http://")).unwrap();
    let liar = witnesses[2].name.clone();
    std::thread::spawn(move || lie(place, liar));
    witnesses[1].stop();
    name(&site, &witnesses);
    site.good(&["trust", "export"]);
    let _feed = Feed::start(&site);

    fs::write(site.folder.path().join("release.bin"), "release").unwrap();
    let sign = |wait: &str| {
        let flags = ["--profile", "default/careful", "--idempotency-key", "r1", "--json", "--wait", wait];
        site.run(&[&["sign", "release.bin"][..], &flags].concat())
    };
    let (code, said) = sign("1");
    assert_eq!(code, 4, "{said}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let (request, digest) = (report["request"].as_str().unwrap(), report["digest"].as_str().unwrap());
    let principal = fs::read(site.dir.join("admin/principal.json")).unwrap();
    let principal: serde_json::Value = serde_json::from_slice(&principal).unwrap();
    let key = site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let who = principal["principal"].as_str().unwrap();
    let endorse = ["endorse", request, "--digest", digest, "--as", who, "--key", &key];
    let (code, said) = site.run(&[&endorse[..], &["--passphrase-file", &passphrase]].concat());
    assert!(code == 4 && said.contains("under way"), "it is endorsed, and signed later: {said}");
    // One honest witness is not enough, whatever the liar says.
    let (code, said) = sign("0");
    let receipt = site.folder.path().join("release.bin.receipt.json");
    assert!(code == 4 && !receipt.exists(), "signed with one honest witness: {said}");
    let (code, said) = site.run(&["witness", "show", "--dir", &site.data()]);
    assert!(code == 2 && said.contains("held by 1 of its witnesses, and needs 2"), "{said}");
    assert!(said.contains("witness.example.test/2, witness.example.test/3"), "{said}");

    witnesses[1].serve();
    let (code, said) = sign("60");
    assert_eq!(code, 0, "{said}\n{}", fs::read_to_string(site.folder.path().join("feed.log")).unwrap());
    site.good(&["verify", "release.bin", "--require-quorum"]);
    site.good(&["request", "receipts", "release.bin"]);
    let said = site.good(&["verify", "release.bin", "--require-quorum", "--require-witnesses"]);
    assert_eq!(said.matches("witness.example.test/1, witness.example.test/2").count(), 2, "{said}");
    assert!(site.good(&["doctor", &site.data()]).contains("log cosigned by witnesses"));

    // With one honest witness again, what was signed meanwhile says whom it lacks.
    witnesses[1].stop();
    assert_eq!(site.sign("later.bin").0, 0);
    let (code, said) = site.run(&["request", "receipts", "later.bin", "--wait", "0"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("it shows nothing of witness.example.test/"), "{said}");
    let (code, said) = site.run(&["verify", "later.bin", "--require-witnesses"]);
    assert!(code == 2 && said.contains("witnesses of the log, and it takes 2"), "{said}");
    site.good(&["verify", "later.bin"]);
    site.good(&["verify", "release.bin", "--require-witnesses"]);
}
