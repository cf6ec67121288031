//! A platform that is founded, served, used and administered by the verbs alone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use testkit::TempFolder;

use crate::command_line::{avouch, text};

/// A founded platform, served on any free ports.
struct Served {
    folder: TempFolder,
    dir: PathBuf,
    passphrase: PathBuf,
    context: PathBuf,
    fingerprint: String,
    child: Child,
}

impl Served {
    fn new() -> Self {
        let folder = testkit::temp_folder();
        let dir = folder.path().join("data");
        let passphrase = folder.path().join("passphrase");
        fs::write(&passphrase, "correct horse battery staple\n").unwrap();
        let output =
            avouch().arg("init").arg(&dir).arg("--admin-passphrase-file").arg(&passphrase).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let said = text(&output);
        assert!(said.contains("next:"), "{said}");
        let fingerprint = said.lines().find_map(|line| line.trim().strip_prefix("TLS ")).unwrap().trim();
        let fingerprint = fingerprint.split_whitespace().next().unwrap().to_owned();
        // Tests share a machine: the fixed ports of a real folder become free ones.
        let config = dir.join("avouch.toml");
        let changed =
            fs::read_to_string(&config).unwrap().replace(":7443\"", ":0\"").replace(":7445\"", ":0\"");
        let changed: String = changed
            .replace("listen = \"127.0.0.1:7444\"", "listen = \"127.0.0.1:0\"")
            .lines()
            .filter(|line| !line.starts_with("public_url"))
            .fold(String::new(), |text, line| text + line + "\n");
        fs::write(&config, changed).unwrap();
        crate::site::serve_without_walls_where_there_are_none(&dir);
        let mut child = avouch().arg("serve").arg(&dir).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("avouch serves"), "{line}");
        let ready: serde_json::Value =
            serde_json::from_slice(&fs::read(dir.join("run/server/ready.json")).unwrap()).unwrap();
        let port = |key: &str| ready[key].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let context = folder.path().join("context.toml");
        let stored = fs::read_to_string(dir.join("client/context.toml")).unwrap();
        let stored = stored
            .replace(":7443", &format!(":{}", port("listen")))
            .replace(":7444", &format!(":{}", port("public_listen")));
        fs::write(&context, stored).unwrap();
        Self { folder, dir, passphrase, context, fingerprint, child }
    }

    fn command(&self) -> Command {
        let mut command = avouch();
        command
            .env("AVOUCH_CONTEXT", &self.context)
            .env("AVOUCH_DIR", &self.dir)
            .current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command().args(arguments).output().unwrap();
        (output.status.code().unwrap(), text(&output))
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    /// Stores a context with the fingerprint that `init` printed, and none with another.
    fn log_in(&self, api_key: &Path) {
        let url = format!("https://localhost:{}", self.port("listen"));
        let public_url = format!("https://localhost:{}", self.port("public_listen"));
        let context = self.folder.path().join("other/context.toml").to_string_lossy().into_owned();
        let api_key = api_key.to_string_lossy();
        let log_in = |fingerprint: &str, platform: &[&str]| {
            let flags = ["--public-url", &public_url, "--api-key-file", &api_key, "--context", &context];
            self.run(&[&["login", &url, "--fingerprint", fingerprint][..], &flags, platform].concat())
        };
        let (code, said) = log_in(&"00".repeat(32), &[]);
        assert!(code == 3 && said.contains("presents no certificate"), "{code}: {said}");
        let other = model::PlatformId::new(model::Digest::of(b"another")).to_string();
        let (code, said) = log_in(&self.fingerprint, &["--platform", &other]);
        assert!(code == 3 && said.contains("was expected"), "{code}: {said}");
        let left = fs::read_dir(self.folder.path().join("other")).unwrap().count();
        assert_eq!(left, 0, "nothing of a platform that was not expected is trusted later");
        let (code, said) = log_in(&self.fingerprint, &[]);
        assert_eq!(code, 0, "{said}");
        // A login that fails leaves the one before it as it was, and nothing beside it.
        let no_key = self.file("no.key", b"no key");
        let no_key = no_key.to_string_lossy();
        let flags = ["--public-url", &public_url, "--api-key-file", &no_key, "--context", &context];
        let (code, said) =
            self.run(&[&["login", &url, "--fingerprint", &self.fingerprint][..], &flags].concat());
        assert!(code == 3 && said.contains("no.key` holds no API key"), "{code}: {said}");
        let stored = fs::read_dir(self.folder.path().join("other")).unwrap();
        let mut stored: Vec<_> = stored.map(|entry| entry.unwrap().file_name()).collect();
        stored.sort();
        assert_eq!(stored, ["ca.pem", "context.toml", "trust-root.json"]);
        assert!(self.good(&["whoami", "--context", &context]).contains("may use team"));
    }

    fn port(&self, listener: &str) -> String {
        let ready: serde_json::Value =
            serde_json::from_slice(&fs::read(self.dir.join("run/server/ready.json")).unwrap()).unwrap();
        ready[listener].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = Command::new("kill").arg(self.child.id().to_string()).status();
        let _reaped = self.child.wait();
    }
}

