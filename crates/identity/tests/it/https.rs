//! What is believed of an issuer's server: its certificate, and no more of its answers than is read.

use std::time::Duration;

use identity::oidc::{Fetcher, Limits, OidcError};
use serde_json::json;
use testkit::{Asked, HttpSite, IdentityProvider, Reply, TlsPeriod, TlsRoot};

use crate::issuers::run;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Enough for whoever answers.
const PATIENT: Limits = Limits { connect: Duration::from_secs(20), whole: Duration::from_secs(20) };

/// An issuer that publishes its keys.
fn well(asked: &Asked) -> Reply {
    let url = format!("https://{}", asked.header("host").unwrap());
    match asked.path() {
        DISCOVERY => Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")})),
        _ => Reply::json(&IdentityProvider::new("k1").jwks()),
    }
}

/// An issuer whose server the authority vouches for, which answers so in place of its keys.
fn with_keys(root: &TlsRoot, keys: impl Fn() -> Reply + Send + Sync + 'static) -> HttpSite {
    HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), move |asked| match asked.path() {
        DISCOVERY => well(asked),
        _ => keys(),
    })
}

fn keys(root: &TlsRoot, site: &HttpSite, limits: Limits) -> Result<usize, OidcError> {
    let fetcher = Fetcher::new(Some(&root.pem()), limits).unwrap();
    run(fetcher.keys(&site.url())).map(|keys| keys.len())
}

#[test]
fn an_issuer_is_asked_only_where_its_certificate_is_good() {
    let (root, other) = (TlsRoot::new(), TlsRoot::new());
    let site = HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), well);
    assert_eq!(keys(&root, &site, PATIENT).unwrap(), 1);
    let before = site.asked();
    let refused = keys(&other, &site, PATIENT).unwrap_err();
    assert!(matches!(refused, OidcError::Unreachable { .. }), "another authority: {refused:?}");
    let nobody = Fetcher::new(None, PATIENT).unwrap();
    let refused = run(nobody.keys(&site.url())).unwrap_err();
    assert!(matches!(refused, OidcError::Unreachable { .. }), "no authority: {refused:?}");
    assert_eq!(site.asked(), before, "nothing is said to a server before it is known");
    for (name, period) in [("issuer.example.com", TlsPeriod::Now), ("localhost", TlsPeriod::Past)] {
        let site = HttpSite::serve_tls(root.server(name, period), well);
        let refused = keys(&root, &site, PATIENT).unwrap_err();
        assert!(matches!(refused, OidcError::Unreachable { .. }), "{name}, {period:?}: {refused:?}");
        assert_eq!(site.asked(), 0, "{name}, {period:?}");
    }
}

#[test]
fn a_server_without_tls_is_not_asked_in_the_name_of_one_with_it() {
    let site = HttpSite::serve(well);
    let limits = Limits { connect: Duration::from_millis(300), ..PATIENT };
    let fetcher = Fetcher::new(Some(&TlsRoot::new().pem()), limits).unwrap();
    let refused = run(fetcher.keys(&format!("https://localhost:{}", site.port()))).unwrap_err();
    assert!(matches!(refused, OidcError::Unreachable { .. }), "{refused:?}");
}

#[test]
fn neither_the_document_nor_the_keys_lead_to_another_host() {
    let root = TlsRoot::new();
    let elsewhere = HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), well);
    for (moved, place) in [(DISCOVERY, 301), (DISCOVERY, 302), ("/keys", 307), ("/keys", 308)] {
        let to = format!("location: {}{moved}", elsewhere.url());
        let site = HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), move |asked| {
            if asked.path() == moved { Reply::Say(place, vec![to.clone()], Vec::new()) } else { well(asked) }
        });
        let refused = keys(&root, &site, PATIENT).unwrap_err();
        assert!(matches!(refused, OidcError::Status { status, .. } if status == place), "{refused:?}");
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[test]
fn no_more_of_an_answer_is_read_than_is_kept_whatever_length_it_states() {
    let root = TlsRoot::new();
    let spaces = vec![b' '; 512 * 1024];
    for length in ["content-length: 1099511627776\r\n", "transfer-encoding: chunked\r\n"] {
        let chunk = if length.starts_with("transfer") { "40000000\r\n" } else { "" };
        let head = format!("HTTP/1.1 200 said\r\n{length}\r\n{chunk}");
        let begun = [head.into_bytes(), spaces.clone()].concat();
        // The rest never comes: whoever waited for it would be told that it took too long.
        let site = with_keys(&root, move || Reply::Begun(begun.clone()));
        let refused = keys(&root, &site, PATIENT).unwrap_err();
        assert!(matches!(refused, OidcError::TooLong { .. }), "{length}: {refused:?}");
    }
}

#[test]
fn an_issuer_that_says_nothing_or_begins_and_does_not_end_is_not_waited_for_longer_than_the_limit() {
    let root = TlsRoot::new();
    let begun = b"HTTP/1.1 200 said\r\ncontent-length: 100\r\n\r\n{\"keys\":".to_vec();
    for reply in [Reply::Silence, Reply::Begun(begun)] {
        let site = with_keys(&root, {
            let reply = reply.clone();
            move || reply.clone()
        });
        let limits = Limits { whole: Duration::from_millis(300), ..PATIENT };
        let refused = keys(&root, &site, limits).unwrap_err();
        let timed_out = matches!(&refused, OidcError::Unreachable { source, .. } if source.is_timeout());
        assert!(timed_out, "{reply:?}: {refused:?}");
    }
}
