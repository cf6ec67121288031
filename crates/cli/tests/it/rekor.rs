//! Unmodified clients of Sigstore bring their signatures to our log, and whoever watches it finds them there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::Tool;

use crate::command_line::text;
use crate::site::Site;

const NAME: &str = "release.tar";

/// A platform, and a client of Sigstore that is pointed at it.
struct Pointed {
    site: Site,
    cosign: Tool,
}

impl Pointed {
    fn new() -> Option<Self> {
        let cosign = testkit::tool("cosign")?;
        let site = Site::new();
        let ready = fs::read(site.dir.join("run/server/ready.json")).unwrap();
        let ready: Value = serde_json::from_slice(&ready).unwrap();
        let url = ready["public_url"].as_str().unwrap().replace("127.0.0.1", "localhost");
        let at = |url: &str, version: u8| {
            json!([{ "url": url, "majorApiVersion": version, "operator": "localhost",
                "validFor": { "start": "2026-01-01T00:00:00Z" } }])
        };
        let config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "rekorTlogUrls": at(&url, 2),
            "tsaUrls": at(&format!("{url}/api/v1/timestamp"), 1),
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaConfig": { "selector": "ANY" },
        });
        fs::write(site.path("signing_config.json"), config.to_string()).unwrap();
        fs::write(site.path("trusted_root.json"), site.good(&["trust", "export", "--sigstore"])).unwrap();
        fs::write(site.path(NAME), "a release").unwrap();
        let pointed = Self { site, cosign };
        pointed.good(&["generate-key-pair"]);
        Some(pointed)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command: Command = self.cosign.command();
        command.current_dir(self.site.folder.path()).args(arguments).env("COSIGN_PASSWORD", "");
        // Go takes the authority of our TLS from here, and asks nobody else.
        command
            .env("SSL_CERT_FILE", self.site.dir.join("server/tls/ca.pem"))
            .env("HOME", self.site.folder.path());
        command.output().unwrap()
    }

    fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn sign(&self, verb: &[&str], bundle: &str) {
        let ways = ["--key", "cosign.key", "--signing-config", "signing_config.json", "--trusted-root"];
        let rest = ["trusted_root.json", "--yes", "--bundle", bundle, NAME];
        self.good(&[verb, &ways, &rest].concat());
    }

    fn size(&self) -> u64 {
        let note = self.site.good(&["log", "checkpoint"]);
        note.lines().nth(1).unwrap().parse().unwrap()
    }

    /// What is found in the log, as JSON, without the line at the end.
    fn find(&self, words: &[&str]) -> Vec<Value> {
        let said = self.site.good(&[&["log", "search", "--json"], words].concat());
        let lines = said.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = lines.collect();
        let complete = lines.pop().unwrap();
        assert_eq!(complete["complete_to"], self.size());
        assert_eq!(complete["found"], lines.len());
        lines
    }
}

#[test]
fn interop_cosign_signs_into_our_log_and_verifies_what_it_got() {
    let Some(pointed) = Pointed::new() else { return };
    pointed.site.good(&["log", "follow", "--once"]);
    pointed.sign(&["sign-blob"], "blob.json");
    fs::write(pointed.site.path("predicate.json"), r#"{"built":"well"}"#).unwrap();
    let attest = ["attest-blob", "--predicate", "predicate.json", "--type", "https://example.com/built"];
    pointed.sign(&attest, "attestation.json");
    let verify = ["--key", "cosign.pub", "--trusted-root", "trusted_root.json", "--use-signed-timestamps"];
    let bundle = |name| ["--bundle", name, NAME];
    pointed.good(&[&["verify-blob"], verify.as_slice(), &bundle("blob.json")].concat());
    let typed = ["verify-blob-attestation", "--type", "https://example.com/built"];
    pointed.good(&[typed.as_slice(), &verify, &bundle("attestation.json")].concat());
    let other = pointed
        .run(&[&["verify-blob"], verify.as_slice(), &["--bundle", "blob.json", "cosign.pub"]].concat());
    assert!(!other.status.success(), "another file");
    assert_eq!(pointed.size(), 2);

    // Both are found by the key, and the digest is that of the file for one of them alone.
    let digest = model::Digest::of(b"a release").to_string();
    let by_digest = pointed.find(&["--digest", &digest]);
    assert_eq!((by_digest.len(), &by_digest[0]["index"]), (1, &json!(0)));
    let key = by_digest[0]["key"].as_str().unwrap();
    assert_eq!(pointed.find(&["--key", key, "--recount"]).len(), 2);
    assert_eq!(pointed.find(&["--identity", "somebody@example.com", "--recount"]).len(), 0);
    let (code, said) = pointed.site.run(&["log", "search"]);
    assert_eq!(code, 3, "{said}");
    let said = pointed.site.good(&["log", "follow", "--once", "--watch-identity", "*@example.com", "--json"]);
    assert_eq!(said.trim(), r#"{"event":"grew","from":0,"to":2}"#);
    assert!(pointed.site.good(&["log", "follow", "--once"]).contains("grew from 2 to 2"));

    // What our own clients sign stands beside it, and all books agree.
    assert_eq!(pointed.site.sign("ours.bin").0, 0);
    assert!(pointed.size() > 2);
    let mut site = pointed.site;
    site.stop();
    site.good(&["fsck", &site.data()]);
}

#[test]
fn a_log_that_was_put_back_or_says_other_things_is_found_by_who_follows_it() {
    let site = Site::new();
    assert_eq!(site.sign("one.bin").0, 0);
    site.good(&["log", "follow", "--once", "--state", "state.txt"]);
    assert_eq!(site.sign("two.bin").0, 0);
    // The log of another platform, whose key the trust root does not name.
    let note = site.good(&["log", "checkpoint"]);
    let other = site.path("other.txt");
    fs::write(&other, note.replacen("2026.log.localhost", "2025.log.localhost", 1)).unwrap();
    let (code, said) = site.run(&["log", "follow", "--once", "--state", &other]);
    assert!(code == 3 && said.contains("does not name"), "{code} {said}");
    // One byte of an entry changes under the same checkpoint.
    let tiles = site.dir.join("server/tiles/tile/entries");
    let mut changed = 0;
    for path in fs::read_dir(&tiles).unwrap().map(|entry| entry.unwrap().path()) {
        changed += spoil(&path);
    }
    assert!(changed > 0);
    let (code, said) = site.run(&["log", "follow", "--once", "--state", "state.txt"]);
    assert!(code == 1 && said.contains("does not continue what it said before"), "{code} {said}");
}

#[test]
fn who_follows_the_log_hears_of_it_as_it_grows() {
    let site = Site::new();
    let follow = ["log", "follow", "--every", "1", "--json", "--state", "state.txt"];
    let mut monitor = site.command().args(follow).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(monitor.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next(), json!({ "event": "grew", "from": 0, "to": 0 }));
    assert_eq!(site.sign("one.bin").0, 0);
    let mut size = 0;
    while size < 2 {
        let event = next();
        assert_eq!((&event["event"], &event["from"]), (&json!("grew"), &json!(size)));
        size = event["to"].as_u64().unwrap();
    }
    monitor.kill().unwrap();
    monitor.wait().unwrap();
}

/// Turns the last byte of every entry bundle below here.
fn spoil(path: &std::path::Path) -> usize {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().map(|entry| spoil(&entry.unwrap().path())).sum();
    }
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    1
}
