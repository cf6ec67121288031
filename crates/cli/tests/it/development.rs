//! The issuer for development, and with it the whole way through the real processes: from an ID token to a bundle that
//! names its holder, by avouch and by cosign.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Output;

use serde_json::Value;

use crate::command_line::text;
use crate::site::Site;

const ADA: &str = "ada@example.com";

/// A platform with an issuer for development, which does not count yet.
struct Development {
    site: Site,
    port: String,
    /// The issuer.
    url: String,
}

impl Development {
    fn new() -> Self {
        let mut site = Site::unfounded();
        let passphrase = site.path("passphrase");
        site.good(&["init", &site.data(), "--admin-passphrase-file", &passphrase]);
        let config = site.dir.join("avouch.toml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("\n[server]\n", "\n[server]\ndevelopment_issuer = true\n")).unwrap();
        site.serve();
        let ready = fs::read(site.dir.join("run/server/ready.json")).unwrap();
        let ready: Value = serde_json::from_slice(&ready).unwrap();
        let port = ready["monitor_listen"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let url = format!("http://localhost:{port}/development-issuer");
        fs::write(site.folder.path().join("app.tar"), "the bytes of an application").unwrap();
        Self { site, port, url }
    }

    /// An administrator lets the issuer count.
    fn believe(&self) {
        let (data, passphrase) = (self.site.data(), self.site.path("passphrase"));
        let by = ["--dir", &data, "--admin-passphrase-file", &passphrase];
        self.site.good(&[&["issuer", "add", &self.url, "--kind", "email"], &by[..]].concat());
    }

    /// A call as whoever knows HTTP makes it; and by which name.
    fn call(&self, host: &str, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} /development-issuer{path} HTTP/1.1\r\nhost: {host}:{}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n",
            self.port
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A new token for Ada.
    fn token(&self) -> String {
        let answer = self.call("localhost", "POST", "/token", FORM);
        let answer: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        answer["id_token"].as_str().unwrap().to_owned()
    }

    fn verify(&self, flags: &[&str]) -> String {
        self.site.good(&[&["verify", "app.tar", "--identity", ADA, "--issuer", &self.url], flags].concat())
    }

    /// The files by which other clients know the platform.
    fn files(&self) -> String {
        let files = self.site.path("sigstore");
        self.site.good(&["sigstore", "files", &files]);
        files
    }
}

const FORM: &str = "grant_type=urn%3Aavouch%3Adevelopment&client_id=sigstore&email=ada%40example.com";

#[test]
fn the_issuer_for_development_vouches_for_everybody_once_an_administrator_says_so() {
    let development = Development::new();
    let (token, url) = (development.token(), &development.url);
    let check = || development.site.run(&["ci", "check", "--identity-token", &token]);
    let (code, said) = check();
    assert!(code == 1 && said.contains(&format!("avouch issuer add '{url}'")), "{said}");
    development.believe();
    let (code, said) = check();
    assert!(code == 0 && said.contains("\"ada@example.com\"") && said.contains(url), "{said}");

    let began =
        "/auth?response_type=code&client_id=sigstore&state=s&code_challenge=c&code_challenge_method=S256";
    let log_in = |redirect: &str| {
        development.call("localhost", "GET", &format!("{began}&redirect_uri={redirect}"), "")
    };
    let page = log_in("http://localhost:1/%22%3E");
    assert!(page.contains("200 OK") && page.contains("name=\"email\"") && !page.contains("1/\">"), "{page}");
    let away = log_in("https://evil.example/");
    assert!(away.starts_with("HTTP/1.1 400"), "{away}");
    // A page of somebody else's, whose name was made to lead here.
    let rebound = development.call("evil.example", "POST", "/token", FORM);
    assert!(rebound.starts_with("HTTP/1.1 400"), "{rebound}");
}

#[test]
fn a_token_becomes_a_bundle_that_names_its_holder_and_serves_one_key() {
    let development = Development::new();
    development.believe();
    let (site, token) = (&development.site, development.token());
    let said = site.good(&["sign", "app.tar", "--keyless", "--identity-token", &token]);
    assert!(said.contains("\"ada@example.com\""), "{said}");
    assert!(development.verify(&[]).contains(ADA));
    // A copy of a token is worth nothing to whoever comes second.
    let (code, said) = site.run(&["sign", "app.tar", "--keyless", "--identity-token", &token]);
    assert!(code == 1 && said.contains("400"), "{code} {said}");

    fs::write(site.folder.path().join("tests.json"), "{}").unwrap();
    let what = [
        "attest",
        "app.tar",
        "--keyless",
        "--predicate",
        "tests.json",
        "--type",
        "https://example.com/tests",
    ];
    site.good(&[&what[..], &["--identity-token", &development.token()]].concat());
    let said = development.verify(&["--bundle", "app.tar.custom.att.sigstore.json"]);
    assert!(said.contains("https://example.com/tests"), "{said}");

    let files = development.files();
    development.verify(&["--trusted-root", &format!("{files}/trusted_root.json")]);
    let config = fs::read(format!("{files}/signing_config.v0.2.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["oidcUrls"][0]["url"], development.url);
}

#[test]
fn interop_cosign_signs_and_verifies_keylessly_as_avouch_does() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let development = Development::new();
    development.believe();
    let (site, files) = (&development.site, development.files());
    let (root, config) = (format!("{files}/trusted_root.json"), format!("{files}/signing_config.v0.2.json"));
    let run = |arguments: &[&str]| -> Output {
        let mut command = cosign.command();
        let home = site.folder.path();
        command.args(arguments).current_dir(home).env("HOME", home);
        command.env("SSL_CERT_FILE", format!("{files}/ca.pem")).output().unwrap()
    };
    let good = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    };
    let by = ["--certificate-identity", ADA, "--certificate-oidc-issuer", &development.url];
    let verify = |bundle: &str| {
        let verify = ["verify-blob", "--trusted-root", &root, "--use-signed-timestamps", "--bundle", bundle];
        good(&[&verify[..], &by, &["app.tar"]].concat());
    };
    site.good(&["sign", "app.tar", "--keyless", "--identity-token", &development.token()]);
    verify("app.tar.sigstore.json");

    let sign = ["sign-blob", "--yes", "--signing-config", &config, "--trusted-root", &root];
    // It takes a token in a file: on the command line it knows those of RS256 alone.
    fs::write(site.folder.path().join("token"), development.token()).unwrap();
    let out = "by-cosign.sigstore.json";
    good(&[&sign[..], &["--identity-token", "token", "--bundle", out, "app.tar"]].concat());
    verify(out);
    development.verify(&["--bundle", out]);

    let what = ["--predicate", "tests.json", "--type", "https://example.com/tests"];
    fs::write(site.folder.path().join("tests.json"), "{}").unwrap();
    site.good(
        &[&["attest", "app.tar", "--keyless"], &what[..], &["--identity-token", &development.token()]]
            .concat(),
    );
    let attested = ["verify-blob-attestation", "--trusted-root", &root, "--use-signed-timestamps"];
    let bundle =
        ["--type", "https://example.com/tests", "--bundle", "app.tar.custom.att.sigstore.json", "app.tar"];
    good(&[&attested[..], &by, &bundle].concat());
}
