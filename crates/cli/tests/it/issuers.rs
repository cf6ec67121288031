//! Issuers of ID tokens: added from what they publish, refreshed when they change it, suspended at once.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::{HttpSite, IdentityProvider, Reply};

use crate::site::Site;

/// An issuer that publishes the keys of whichever provider it has.
fn issuer(provider: &Arc<Mutex<IdentityProvider>>) -> HttpSite {
    let provider = Arc::clone(provider);
    HttpSite::serve(move |asked| {
        let url = format!("http://{}", asked.header("host").unwrap());
        match asked.path() {
            "/.well-known/openid-configuration" => {
                Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
            }
            "/keys" => Reply::json(&provider.lock().unwrap().jwks()),
            _ => Reply::status(404),
        }
    })
}

#[test]
fn an_issuer_is_added_by_what_it_publishes_refreshed_suspended_and_restored() {
    let site = Site::new();
    let provider = Arc::new(Mutex::new(IdentityProvider::new("k1")));
    let issuer = issuer(&provider);
    let (url, data, passphrase) = (issuer.url(), site.data(), site.path("passphrase"));
    let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
    let ask = |verb: &[&str]| site.run(&[&["issuer"], verb, &endorsed[..]].concat());
    let good = |verb: &[&str]| {
        let (code, said) = ask(verb);
        assert_eq!(code, 0, "{verb:?}: {said}");
        said
    };
    let said = good(&["add", &url, "--kind", "email"]);
    assert!(said.contains("key_") && said.contains("\"k1\"") && said.contains("active"), "{said}");
    assert!(good(&["refresh", &url]).contains("has the keys that the registry knows"));
    *provider.lock().unwrap() = IdentityProvider::new("k2");
    let said = good(&["refresh", &url]);
    assert!(said.contains("gone") && said.contains("\"k1\"") && said.contains("\"k2\""), "{said}");
    assert!(good(&["suspend", &url, "--reason", "stolen"]).contains("suspended"));
    assert!(site.good(&["issuer", "list", "--dir", &data]).contains("suspended"));
    assert!(good(&["restore", &url, "--reason", "found"]).contains("active"));
    let shown = site.good(&["issuer", "show", &url, "--dir", &data, "--json"]);
    assert!(shown.contains("\"k2\"") && !shown.contains("\"k1\""), "{shown}");

    let (code, said) = ask(&["add", "http://login.example.com", "--kind", "email"]);
    assert!(code == 3 && said.contains("is no issuer"), "{said}");
    let (code, said) = ask(&["add", "https://oidc.*.example.com", "--kind", "kubernetes"]);
    assert!(code == 3 && said.contains("--asserted"), "{said}");
    let (code, said) = ask(&["add", &url, "--kind", "email", "--domain", "example.com"]);
    assert!(code == 3 && said.contains("`--domain` says nothing"), "{said}");
    let (code, said) = ask(&["add", &format!("{url}/realm"), "--kind", "email"]);
    assert!(code == 2 && said.contains("404"), "{said}");
    good(&["add", "https://oidc.*.example.com/id/*", "--kind", "kubernetes", "--asserted"]);
    assert!(site.good(&["issuer", "list", "--dir", &data]).contains("asserted"));
}

/// A call to the issuer for development, as whoever knows HTTP makes it; and by which name it is called.
fn call(port: &str, host: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /development-issuer{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_issuer_for_development_vouches_for_everybody_once_an_administrator_says_so() {
    let mut site = Site::unfounded();
    let (data, passphrase) = (site.data(), site.path("passphrase"));
    site.good(&["init", &data, "--admin-passphrase-file", &passphrase]);
    let config = site.dir.join("avouch.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\n[server]\n", "\n[server]\ndevelopment_issuer = true\n")).unwrap();
    site.serve();
    let ready = fs::read(site.dir.join("run/server/ready.json")).unwrap();
    let ready: Value = serde_json::from_slice(&ready).unwrap();
    let port = ready["monitor_listen"].as_str().unwrap().rsplit(':').next().unwrap();
    let (host, url) = (format!("localhost:{port}"), format!("http://localhost:{port}/development-issuer"));

    let form = "grant_type=urn%3Aavouch%3Adevelopment&client_id=sigstore&email=ada%40example.com";
    let answer = call(port, &host, "POST", "/token", form);
    let answer: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let token = answer["id_token"].as_str().unwrap();
    let check = || site.run(&["ci", "check", "--identity-token", token]);
    let (code, said) = check();
    assert!(code == 1 && said.contains(&format!("avouch issuer add '{url}'")), "{said}");
    site.good(&[
        "issuer",
        "add",
        &url,
        "--kind",
        "email",
        "--dir",
        &data,
        "--admin-passphrase-file",
        &passphrase,
    ]);
    let (code, said) = check();
    assert!(code == 0 && said.contains("\"ada@example.com\"") && said.contains(&url), "{said}");

    let began =
        "/auth?response_type=code&client_id=sigstore&state=s&code_challenge=c&code_challenge_method=S256";
    let page = call(port, &host, "GET", &format!("{began}&redirect_uri=http://localhost:1/%22%3E"), "");
    assert!(page.contains("200 OK") && page.contains("name=\"email\"") && !page.contains("1/\">"), "{page}");
    let away = call(port, &host, "GET", &format!("{began}&redirect_uri=https://evil.example/"), "");
    assert!(away.starts_with("HTTP/1.1 400"), "{away}");
    // A page of somebody else's, whose name was made to lead here.
    let rebound = call(port, &format!("evil.example:{port}"), "POST", "/token", form);
    assert!(rebound.starts_with("HTTP/1.1 400"), "{rebound}");
}
