//! ID tokens: believed or refused, and mapped to the names of a certificate.

use model::{Algorithm, Instant};
use pki::token::{
    CertificateNames, IdToken, IssuerKind, NamesError, Provider, SubjectName, TokenError, TokenIssuer,
    TokenRefused, Trust, Verification, WorkflowExtension, parse_jwks,
};
use serde_json::{Value, json};
use testkit::{IdentityProvider, Key};

const ISSUER: &str = "https://issuer.example.com";
const NOW: u64 = 1_800_000_000;

struct World {
    provider: IdentityProvider,
    issuer: TokenIssuer,
}

fn world(kind: IssuerKind) -> World {
    let provider = IdentityProvider::new("k1");
    let keys = parse_jwks(provider.jwks().to_string().as_bytes()).unwrap();
    let (url, audience) = (ISSUER.to_owned(), "sigstore".to_owned());
    World { provider, issuer: TokenIssuer { version: 1, url, audience, kind, issuer_claim: None, keys } }
}

fn email() -> IssuerKind {
    IssuerKind::Email { verification: Verification::Required }
}

fn claims(more: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": "sigstore", "sub": "1234", "iat": NOW - 10, "exp": NOW + 290,
        "email": "ada@example.com", "email_verified": true});
    let Value::Object(more) = more else { panic!("claims are an object") };
    for (name, value) in more {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(&name),
            value => claims.as_object_mut().unwrap().insert(name, value),
        };
    }
    claims
}

impl World {
    fn refused(&self, token: &str) -> TokenRefused {
        let token = IdToken::parse(token.as_bytes()).unwrap();
        self.issuer.verify(&token, Trust::Keys(&self.issuer.keys), Instant::from_seconds(NOW)).unwrap_err()
    }

    fn names(&self, claims: &Value) -> Result<CertificateNames, NamesError> {
        let token = IdToken::parse(self.provider.token(claims).as_bytes()).unwrap();
        let now = Instant::from_seconds(NOW);
        self.issuer.verify(&token, Trust::Keys(&self.issuer.keys), now).unwrap().names()
    }
}

#[test]
fn a_token_of_the_issuer_for_us_and_now_names_its_holder() {
    let world = world(email());
    let names = world.names(&claims(json!({}))).unwrap();
    assert_eq!(names.subject, SubjectName::Email("ada@example.com".to_owned()));
    assert_eq!(names.issuer, ISSUER);
    assert_eq!(names.workflow, []);
}

#[test]
fn another_issuer_audience_or_time_is_refused_each_with_its_own_text() {
    let world = world(email());
    let cases = [
        (json!({"iss": "https://evil.example.com"}), "the token is of the issuer `https://evil.example.com`"),
        (json!({"iss": null}), "the token has no claim `iss`"),
        (json!({"aud": "other"}), "the token is for the audience `other`, not for `sigstore`"),
        (json!({"aud": ["a", "b"]}), "the token is for the audience `a, b`, not for `sigstore`"),
        (json!({"aud": null}), "the token is for the audience ``, not for `sigstore`"),
        (json!({"exp": NOW - 5}), "the token expired at"),
        (json!({"exp": null}), "the token has no claim `exp`"),
        (json!({"exp": "soon"}), "the token has no claim `exp`"),
        (json!({"iat": null}), "the token has no claim `iat`"),
        (json!({"iat": NOW + 6}), "the token is valid from"),
        (json!({"nbf": NOW + 6}), "the token is valid from"),
        (json!({"exp": NOW + 90_000}), "the token is valid for 90010 s, where at most 86400 are believed"),
    ];
    for (more, expected) in cases {
        let told = world.refused(&world.provider.token(&claims(more.clone()))).to_string();
        assert!(told.starts_with(expected), "{more}: {told}");
    }
}

#[test]
fn clocks_may_be_off_by_the_leeway_and_no_more() {
    let world = world(email());
    for more in [json!({"exp": NOW - 4}), json!({"iat": NOW + 5}), json!({"nbf": NOW + 5})] {
        world.names(&claims(more)).unwrap();
    }
}

#[test]
fn an_algorithm_that_needs_no_private_key_is_refused_by_name() {
    let provider = IdentityProvider::new("k1");
    for algorithm in ["none", "None", "HS256", "HS512", "RS512", ""] {
        let token = provider.token_with(&json!({"alg": algorithm, "kid": "k1"}), &claims(json!({})));
        let refused = IdToken::parse(token.as_bytes()).unwrap_err();
        assert!(matches!(refused, TokenError::Algorithm { .. }), "{algorithm}: {refused}");
    }
    for header in [json!({"alg": "ES256", "crit": ["exp"]}), json!({"alg": "ES256", "b64": false})] {
        let token = provider.token_with(&header, &claims(json!({})));
        assert!(matches!(IdToken::parse(token.as_bytes()), Err(TokenError::Critical { .. })));
    }
}