fn exists(path: &Path, suffix: &str) -> bool {
    PathBuf::from(format!("{}{suffix}", path.display())).exists()
}

#[test]
fn a_platform_lives_through_all_its_verbs() {
    let served = Served::new();
    assert!(served.good(&["whoami"]).contains("may use default"));
    let (one, two) = (served.file("one.bin", b"one"), served.file("two.bin", b"two"));
    let said = served.good(&["sign", "one.bin", "two.bin", "--product", "thing", "--version", "1.0"]);
    assert!(said.contains("signed one.bin") && said.contains("signed two.bin"), "{said}");
    for path in [&one, &two] {
        assert!(
            [".receipt.json", ".sigstore.json", ".p7s", ".sig"].iter().all(|suffix| exists(path, suffix))
        );
    }
    served.good(&[
        "verify",
        "one.bin",
        "--product",
        "thing",
        "--version",
        "1.0",
        "--class",
        "release",
        "--profile",
        "default",
    ]);
    assert_eq!(served.run(&["verify", "one.bin", "--signature", "two.bin.receipt.json"]).0, 1);
    assert_eq!(served.run(&["verify", "one.bin", "--version", "2.0"]).0, 1);

    // A repeat is the same receipt; `--again` is a new one.
    let receipt = || fs::read(served.folder.path().join("one.bin.receipt.json")).unwrap();
    let first = receipt();
    served.good(&["sign", "one.bin", "two.bin", "--product", "thing", "--version", "1.0"]);
    assert_eq!(receipt(), first);
    served.good(&["sign", "one.bin", "two.bin", "--product", "thing", "--version", "1.0", "--again"]);
    assert_ne!(receipt(), first);

    served.good(&["log", "checkpoint"]);
    served.good(&["log", "entry", "0"]);
    assert!(served.good(&["log", "prove", "1"]).contains("stands in the checkpoint"));
    served.good(&["log", "follow", "--once"]);
    served.good(&["sign", "one.bin", "--again", "--json"]);
    assert!(served.good(&["log", "follow", "--once"]).contains("lost none"));
    assert!(served.good(&["trust", "show"]).contains("solo"));
    assert!(served.good(&["trust", "export", "--sigstore"]).contains("tlogs"));
    served.good(&["doctor"]);
    served.good(&["config", "check", &served.dir.to_string_lossy()]);
}

#[test]
fn a_trust_root_that_was_exported_with_a_shell_verifies() {
    let served = Served::new();
    served.file("one.bin", b"one");
    served.good(&["sign", "one.bin"]);
    let exported = served.command().args(["trust", "export"]).output().unwrap().stdout;
    served.file("exported.json", &exported);
    served.good(&["verify", "one.bin", "--trust-root", "exported.json"]);
    // Pasted, it has a line break at its end.
    served.file("pasted.json", &[&exported[..], b"\n"].concat());
    served.good(&["verify", "one.bin", "--trust-root", "pasted.json"]);
}

