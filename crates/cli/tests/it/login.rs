//! A person logs in at a real OpenID Provider with a real browser, and signs.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;
use testkit::Tool;

use crate::command_line::text;
use crate::site::Site;

/// A platform that knows the provider, and a person with a browser.
struct World {
    site: Site,
    node: Tool,
    chromium: Tool,
    issuer: String,
    provider: Child,
    _said: BufReader<ChildStdout>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.provider.kill();
        let _ = self.provider.wait();
    }
}

/// A signature that waits for somebody to log in.
struct Waiting {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
    address: String,
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/login").join(name)
}

impl World {
    fn new() -> Option<Self> {
        let (node, chromium) = (testkit::oidc_browser()?, testkit::tool("chromium")?);
        let mut provider = node.command();
        provider.arg(script("provider.js")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut provider = provider.spawn().unwrap();
        let mut said = BufReader::new(provider.stdout.take().unwrap());
        let mut issuer = String::new();
        said.read_line(&mut issuer).unwrap();
        let issuer = issuer.trim().to_owned();
        assert!(issuer.starts_with("http://127.0.0.1:"), "{issuer}");
        let site = Site::new();
        let (data, passphrase) = (site.data(), site.path("passphrase"));
        let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
        site.good(&[&["issuer", "add", &issuer, "--kind", "email"], &endorsed[..]].concat());
        fs::write(site.path("app.tar"), "the bytes of an application").unwrap();
        Some(Self { site, node, chromium, issuer, provider, _said: said })
    }

    /// Begins to sign, and waits until it says where to log in.
    fn sign(&self, how: &str) -> Waiting {
        let file = self.site.path("app.tar");
        let mut sign = self.site.command();
        sign.args(["sign", &file, "--keyless", how, "--oidc-issuer", &self.issuer])
            .current_dir(self.site.folder.path());
        let mut child = sign.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut before) = (String::new(), String::new());
        while !line.contains("log in at ") {
            before.push_str(&line);
            line.clear();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "it ended before it said where to log in: {before}"
            );
        }
        let from = line.find("http://127.0.0.1:").unwrap();
        let address = line[from..].split_whitespace().next().unwrap().to_owned();
        Waiting { child, said, address }
    }

    /// What the browser shows in the end.
    fn log_in(&self, address: &str, name: &str, ending: &str) -> Value {
        let mut person = self.node.command();
        person.arg(script("person.js")).arg(self.chromium.path()).args([address, name, ending]);
        if let Some(pictures) = std::env::var_os("AVOUCH_PICTURES") {
            person.arg(PathBuf::from(pictures).join(ending));
        }
        let shown = person.env("HOME", self.site.folder.path()).output().unwrap();
        assert!(shown.status.success(), "{}", text(&shown));
        serde_json::from_slice(&shown.stdout).unwrap()
    }
}

impl Waiting {
    /// How it ended, and what it said.
    fn end(mut self) -> (bool, String) {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().success(), rest)
    }
}

#[test]
fn interop_somebody_logs_in_at_a_real_provider_with_a_real_browser_and_signs() {
    let Some(world) = World::new() else { return };
    let waiting = world.sign("--no-browser");
    for part in ["code_challenge_method=S256", "code_challenge=", "state=", "nonce=", "scope=openid+email"] {
        assert!(waiting.address.contains(part), "{}", waiting.address);
    }
    let shown = world.log_in(&waiting.address, "ada", "success");
    assert_eq!(shown["heading"], "You are logged in", "{shown}");
    assert_eq!(shown["asked"].as_array().unwrap().len(), 1, "the page fetches nothing: {shown}");
    let (good, said) = waiting.end();
    assert!(good, "{said}");
    let bundle = world.site.path("app.tar.sigstore.json");
    let by = ["--identity", "ada@example.com", "--issuer", &world.issuer];
    world.site.good(&[&["verify", &world.site.path("app.tar"), "--bundle", &bundle], &by[..]].concat());
}

#[test]
fn interop_somebody_who_turns_back_at_the_provider_signs_nothing_and_is_told_so_in_both_places() {
    let Some(world) = World::new() else { return };
    let waiting = world.sign("--no-browser");
    let shown = world.log_in(&waiting.address, "ada", "abort");
    assert_eq!(shown["heading"], "The login did not succeed", "{shown}");
    let (good, said) = waiting.end();
    assert!(!good && said.contains("access_denied"), "{said}");
    assert!(!fs::exists(world.site.path("app.tar.sigstore.json")).unwrap());
}

#[test]
fn interop_an_address_that_a_real_provider_did_not_confirm_gets_no_certificate() {
    let Some(world) = World::new() else { return };
    let waiting = world.sign("--no-browser");
    world.log_in(&waiting.address, "unconfirmed", "unconfirmed");
    let (good, said) = waiting.end();
    assert!(!good && said.contains("verified"), "{said}");
}

#[test]
fn interop_somebody_confirms_on_another_device_and_it_signs_here() {
    let Some(world) = World::new() else { return };
    let waiting = world.sign("--device");
    let shown = world.log_in(&waiting.address, "ben", "device");
    assert_eq!(shown["heading"], "Sign-in Success", "{shown}");
    let (good, said) = waiting.end();
    assert!(good, "{said}");
    let bundle = world.site.path("app.tar.sigstore.json");
    let by = ["--identity", "ben@example.com", "--issuer", &world.issuer];
    world.site.good(&[&["verify", &world.site.path("app.tar"), "--bundle", &bundle], &by[..]].concat());
}