#[test]
fn a_key_that_the_issuer_is_not_known_to_have_signs_nothing() {
    let world = world(email());
    let other = IdentityProvider::new("k2");
    let refused = world.refused(&other.token(&claims(json!({}))));
    assert_eq!(refused, TokenRefused::UnknownKey { key: "k2".to_owned() });
    // The same name for another key.
    let forged = IdentityProvider::new("k1");
    assert!(matches!(world.refused(&forged.token(&claims(json!({})))), TokenRefused::Signature(_)));
    // Another algorithm than the key's.
    let token = world.provider.token_with(&json!({"alg": "EdDSA", "kid": "k1"}), &claims(json!({})));
    assert!(matches!(world.refused(&token), TokenRefused::UnknownKey { .. }));
}

#[test]
fn every_changed_byte_of_a_token_is_refused() {
    let world = world(email());
    let token = world.provider.token(&claims(json!({})));
    let now = Instant::from_seconds(NOW);
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let Ok(parsed) = IdToken::parse(&changed) else { continue };
        let verified = world.issuer.verify(&parsed, Trust::Keys(&world.issuer.keys), now);
        assert!(verified.is_err(), "byte {place}");
    }
    for length in 0..token.len() {
        let Ok(parsed) = IdToken::parse(&token.as_bytes()[..length]) else { continue };
        assert!(world.issuer.verify(&parsed, Trust::Keys(&world.issuer.keys), now).is_err());
    }
}

#[test]
fn an_address_that_nobody_verified_is_not_named() {
    let world = world(email());
    for more in
        [json!({"email_verified": false}), json!({"email_verified": null}), json!({"email_verified": 1})]
    {
        assert!(matches!(world.names(&claims(more)), Err(NamesError::Unverified { .. })));
    }
    for address in ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", "ädä@example.com", "a@b\r\nc"] {
        let named = world.names(&claims(json!({"email": address})));
        assert!(matches!(named, Err(NamesError::Subject { .. })), "{address}");
    }
    let trusting = self::world(IssuerKind::Email { verification: Verification::Skipped });
    trusting.names(&claims(json!({"email_verified": null}))).unwrap();
}

#[test]
fn a_name_outside_its_issuers_domain_is_refused() {
    let uri = world(IssuerKind::Uri { domain: "https://example.com".to_owned() });
    let named = uri.names(&claims(json!({"sub": "https://example.com/users/1"}))).unwrap();
    assert_eq!(named.subject, SubjectName::Uri("https://example.com/users/1".to_owned()));
    for sub in
        ["https://example.com.evil.net/", "http://example.com/", "https://evil.net/https://example.com"]
    {
        assert!(uri.names(&claims(json!({"sub": sub}))).is_err(), "{sub}");
    }
    let spiffe = world(IssuerKind::Spiffe { trust_domain: "prod.example.com".to_owned() });
    let named = spiffe.names(&claims(json!({"sub": "spiffe://prod.example.com/ci"}))).unwrap();
    assert_eq!(named.subject.text(), "spiffe://prod.example.com/ci");
    assert!(spiffe.names(&claims(json!({"sub": "spiffe://prod.example.com.evil/ci"}))).is_err());
    let user = world(IssuerKind::Username { domain: "example.com".to_owned() });
    let named = user.names(&claims(json!({"sub": "ada"}))).unwrap();
    assert_eq!(named.subject, SubjectName::Username("ada!example.com".to_owned()));
    assert!(user.names(&claims(json!({"sub": "ada!other.com"}))).is_err());
}

#[test]
fn a_service_account_is_named_by_its_namespace_and_name() {
    let world = world(IssuerKind::Kubernetes);
    let account =
        json!({"kubernetes.io": {"namespace": "build", "serviceaccount": {"name": "signer", "uid": "1"}}});
    let named = world.names(&claims(account)).unwrap();
    assert_eq!(named.subject.text(), "https://kubernetes.io/namespaces/build/serviceaccounts/signer");
    let forged =
        json!({"kubernetes.io": {"namespace": "a/serviceaccounts/b", "serviceaccount": {"name": "x"}}});
    assert!(matches!(world.names(&claims(forged)), Err(NamesError::Subject { .. })));
    assert!(matches!(world.names(&claims(json!({}))), Err(NamesError::Missing { .. })));
}

fn github() -> Value {
    json!({"sub": "repo:acme/app:ref:refs/heads/main", "event_name": "push", "sha": "a".repeat(40),
        "workflow": "release", "repository": "acme/app", "ref": "refs/heads/main",
        "job_workflow_ref": "acme/app/.github/workflows/release.yml@refs/heads/main",
        "job_workflow_sha": "b".repeat(40), "runner_environment": "github-hosted", "repository_id": "12",
        "repository_owner": "acme", "repository_owner_id": "34",
        "workflow_ref": "acme/app/.github/workflows/release.yml@refs/heads/main", "workflow_sha": "c".repeat(40),
        "run_id": "56", "run_attempt": "1", "repository_visibility": "private", "url": "https://evil.example.com"})
}

