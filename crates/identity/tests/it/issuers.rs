//! An issuer is asked within bounds, rarely, and believed for a while.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::oidc::{FRESH, Fetcher, IssuerShelf, Limits, OidcError, PAUSE, STALE_MAX};
use model::Clock as _;
use pki::token::{IdToken, IssuerKind, TokenIssuer, TokenRefused, Verification};
use serde_json::{Value, json};
use testkit::{Asked, HandClock, HttpSite, IdentityProvider, Reply, TlsPeriod, TlsRoot};

/// How an issuer behaves, until a test changes its mind.
#[derive(Debug, Clone)]
enum Mood {
    Well,
    /// What it answers in place of its document.
    Instead(u16, Vec<String>, Vec<u8>),
    /// Names other places in its document.
    Names(Value),
}

/// An issuer that speaks TLS, with a certificate that the test's own authority vouches for.
struct World {
    site: HttpSite,
    mood: Arc<Mutex<Mood>>,
    provider: Arc<Mutex<IdentityProvider>>,
    clock: Arc<HandClock>,
    shelf: IssuerShelf,
}

impl World {
    fn new() -> Self {
        let (mood, provider) =
            (Arc::new(Mutex::new(Mood::Well)), Arc::new(Mutex::new(IdentityProvider::new("k1"))));
        let (its_mood, its_provider) = (Arc::clone(&mood), Arc::clone(&provider));
        let root = TlsRoot::new();
        let site = HttpSite::serve_tls(root.server("localhost", TlsPeriod::Now), move |asked| {
            let url = format!("https://{}", asked.header("host").unwrap());
            answer(asked, &url, &its_mood.lock().unwrap(), &its_provider.lock().unwrap())
        });
        let clock = Arc::new(HandClock::default());
        let limits = Limits { connect: Duration::from_secs(20), whole: Duration::from_secs(20) };
        let fetcher = Fetcher::new(Some(&root.pem()), limits).unwrap();
        let shelf = IssuerShelf::new(fetcher, clock.clone());
        Self { site, mood, provider, clock, shelf }
    }

    fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The issuer signs with another key from now on.
    fn rotate(&self, key: &str) {
        *self.provider.lock().unwrap() = IdentityProvider::new(key);
    }