#[test]
fn files_that_cannot_be_signed_are_named_before_anything_is_signed() {
    let served = Served::new();
    served.file("one.bin", b"one");
    served.file("line\nbreak", b"one");
    fs::create_dir(served.folder.path().join("folder")).unwrap();
    served.file("folder/one.bin", b"another");
    for (arguments, expected) in [
        (&["folder"][..], "do: name a file, not a folder"),
        (&["line\nbreak"], "\"line\\nbreak\""),
        (&["one.bin", "--name", "two"], "`-` is not among the files"),
        (&["-", "--name", "../two"], "`../two` is not the bare name of a file"),
        (&["one.bin", "--out", "nowhere"], "`nowhere` is not a folder"),
        (&["one.bin", "folder/one.bin", "--out", "folder"], "two of the files are called `one.bin`"),
    ] {
        let (code, said) = served.run(&[&["sign"], arguments].concat());
        assert!(code == 3 && said.contains(expected), "{arguments:?}: {code}: {said}");
    }
    assert!(!exists(&served.folder.path().join("one.bin"), ".receipt.json"));
}

#[test]
fn a_file_that_lies_in_two_folders_is_signed_once_and_has_its_receipt_in_both() {
    let served = Served::new();
    for folder in ["a", "b"] {
        fs::create_dir(served.folder.path().join(folder)).unwrap();
        served.file(&format!("{folder}/LICENSE"), b"one");
    }
    let said = served.good(&["sign", "a/LICENSE", "b/LICENSE"]);
    assert!(said.contains("a/LICENSE.p7s") && said.contains("b/LICENSE.p7s"), "{said}");
    served.good(&["verify", "b/LICENSE"]);
    let receipt =
        |folder: &str| fs::read(served.folder.path().join(folder).join("LICENSE.receipt.json")).unwrap();
    assert_eq!(receipt("a"), receipt("b"));
}

#[test]
fn whoever_must_be_endorsed_is_told_what_waits_and_hears_of_a_rejection() {
    let served = Served::new();
    let passphrase = served.passphrase.to_string_lossy().into_owned();
    let endorser = ["--admin-passphrase-file", &passphrase];
    let create = [
        "key",
        "create",
        "default/release",
        "--form",
        "blob",
        "--rule",
        "administrators=1",
        "--independent",
        "0",
    ];
    served.good(&[&create[..], &endorser].concat());
    served.good(&["profile", "create", "default/release", "--key", "blob=default/release"]);
    served.file("one.bin", b"one");
    let sign = ["sign", "one.bin", "--profile", "default/release", "--idempotency-key", "release-1"];
    let (code, said) = served.run(&[&sign[..], &["--wait", "3"]].concat());
    assert!(code == 4 && said.contains("waits for endorsements; so does this command, for 1 s"), "{said}");

    let waiting = served.command().args(sign).args(["--wait", "0", "--json"]).output().unwrap().stdout;
    let waiting: serde_json::Value = serde_json::from_slice(&waiting).unwrap();
    let (request, digest) = (waiting["request"].as_str().unwrap(), waiting["digest"].as_str().unwrap());
    let principal = fs::read(served.dir.join("admin/principal.json")).unwrap();
    let principal: serde_json::Value = serde_json::from_slice(&principal).unwrap();
    let key = served.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let endorse = |digest: &str, flag: &[&str]| {
        let who = ["--as", principal["principal"].as_str().unwrap(), "--key", &key];
        let flags = [&["--passphrase-file", &passphrase], flag].concat();
        served.run(&[&["endorse", request, "--digest", digest][..], &who, &flags].concat())
    };
    // Whoever endorses reads what it is, and holds it against the file that they have.
    let said = served.good(&["request", "show", request, "--file", "one.bin"]);
    assert!(said.contains(digest) && said.contains("it is the file `one.bin`"), "{said}");
    served.file("two.bin", b"two");
    let (code, said) = served.run(&["request", "show", request, "--file", "one.bin", "--file", "two.bin"]);
    assert!(code == 1 && said.contains("not in this request: `two.bin`"), "{code}: {said}");

    let (code, said) = endorse(&"00".repeat(32), &[]);
    assert!(code == 3 && said.contains("do: compare `--digest`"), "{code}: {said}");
    assert_eq!(endorse(digest, &["--reject"]).0, 0);
    // The idempotency key holds on to the request; without it, the same is asked anew.
    assert_eq!(served.run(&sign).0, 5);
    let again = ["sign", "one.bin", "--profile", "default/release", "--wait", "0", "--json"];
    let output = served.command().args(again).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    let waiting: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let request = waiting["request"].as_str().unwrap();
    assert!(served.good(&["request", "withdraw", request]).contains("withdrawn"));
}

