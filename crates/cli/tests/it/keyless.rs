//! Signing as the holder of an ID token, and verifying by identity and issuer.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;
use testkit::TempFolder;

use crate::command_line::{avouch, text};
use crate::sigstore_site::{ADA, SigstoreSite, now};

/// Somebody with a file, who was told where to sign and whom to believe.
struct Desk {
    sigstore: SigstoreSite,
    folder: TempFolder,
}

impl Desk {
    fn new() -> Self {
        let (sigstore, folder) = (SigstoreSite::new(), testkit::temp_folder());
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        put("signing_config.json", &sigstore.signing_config());
        put("trusted_root.json", &sigstore.trusted_root());
        put("app.tar", b"the bytes of an application");
        put("token", sigstore.token(|_| ()).as_bytes());
        Self { sigstore, folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = avouch();
        command.args(arguments).current_dir(self.folder.path());
        // A job that tests this has a token of its own.
        for variable in ["SIGSTORE_ID_TOKEN", "GITHUB_ACTIONS", "BUILDKITE", "CIRCLECI"] {
            command.env_remove(variable);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.command(arguments).output().unwrap();
        (output.status.code().unwrap_or(-1), text(&output))
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn verify(&self, bundle: &str, identity: &str, issuer: &str) -> (i32, String) {
        let root = ["--trusted-root", "trusted_root.json"];
        let by = ["--identity", identity, "--issuer", issuer];
        self.run(&[&["verify", "app.tar", "--bundle", bundle], &by[..], &root].concat())
    }
}

const PLACE: [&str; 4] = ["--signing-config", "signing_config.json", "--trusted-root", "trusted_root.json"];

#[test]
fn what_is_signed_keylessly_verifies_for_its_holder_and_for_nobody_else() {
    let desk = Desk::new();
    let url = desk.sigstore.url();
    let said =
        desk.good(&[&["sign", "app.tar", "--keyless", "--identity-token", "@token"], &PLACE[..]].concat());
    assert!(said.contains(ADA) && said.contains("app.tar.sigstore.json"), "{said}");
    let (code, said) = desk.verify("app.tar.sigstore.json", ADA, &url);
    assert!(code == 0 && said.contains(ADA), "{said}");
    assert_eq!(desk.verify("app.tar.sigstore.json", "*@example.com", &url).0, 0);
    for (identity, issuer) in [("ben@example.com", url.as_str()), (ADA, "https://login.example.com")] {
        let (code, said) = desk.verify("app.tar.sigstore.json", identity, issuer);
        assert!(code == 1 && said.contains("expected"), "{said}");
    }
    fs::write(desk.folder.path().join("app.tar"), "other bytes").unwrap();
    assert_eq!(desk.verify("app.tar.sigstore.json", ADA, &url).0, 1);
    let shown = desk.good(&["inspect", "app.tar.sigstore.json"]);
    assert!(shown.contains(ADA) && shown.contains(&url) && shown.contains("certificate log"), "{shown}");
}

#[test]
fn an_attestation_is_about_its_file_and_says_what_it_is() {
    let desk = Desk::new();
    fs::write(desk.folder.path().join("sbom.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#)
        .unwrap();
    let what = ["attest", "app.tar", "--keyless", "--predicate", "sbom.json", "--type", "cyclonedx"];
    desk.good(&[&what[..], &["--identity-token", "@token"], &PLACE].concat());
    let (code, said) = desk.verify("app.tar.cyclonedx.att.sigstore.json", ADA, &desk.sigstore.url());
    assert!(code == 0 && said.contains("https://cyclonedx.org/bom"), "{said}");
    fs::write(desk.folder.path().join("app.tar"), "other bytes").unwrap();
    assert_eq!(desk.verify("app.tar.cyclonedx.att.sigstore.json", ADA, &desk.sigstore.url()).0, 1);
}

#[test]
fn the_conformance_suite_can_drive_signing_of_files_and_statements() {
    let desk = Desk::new();
    let token = desk.sigstore.token(|_| ());
    let digest = model::Digest::of(b"the bytes of an application");
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"a","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://example.com/t","predicate":{{}}}}"#
    );
    fs::write(desk.folder.path().join("statement.json"), statement).unwrap();
    for (flags, file) in [(&[][..], "app.tar"), (&["--in-toto"], "statement.json")] {
        let sign =
            ["sigstore-conformance", "sign-bundle", "--identity-token", &token, "--bundle", "out.json", file];
        desk.good(&[&sign[..], flags, &PLACE].concat());
        let verify = [
            "sigstore-conformance",
            "verify-bundle",
            "--bundle",
            "out.json",
            "--trusted-root",
            "trusted_root.json",
        ];
        let url = desk.sigstore.url();
        let by = ["--certificate-identity", ADA, "--certificate-oidc-issuer", &url, "app.tar"];
        desk.good(&[&verify[..], &by].concat());
    }
}

#[test]
fn each_token_that_is_not_taken_is_refused_in_the_authoritys_words_and_nothing_is_written() {
    let desk = Desk::new();
    let (before, later) = (now().seconds() - 60, now().seconds() + 600);
    let table = [
        (desk.sigstore.token(|claims| claims["aud"] = "other".into()), "audience"),
        (desk.sigstore.token(|claims| claims["exp"] = before.into()), "expired"),
        (desk.sigstore.token(|claims| claims["iat"] = later.into()), "valid from"),
        (desk.sigstore.token(|claims| claims["email_verified"] = false.into()), "verified"),
        (desk.sigstore.token(|claims| claims["iss"] = "https://login.example.com".into()), "issuer"),
        ("not a token".to_owned(), "ID token"),
    ];
    for (token, why) in table {
        let (code, said) =
            desk.run(&[&["sign", "app.tar", "--keyless", "--identity-token", &token], &PLACE[..]].concat());
        assert!(code != 0 && said.contains(why), "{why}: {code} {said}");
        assert!(!desk.folder.path().join("app.tar.sigstore.json").exists(), "{why}");
    }
}

/// CVE-2026-24408: the state of a login was not checked.
#[test]
fn somebody_who_logs_in_with_a_browser_signs() {
    let desk = Desk::new();
    let login = Login::begin(&desk);
    // A page of somebody else's that guesses the port knows no state.
    let (port, _) = login.back.strip_prefix("http://localhost:").unwrap().split_once('/').unwrap();
    let guess = get(&format!("http://127.0.0.1:{port}/auth/callback?code=evil&state=guessed"));
    assert!(guess.starts_with("HTTP/1.1 404"), "{guess}");
    let (good, said) = login.end();
    assert!(good, "{said}");
    assert_eq!(desk.verify("app.tar.sigstore.json", ADA, &desk.sigstore.url()).0, 0);
}

#[test]
fn a_login_that_ends_with_a_token_of_another_login_client_issuer_or_time_signs_nothing() {
    let desk = Desk::new();
    type Change = fn(&mut Value);
    let table: [(Change, &str); 6] = [
        (|claims| claims["nonce"] = "another".into(), "it is of another login (`nonce`)"),
        (|claims| drop(claims.as_object_mut().unwrap().remove("nonce")), "it is of another login (`nonce`)"),
        (|claims| claims["aud"] = "another".into(), "the token is for the audience `another`"),
        (|claims| claims["iss"] = "https://login.example.com".into(), "the token is of the issuer"),
        (|claims| claims["exp"] = 1.into(), "the token expired at"),
        (|claims| claims["iat"] = 9_999_999_999_u64.into(), "the token is valid from"),
    ];
    for (change, why) in table {
        desk.sigstore.end_logins_with(change);
        let (good, said) = Login::begin(&desk).end();
        assert!(!good && said.contains(why), "{why}: {said}");
        assert!(!desk.folder.path().join("app.tar.sigstore.json").exists(), "{why}");
    }
}

/// A signature that waits for somebody to log in, and where the browser comes back to.
struct Login {
    signing: Child,
    said: BufReader<ChildStderr>,
    back: String,
}

impl Login {
    fn begin(desk: &Desk) -> Self {
        let mut signing =
            desk.command(&[&["sign", "app.tar", "--keyless", "--no-browser"], &PLACE[..]].concat());
        let mut signing = signing.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(signing.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("log in at ") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it said where to log in");
        }
        let back = location(&get(line.trim().split("log in at ").nth(1).unwrap()));
        Self { signing, said, back }
    }

    /// The browser comes back; did it sign, and what did it say?
    fn end(mut self) -> (bool, String) {
        get(&self.back.replace("localhost", "127.0.0.1"));
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (self.signing.wait().unwrap().success(), rest)
    }
}

/// What a browser does.
fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn location(answer: &str) -> String {
    answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
}
