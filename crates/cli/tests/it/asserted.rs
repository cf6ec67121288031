//! A platform that takes its server's word for whose an ID token is, end to end: an issuer over TLS, the process that asks it
//! for its keys, a signature, and what everybody who looks at it is told.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use testkit::{HttpSite, IdentityProvider, Reply, TlsPeriod, TlsRoot};

use crate::sigstore_site::{ADA, now};
use crate::site::Site;

/// The process that asks issuers for their keys; it ends with the test.
struct Feed(Child);

impl Feed {
    fn start(site: &Site, ca: &str) -> Self {
        let mut feed = site.command();
        feed.args(["issuer", "feed", "--dir", &site.data(), "--ca", ca]).stderr(Stdio::piped());
        let mut feed = feed.spawn().unwrap();
        let mut said = BufReader::new(feed.stderr.take().unwrap());
        let (mut line, mut before) = (String::new(), String::new());
        while !line.contains("issuers are asked") {
            before.push_str(&line);
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it was ready: {before}");
        }
        // Whatever it says later must find somebody who reads it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(feed)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// An issuer that publishes the keys of a provider.
fn issuer(root: &TlsRoot, provider: &IdentityProvider) -> HttpSite {
    let jwks = provider.jwks();
    HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), move |asked| {
        let url = format!("https://{}", asked.header("host").unwrap());
        match asked.path() {
            "/.well-known/openid-configuration" => {
                Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
            }
            "/keys" => Reply::json(&jwks),
            _ => Reply::status(404),
        }
    })
}

/// Signs a file as Ada, by a new token of this provider.
fn sign(site: &Site, provider: &IdentityProvider, issuer: &HttpSite) -> (i32, String) {
    let now = now().seconds();
    let token = provider.token(&json!({"iss": issuer.url(), "aud": "sigstore", "sub": "1", "iat": now,
        "exp": now + 300, "email": ADA, "email_verified": true}));
    fs::write(site.path("token"), token).unwrap();
    fs::write(site.path("app.tar"), "the bytes of an application").unwrap();
    site.run(&["sign", "app.tar", "--keyless", "--identity-token", "@token"])
}

#[test]
fn who_signed_by_an_asserted_identity_is_said_to_be_so_wherever_somebody_looks() {
    let (site, root, provider) = (Site::new(), TlsRoot::new(), IdentityProvider::new("k1"));
    let issuer = issuer(&root, &provider);
    let (url, data, passphrase) = (issuer.url(), site.data(), site.path("passphrase"));
    let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
    site.good(&[&["issuer", "add", &url, "--kind", "email", "--asserted"], &endorsed[..]].concat());
    let create = ["key", "create", "platform/asserted", "--form", "certificate", "--asserted"];
    site.good(&[&create[..], &endorsed].concat());
    fs::write(site.path("issuer-ca.pem"), root.pem()).unwrap();

    let (code, said) = sign(&site, &provider, &issuer);
    assert!(code != 0 && said.contains("issuer"), "nobody asks the issuer yet: {code} {said}");
    fs::write(site.path("another-ca.pem"), TlsRoot::new().pem()).unwrap();
    let feed = Feed::start(&site, &site.path("another-ca.pem"));
    let (code, said) = sign(&site, &provider, &issuer);
    assert!(code != 0 && said.contains("keys cannot be had"), "nobody vouches for it: {code} {said}");
    assert_eq!(issuer.asked(), 0);
    assert!(!fs::exists(site.path("app.tar.sigstore.json")).unwrap());
    drop(feed);
    let _feed = Feed::start(&site, &site.path("issuer-ca.pem"));
    let (code, said) = sign(&site, &provider, &issuer);
    assert_eq!(code, 0, "{said}");

    fs::write(site.path("exported.json"), site.good(&["trust", "export"])).unwrap();
    let verify = ["verify", "app.tar", "--identity", ADA, "--issuer", &url];
    let said = site.good(&verify);
    let (_, open) = said.split_once("not checked:").unwrap_or_else(|| panic!("{said}"));
    assert!(open.contains("whose the ID token was") && open.contains("`identity: asserted`"), "{said}");
    let said = site.good(&[&verify[..], &["--json"]].concat());
    let verdict: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert!(verdict.to_string().contains(r#""identity-asserted""#), "{verdict}");
    // The trust root says it of the key, whoever reads it.
    for shown in [["trust", "show", "exported.json"].as_slice(), &["inspect", "exported.json"]] {
        let said = site.good(shown);
        let line = said.lines().find(|line| line.starts_with("platform/asserted#1"));
        assert!(line.is_some_and(|line| line.contains("identity: asserted")), "{said}");
    }
    // What is in a bundle does not say who vouched for it: inspecting believes nothing, and says so.
    let said = site.good(&["inspect", "app.tar.sigstore.json"]);
    assert!(said.contains(ADA) && said.contains("nothing here was verified"), "{said}");
}
