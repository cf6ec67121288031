//! Issuers of ID tokens: added from what they publish, refreshed when they change it, suspended at once.

use std::sync::{Arc, Mutex};

use serde_json::json;
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
