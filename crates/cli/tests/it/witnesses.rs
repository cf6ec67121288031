//! Witnesses as processes: of a platform's journal, and of a log that another implementation keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command_line::{avouch, text};
use crate::site::{Site, copy_folder};

/// How long a process may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A witness that runs.
struct Witness {
    dir: PathBuf,
    name: String,
    key: String,
    address: String,
    child: Child,
}

impl Witness {
    /// Begins a witness of these logs in a folder, and runs it.
    fn start(folder: &Path, number: usize, logs: &[String]) -> Self {
        let (dir, name) =
            (folder.join(format!("witness-{number}")), format!("witness.example.test/{number}"));
        let mut init = avouch();
        init.arg("witness").arg("init").arg(&dir).args(["--name", &name, "--listen", "127.0.0.1:0"]);
        logs.iter().for_each(|log| {
            init.args(["--log", log]);
        });
        let output = init.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let ready = dir.join("ready/address");
        fs::create_dir(dir.join("ready")).unwrap();
        let mut serve = avouch();
        serve.arg("witness").arg("serve").arg(&dir).arg("--ready-file").arg(&ready);
        let child = serve.stderr(Stdio::null()).spawn().unwrap();
        let since = Instant::now();
        let address = loop {
            match fs::read_to_string(&ready) {
                Ok(address) if !address.is_empty() => break address,
                _ => assert!(since.elapsed() < PATIENCE, "the witness does not come up"),
            }
            std::thread::yield_now();
        };
        Self { dir, name, key, address: format!("http://{address}"), child }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a witness must know of a platform.
fn logs(site: &Site) -> Vec<String> {
    let shown = site.command().args(["witness", "show", "--json", "--dir", &site.data()]).output().unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let keys = shown["logs"].as_array().unwrap();
    keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// A platform with three witnesses, two of whom it takes.
fn witnessed() -> (Site, Vec<Witness>) {
    let site = Site::new();
    let logs = logs(&site);
    let witnesses: Vec<Witness> =
        (1..=3).map(|number| Witness::start(site.folder.path(), number, &logs)).collect();
    let config = site.dir.join("avouch.toml");
    let mut wiring = fs::read_to_string(&config).unwrap();
    wiring.push_str("\n[witnesses]\n");
    for one in &witnesses {
        wiring.push_str(&format!("\"{}\" = \"{}\"\n", one.name, one.address));
    }
    fs::write(&config, wiring).unwrap();
    let keys: Vec<&str> = witnesses.iter().map(|one| one.key.as_str()).collect();
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    let flags = ["--threshold", "2", "--dir", &data, "--admin-passphrase-file", &passphrase];
    site.good(&[&["witness", "name"][..], &keys, &flags].concat());
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
    let witness = Witness::start(folder.path(), 1, &[]);
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