#[test]
fn an_api_key_that_could_not_be_written_down_is_not_issued() {
    let served = Served::new();
    let added = served.good(&["principal", "add", "ci", "--space", "default", "--json"]);
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    let id = added["id"].as_str().unwrap();
    served.file("there", b"mine");
    let (code, said) = served.run(&["api-key", "create", id, "--space", "default", "--out", "there"]);
    assert!(code == 3 && said.contains("is not overwritten"), "{code}: {said}");
    let nobody = "prn_aaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_ne!(served.run(&["api-key", "create", nobody, "--space", "default", "--out", "new"]).0, 0);
    assert!(!served.folder.path().join("new").exists(), "an empty file was left behind");
}

#[test]
fn an_administrator_makes_keys_profiles_principals_and_api_keys() {
    let served = Served::new();
    let passphrase = served.passphrase.to_string_lossy().into_owned();
    assert!(served.good(&["key", "list"]).contains("default/blob"));
    served.good(&["key", "create", "team/blob", "--form", "blob", "--admin-passphrase-file", &passphrase]);
    served.good(&["profile", "create", "team", "--key", "blob=team/blob"]);
    assert!(served.good(&["profile", "list"]).contains("team"));
    let added = served.good(&["principal", "add", "ci", "--space", "team", "--json"]);
    let added: serde_json::Value = serde_json::from_str(&added).unwrap();
    let id = added["id"].as_str().unwrap();
    let key = served.folder.path().join("ci.key");
    served.good(&["api-key", "create", id, "--space", "team", "--out", &key.to_string_lossy()]);

    let context = fs::read_to_string(&served.context).unwrap();
    let context: String = context
        .lines()
        .filter(|line| !line.starts_with("cert") && !line.starts_with("key"))
        .fold(String::new(), |text, line| text + line + "\n");
    let ci = served.file("ci.toml", format!("{context}api_key_file = \"{}\"\n", key.display()).as_bytes());
    let ci = ci.to_string_lossy().into_owned();
    served.file("thing.bin", b"thing");
    served.good(&["sign", "thing.bin", "--profile", "team", "--context", &ci]);
    served.log_in(&key);
    served.good(&["verify", "thing.bin", "--key", "team/blob"]);
    let (code, said) =
        served.run(&["sign", "thing.bin", "--profile", "default", "--context", &ci, "--again"]);
    // What somebody may not use is not shown to exist.
    assert!(code == 3 && said.contains("there is no signing profile `default`"), "{code}: {said}");

    served.good(&[
        "key",
        "disable",
        "team/blob",
        "--reason",
        "a test",
        "--admin-passphrase-file",
        &passphrase,
    ]);
    let (code, said) = served.run(&["sign", "thing.bin", "--profile", "team", "--context", &ci, "--again"]);
    assert_ne!(code, 0, "{said}");
    // What it signed before stands.
    served.good(&["trust", "export"]);
    served.good(&["verify", "thing.bin"]);
}