#[test]
fn a_github_job_is_named_with_all_that_its_token_says_and_no_claim_replaces_the_host() {
    let world = world(IssuerKind::Workflow(Provider::Github.workflow(Provider::Github.home())));
    let names = world.names(&claims(github())).unwrap();
    let workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
    assert_eq!(names.subject, SubjectName::Uri(workflow.to_owned()));
    let value = |extension| {
        let found = names.workflow.iter().find(|(known, _)| *known == extension);
        found.map(|(_, text)| text.as_str())
    };
    assert_eq!(value(WorkflowExtension::BuildSignerUri), Some(workflow));
    assert_eq!(value(WorkflowExtension::SourceRepositoryUri), Some("https://github.com/acme/app"));
    assert_eq!(
        value(WorkflowExtension::RunInvocationUri),
        Some("https://github.com/acme/app/actions/runs/56/attempts/1")
    );
    assert_eq!(value(WorkflowExtension::DeploymentEnvironment), None);
    assert_eq!(names.workflow.len(), 20);
    let missing = world.names(&claims(json!({}))).unwrap_err();
    assert_eq!(missing.to_string(), "the token has no claim `job_workflow_ref`");
}

#[test]
fn every_provider_has_well_formed_templates() {
    for provider in Provider::ALL {
        let workflow = provider.workflow(provider.home());
        assert!(!workflow.extensions.is_empty());
        assert_eq!(provider.word().parse::<Provider>().unwrap(), provider);
        let record = world(IssuerKind::Workflow(workflow)).issuer;
        assert_eq!(record.check(), Ok(()));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<TokenIssuer>(&json).unwrap(), record);
    }
}

#[test]
fn claims_are_escaped_where_a_uri_is_made_of_them_and_two_of_them_are_never_one() {
    let world = world(IssuerKind::Workflow(Provider::Github.workflow(Provider::Github.home())));
    let named = |file: &str| {
        let mut job = github();
        job["job_workflow_ref"] = format!("acme/app/{file}").into();
        world.names(&claims(job)).unwrap().subject.text().to_owned()
    };
    assert_eq!(named("a b\u{e4}\"<>"), "https://github.com/acme/app/a%20b%C3%A4%22%3C%3E");
    assert_eq!(named("a%20b"), "https://github.com/acme/app/a%2520b");
}

#[test]
fn what_a_token_calls_a_uri_is_one_or_is_refused() {
    let world = world(IssuerKind::Uri { domain: "https://example.com".to_owned() });
    let named = world.names(&claims(json!({"sub": "https://example.com/a%20b"}))).unwrap();
    assert_eq!(named.subject.text(), "https://example.com/a%20b");
    for rest in ["a b", "\u{e4}", "%2", "%zz", "%", "{a}"] {
        let refused =
            world.names(&claims(json!({"sub": format!("https://example.com/{rest}")}))).unwrap_err();
        assert!(refused.to_string().contains("its issuer must escape them"), "{rest}: {refused}");
    }
}

#[test]
fn an_issuer_behind_the_issuer_is_named_where_the_record_says_so() {
    let mut world = world(email());
    world.issuer.issuer_claim = Some("$.federated_claims.connector_id".to_owned());
    let behind = json!({"federated_claims": {"connector_id": "https://github.com/login/oauth"}});
    assert_eq!(world.names(&claims(behind)).unwrap().issuer, "https://github.com/login/oauth");
    assert!(world.names(&claims(json!({}))).is_err());
    for other in ["", "a\nb", &"a".repeat(2_049)] {
        let behind = json!({"federated_claims": {"connector_id": other}});
        let refused = world.names(&claims(behind)).unwrap_err();
        assert!(refused.to_string().contains("a text of bounded length"), "{refused}");
    }
}

#[test]
fn keys_of_other_uses_and_kinds_are_left_out_and_malformed_ones_are_named() {
    let good = IdentityProvider::new("k1").jwks()["keys"][0].clone();
    let mut encryption = good.clone();
    encryption["use"] = "enc".into();
    let octets = json!({"kty": "oct", "k": "AAAA"});
    let set = json!({"keys": [good, encryption, octets]}).to_string();
    assert_eq!(parse_jwks(set.as_bytes()).unwrap().len(), 1);
    let mut off = good.clone();
    off["x"] = good["y"].clone();
    let told = parse_jwks(json!({"keys": [off]}).to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(told, "key `k1` of the set is malformed");
    for set in ["{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}", "[]", "{\"keys\":[1]}"] {
        assert!(parse_jwks(set.as_bytes()).is_err(), "{set}");
    }
}

#[test]
fn keys_of_every_kind_are_the_same_keys_as_their_subject_public_key_info_says() {
    let text = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    for algorithm in Algorithm::ALL.iter().copied() {
        let public = Key::generate(algorithm).public();
        let raw = public.raw();
        let jwk = match algorithm {
            Algorithm::Ed25519 => json!({"kty": "OKP", "crv": "Ed25519", "x": text(raw)}),
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => {
                let (x, y) = raw[1..].split_at(raw.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            _ => {
                // Behind headers of known lengths stands the modulus, and 65537 at the end.
                let (modulus, exponent) = (&raw[33..raw.len() - 5], &raw[raw.len() - 3..]);
                json!({"kty": "RSA", "n": text(modulus), "e": text(exponent)})
            }
        };
        let keys = parse_jwks(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
        assert_eq!(keys[0].public_key, public, "{algorithm}");
    }
}