    fn record(&self) -> TokenIssuer {
        TokenIssuer {
            version: 1,
            url: self.site.url(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: Vec::new(),
        }
    }

    fn token(&self) -> IdToken {
        let now = self.clock.now().seconds();
        let claims = json!({"iss": self.site.url(), "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 600,
            "email": "ada@example.com", "email_verified": true});
        IdToken::parse(self.provider.lock().unwrap().token(&claims).as_bytes()).unwrap()
    }

    fn verify(&self) -> Result<(), OidcError> {
        let (record, token) = (self.record(), self.token());
        run(self.shelf.verify(&record, &token)).map(drop)
    }
}

fn answer(asked: &Asked, url: &str, mood: &Mood, provider: &IdentityProvider) -> Reply {
    match (asked.path(), mood) {
        (_, Mood::Instead(status, header, body)) => Reply::Say(*status, header.clone(), body.clone()),
        ("/.well-known/openid-configuration", Mood::Names(document)) => Reply::json(document),
        ("/.well-known/openid-configuration", _) => {
            Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
        }
        ("/keys", _) => Reply::json(&provider.jwks()),
        _ => Reply::status(404),
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_token_is_believed_by_what_its_issuer_publishes_and_the_issuer_is_asked_once() {
    let world = World::new();
    for _ in 0..5 {
        world.verify().unwrap();
    }
    assert_eq!(world.site.asked(), 2, "its document and its keys");
    world.clock.advance(FRESH);
    world.verify().unwrap();
    assert_eq!(world.site.asked(), 4);
}

#[test]
fn a_key_that_is_not_known_yet_is_looked_for_but_not_at_the_pace_of_strangers() {
    let world = World::new();
    world.verify().unwrap();
    world.rotate("k2");
    let refused = world.verify().unwrap_err();
    assert!(matches!(refused, OidcError::Refused(TokenRefused::UnknownKey { .. })), "{refused}");
    assert_eq!(world.site.asked(), 2, "it was asked a moment ago");
    world.clock.advance(PAUSE);
    world.verify().unwrap();
    assert_eq!(world.site.asked(), 4);
}

#[test]
fn an_issuer_that_fails_is_believed_by_its_last_keys_for_a_while_and_no_longer() {
    let world = World::new();
    world.verify().unwrap();
    world.feel(Mood::Instead(500, Vec::new(), Vec::new()));
    world.clock.advance(STALE_MAX - Duration::from_secs(1));
    world.verify().unwrap();
    world.clock.advance(Duration::from_secs(1) + PAUSE);
    let refused = world.verify().unwrap_err();
    assert!(matches!(refused, OidcError::Status { status: 500, .. }), "{refused}");
    let refused = world.verify().unwrap_err();
    assert!(matches!(refused, OidcError::Resting { .. }), "{refused}");
    world.feel(Mood::Well);
    world.clock.advance(PAUSE);
    world.verify().unwrap();
}

#[test]
fn many_who_ask_at_once_wait_for_one_call() {
    let world = World::new();
    let (record, token) = (world.record(), world.token());
    run(async {
        let ask = || world.shelf.verify(&record, &token);
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
    });
    assert_eq!(world.site.asked(), 2);
}

#[test]
fn no_redirect_is_followed_and_no_long_or_foreign_answer_read() {
    let endless = vec![b' '; 65 * 1024];
    let redirect = vec!["location: http://127.0.0.1:1/".to_owned()];
    type Expected = fn(&OidcError) -> bool;
    let table: [(Mood, Expected); 5] = [
        (Mood::Instead(302, redirect, Vec::new()), |e| matches!(e, OidcError::Status { status: 302, .. })),
        (Mood::Instead(200, Vec::new(), endless), |e| matches!(e, OidcError::TooLong { .. })),
        (Mood::Instead(200, Vec::new(), b"<html>".to_vec()), |e| matches!(e, OidcError::Document { .. })),
        (
            Mood::Names(
                json!({"issuer": "https://login.example.com", "jwks_uri": "https://login.example.com/k"}),
            ),
            |e| matches!(e, OidcError::OtherIssuer { .. }),
        ),
        (Mood::Instead(204, Vec::new(), Vec::new()), |e| matches!(e, OidcError::Status { status: 204, .. })),
    ];
    for (mood, expected) in table {
        let world = World::new();
        world.feel(mood.clone());
        let refused = world.verify().unwrap_err();
        assert!(expected(&refused), "{mood:?}: {refused:?}");
        assert_eq!(world.site.asked(), 1, "{mood:?}");
    }
}

/// CVE-2026-24117: an address from outside was fetched, wherever it led.
#[test]
fn an_issuer_on_loopback_cannot_have_others_called_nor_one_elsewhere_this_host() {
    let world = World::new();
    let keys = "https://keys.example.net/k";
    world.feel(Mood::Names(json!({"issuer": world.site.url(), "jwks_uri": keys})));
    let refused = world.verify().unwrap_err();
    assert!(matches!(&refused, OidcError::Address { url, .. } if url == keys), "{refused}");
}

#[test]
fn an_issuer_that_the_record_does_not_name_is_never_called() {
    let world = World::new();
    let mut record = world.record();
    record.url = "https://login.example.com".to_owned();
    let token = world.token();
    let refused = run(world.shelf.verify(&record, &token)).unwrap_err();
    assert!(refused.is_refusal(), "{refused}");
    assert_eq!(world.site.asked(), 0);
}

#[test]
fn keys_that_stand_in_the_record_are_enough() {
    let world = World::new();
    let mut record = world.record();
    let jwks = world.provider.lock().unwrap().jwks();
    record.keys = pki::token::parse_jwks(jwks.to_string().as_bytes()).unwrap();
    let token = world.token();
    run(world.shelf.verify(&record, &token)).unwrap();
    assert_eq!(world.site.asked(), 0);
}

#[test]
fn a_pattern_that_stands_for_many_has_few_called_at_the_pace_of_strangers() {
    let world = World::new();
    world.verify().unwrap();
    let before = world.site.asked();
    let mut record = world.record();
    record.url = format!("{}/*", world.site.url());
    let stranger = |number: u32| {
        let claims = json!({"iss": format!("{}/{number}", world.site.url())});
        let token = IdToken::parse(world.provider.lock().unwrap().token(&claims).as_bytes()).unwrap();
        run(world.shelf.verify(&record, &token)).unwrap_err()
    };
    let refused: Vec<OidcError> = (0..100).map(stranger).collect();
    assert!(matches!(refused.last(), Some(OidcError::Busy)), "{refused:?}");
    assert!(world.site.asked() - before <= 16);
    // Whoever is known already is asked again all the same, and a while later so are others.
    world.clock.advance(FRESH);
    world.verify().unwrap();
    let before = world.site.asked();
    stranger(200);
    assert!(world.site.asked() > before);
}