#[test]
fn a_second_serve_on_one_folder_is_refused_and_the_first_goes_on() {
    let served = Served::new();
    let (code, said) = served.run(&["serve", &served.dir.to_string_lossy()]);
    assert!(code == 3 && said.contains("is served already"), "{code}: {said}");
    served.good(&["doctor"]);
}

#[test]
fn an_administrator_with_an_ssh_key_of_their_own_founds_a_platform_and_changes_it() {
    let Some(keygen) = testkit::tool("ssh-keygen") else { return };
    let folder = testkit::temp_folder();
    let key = folder.path().join("id_ed25519");
    let made = keygen.command().args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let public = key.with_extension("pub");
    let output =
        avouch().arg("init").arg(folder.path().join("data")).arg("--admin").arg(&public).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(!text(&output).contains("passphrase"), "{}", text(&output));
    assert!(!folder.path().join("data/admin/administrator").exists(), "a private key was made all the same");
}

#[test]
fn a_second_platform_is_not_founded_in_the_same_folder() {
    let folder = testkit::temp_folder();
    fs::write(folder.path().join("something"), "x").unwrap();
    let output = avouch().arg("init").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("is not empty"));
}

/// The children of a process, oldest first.
fn children(id: u32) -> Vec<String> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    listed.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_launcher_starts_again_what_was_killed_and_signing_goes_on() {
    let served = Served::new();
    served.file("one.bin", b"one");
    served.good(&["sign", "one.bin"]);
    let before = children(served.child.id());
    assert_eq!(before.len(), 2, "a key process and a server");
    // The key process alone: the server stays, and finds the new one.
    assert!(Command::new("kill").args(["-9", &before[0]]).status().unwrap().success());
    served.good(&["sign", "one.bin", "--again"]);
    served.good(&["verify", "one.bin"]);
    let after = children(served.child.id());
    assert!(after.contains(&before[1]) && !after.contains(&before[0]), "{before:?} became {after:?}");
}

#[test]
fn standard_input_is_signed_under_the_name_that_is_given() {
    let served = Served::new();
    let mut command = served.command();
    let mut child = command
        .args(["sign", "-", "--name", "from-a-pipe.tar"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"through a pipe").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    served.file("from-a-pipe.tar", b"through a pipe");
    served.good(&["verify", "from-a-pipe.tar"]);
}

#[test]
fn a_governed_key_waits_for_a_person_and_signs_when_they_have_endorsed() {
    let served = Served::new();
    let passphrase = served.passphrase.to_string_lossy().into_owned();
    let rule = ["--rule", "administrators=1", "--independent", "0", "--admin-passphrase-file", &passphrase];
    served.good(&[&["key", "create", "default/governed", "--form", "blob"][..], &rule].concat());
    served.good(&["profile", "create", "default/careful", "--key", "blob=default/governed"]);
    served.good(&["trust", "export"]);
    served.file("thing.bin", b"thing");
    let sign = [
        "sign",
        "thing.bin",
        "--profile",
        "default/careful",
        "--wait",
        "1",
        "--json",
        "--idempotency-key",
        "release-1",
    ];
    let (code, said) = served.run(&sign);
    assert_eq!(code, 4, "{said}");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let (request, digest) = (report["request"].as_str().unwrap(), report["digest"].as_str().unwrap());

    let principal = fs::read(served.dir.join("admin/principal.json")).unwrap();
    let principal: serde_json::Value = serde_json::from_slice(&principal).unwrap();
    let key = served.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
    let endorser =
        ["--as", principal["principal"].as_str().unwrap(), "--key", &key, "--passphrase-file", &passphrase];
    let endorse =
        |digest: &str| served.run(&[&["endorse", request, "--digest", digest][..], &endorser].concat());
    let (code, said) = endorse(&"00".repeat(32));
    assert_ne!(code, 0, "{said}");
    let (code, said) = endorse(digest);
    assert_eq!(code, 0, "{said}");
    served.good(&sign);
    served.good(&["verify", "thing.bin", "--require-quorum", "--key", "default/governed"]);
    assert!(served.good(&["explain", "thing.bin"]).contains("endorsed it"));
}
