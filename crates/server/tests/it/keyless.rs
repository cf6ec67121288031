//! Certificates for holders of ID tokens, as clients of Sigstore ask for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use model::{Algorithm, Clock as _, Form, told};
use pki::token::{CertificateNames, IssuerKind, TokenIssuer, Verification, parse_jwks};
use pki::{Certificate, sct};
use quorum::Change;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use signer::{Answer, Head, HolderOrder, HolderStep, Order, Orders, RefusalCode, Signer as _};
use signerd::SystemClock;
use testkit::{IdentityProvider, Key};
use tlog::{SignedCheckpoint, TilePath, VerifierKey, tile};

use crate::founder::{self, space};
use crate::site::{Identity, Site};

const ISSUER: &str = "https://issuer.example.com";
const ADA: &str = "ada@example.com";

/// A running platform that certifies holders of the tokens of one issuer.
struct World {
    site: Site,
    provider: IdentityProvider,
    http: reqwest::Client,
}

impl World {
    fn new() -> Self {
        let (site, provider) = (Site::start(), IdentityProvider::new("k1"));
        let issuer = TokenIssuer {
            version: 1,
            url: ISSUER.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: parse_jwks(provider.jwks().to_string().as_bytes()).unwrap(),
        };
        let socket = site.config.signer_socket.with_file_name("admin.sock");
        founder::enter(&Self::signer(&site), &socket, &SystemClock, Change::Issuer(issuer));
        let http = site.http(Identity::Nobody);
        Self { site, provider, http }
    }

    fn signer(site: &Site) -> signer::Client {
        signer::Client::new(&site.config.signer_socket)
    }

    fn claims(&self, email: &str) -> Value {
        let now = SystemClock.now().seconds();
        json!({"iss": ISSUER, "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 300, "email": email,
            "email_verified": true})
    }

    fn token(&self, email: &str) -> String {
        self.provider.token(&self.claims(email))
    }

    async fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> Response {
        let asking = self.http.post(self.site.public_url(path)).json(body);
        // sigstore-python asks for PEM, and reads JSON.
        let asking = asking.header("Accept", "application/pem-certificate-chain");
        let asking = bearer.iter().fold(asking, |asking, token| asking.bearer_auth(token));
        asking.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(self.site.public_url(path)).send().await.unwrap()
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap().to_vec()
    }

    /// The log of certificates, read as a monitor reads it: its leaf hashes under its signed head.
    async fn log(&self) -> Vec<model::Digest> {
        let registry = Self::signer(&self.site).state().unwrap().replay().unwrap();
        let key = registry.platform_key(Form::Sct).unwrap().record.clone();
        let key = VerifierKey::of_certificate_log(key.origin.as_deref().unwrap(), &key.public_key).unwrap();
        let note = String::from_utf8(self.bytes("/ctlog/2026/checkpoint").await).unwrap();
        let checkpoint = SignedCheckpoint::open(&note, &key).unwrap();
        let width = u16::try_from(checkpoint.size()).unwrap();
        let path = TilePath::hashes(0, 0, width).unwrap();
        let hashes = tile::decode_hashes(path, &self.bytes(&format!("/ctlog/2026/{path}")).await).unwrap();
        assert_eq!(model::merkle::root(&hashes), *checkpoint.root());
        let path = TilePath::certificates(0, width).unwrap();
        let bundle = self.bytes(&format!("/ctlog/2026/{path}")).await;
        assert_eq!(tile::decode_entries(path, &bundle).unwrap().len(), usize::from(width));
        hashes
    }
}

/// As cosign asks: a key in PEM, and its signature over the name in the token.
fn by_key(key: &Key, name: &str) -> Value {
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64
            .encode(key.public().spki())
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect::<Vec<_>>()
            .join("\n")
    );
    json!({"publicKeyRequest": {"publicKey": {"algorithm": "ECDSA", "content": pem},
        "proofOfPossession": BASE64.encode(&key.sign(name.as_bytes()))}})
}

async fn chain(answer: Response) -> Vec<Certificate> {
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let json: Value = answer.json().await.unwrap();
    let chain = json["signedCertificateEmbeddedSct"]["chain"]["certificates"].as_array().unwrap();
    chain.iter().map(|pem| Certificate::from_pem(pem.as_str().unwrap()).unwrap()).collect()
}

/// Where the certificate's timestamp says that it stands, and the hash that stands there then.
fn leaf(chain: &[Certificate]) -> (u64, model::Digest) {
    let [timestamp] = chain[0].signed_timestamps().unwrap().try_into().unwrap();
    let index = timestamp.extensions[3..].iter().fold(0, |index, byte| index << 8 | u64::from(*byte));
    let (issuer, logged) = (chain[1].public_key().unwrap(), chain[0].logged_tbs().unwrap());
    let signed = sct::to_be_signed(timestamp.time(), &issuer, &logged, &timestamp.extensions);
    (index, model::merkle::leaf_hash(&signed))
}

fn openssl_verifies(chain: &[Certificate]) {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let folder = testkit::temp_folder();
    let write = |name: &str, certificate: &Certificate| {
        let path = folder.path().join(name);
        std::fs::write(&path, certificate.to_pem()).unwrap();
        path
    };
    let mut command = openssl.command();
    command.args(["verify", "-x509_strict", "-purpose", "any", "-CAfile"]).arg(write("root.pem", &chain[1]));
    command.arg(write("leaf.pem", &chain[0]));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_gets_a_certificate_in_the_three_ways_that_clients_ask() {
    let world = World::new();
    let (key, token) = (Key::generate(Algorithm::EcdsaP256), world.token(ADA));
    let first = chain(world.post("/api/v2/signingCert", Some(&token), &by_key(&key, ADA)).await).await;
    assert_eq!(first.len(), 2);
    assert_eq!(first[0].public_key().unwrap(), key.public());
    assert_eq!(CertificateNames::of(&first[0]).unwrap().subject.text(), ADA);
    openssl_verifies(&first);
    // sigstore-js brings the token in the body.
    let mut body = by_key(&key, ADA);
    body["credentials"] = json!({"oidcIdentityToken": token});
    let again = chain(world.post("/api/v2/signingCert", None, &body).await).await;
    assert_eq!(again, first, "one token, one certificate");
    if let Some(openssl) = testkit::tool("openssl") {
        let folder = testkit::temp_folder();
        let mut command = openssl.command();
        command.args(["req", "-new", "-nodes", "-subj", "/", "-newkey", "ec", "-pkeyopt"]);
        command.args(["ec_paramgen_curve:P-256", "-keyout"]).arg(folder.path().join("key.pem"));
        let request = command.output().unwrap().stdout;
        let body = json!({"certificateSigningRequest": BASE64.encode(&request)});
        let token = world.token("ben@example.com");
        let third = chain(world.post("/api/v2/signingCert", Some(&token), &body).await).await;
        openssl_verifies(&third);
        let hashes = world.log().await;
        for (index, hash) in [leaf(&first), leaf(&third)] {
            assert_eq!(hashes[usize::try_from(index).unwrap()], hash);
        }
    }
    let issuer = first[1].fingerprint();
    assert_eq!(world.bytes(&format!("/ctlog/2026/issuer/{issuer}")).await, first[1].der());
    for path in ["/ctlog/2025/checkpoint", "/ctlog/2026/tile/data/001", "/ctlog/2026/issuer/00"] {
        assert_eq!(world.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_ask_before_they_sign_is_answered_as_fulcio_does() {
    let world = World::new();
    let bundle: Value = world.get("/api/v2/trustBundle").await.json().await.unwrap();
    let certificates = bundle["chains"][0]["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 1);
    let pem: String = certificates.iter().map(|pem| pem.as_str().unwrap()).collect();
    assert_eq!(world.bytes("/api/v1/rootCert").await, pem.as_bytes());
    let configuration: Value = world.get("/api/v2/configuration").await.json().await.unwrap();
    let expected = json!({"issuers": [{"issuerUrl": ISSUER, "audience": "sigstore", "challengeClaim": "email",
        "issuerType": "email"}]});
    assert_eq!(configuration, expected);
    let key = Key::generate(Algorithm::EcdsaP256);
    let body = json!({"publicKey": {"content": BASE64.encode(key.public().spki()), "algorithm": "ecdsa"},
        "signedEmailAddress": BASE64.encode(&key.sign(ADA.as_bytes()))});
    let before = world.post("/api/v1/signingCert", Some(&world.token(ADA)), &body).await;
    assert_eq!(before.status(), StatusCode::CREATED);
    assert_eq!(before.headers()[CONTENT_TYPE], "application/pem-certificate-chain");
    let chain = Certificate::chain_from_pem(&before.text().await.unwrap()).unwrap();
    assert_eq!(chain.len(), 2);
    openssl_verifies(&chain);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_the_status_of_grpc_in_json_and_say_what_is_wrong() {
    let world = World::new();
    let key = Key::generate(Algorithm::EcdsaP256);
    let mut expired = world.claims(ADA);
    expired["exp"] = json!(1);
    for (bearer, body, text) in [
        (None, by_key(&key, ADA), "there is no ID token"),
        (Some("x".to_owned()), by_key(&key, ADA), "three parts of base64url"),
        (Some(world.token(ADA)), json!({}), "exactly one of"),
        (Some(world.token(ADA)), by_key(&key, "eve@example.com"), "not proven"),
        (Some(world.provider.token(&expired)), by_key(&key, ADA), "expired at"),
        (Some(IdentityProvider::new("k1").token(&world.claims(ADA))), by_key(&key, ADA), "signature"),
    ] {
        let answer = world.post("/api/v2/signingCert", bearer.as_deref(), &body).await;
        assert_eq!(
            (answer.status(), &answer.headers()[CONTENT_TYPE] == "application/json"),
            (StatusCode::BAD_REQUEST, true)
        );
        let said: Value = answer.json().await.unwrap();
        assert_eq!((&said["code"], &said["details"]), (&json!(3), &json!([])), "{said}");
        assert!(said["message"].as_str().unwrap().contains(text), "{said}");
    }
    let malformed =
        world.http.post(world.site.public_url("/api/v2/signingCert")).body("{").send().await.unwrap();
    assert_eq!(malformed.status(), StatusCode::BAD_REQUEST);
    assert_eq!(malformed.json::<Value>().await.unwrap()["code"], 3);
}

/// What a token may be wrong in, each with a text of its own.
#[tokio::test(flavor = "multi_thread")]
async fn each_token_that_is_not_believed_is_refused_with_a_text_of_its_own() {
    let world = World::new();
    let now = SystemClock.now().seconds();
    let claims = |name: &str, value: Value| {
        let mut claims = world.claims(ADA);
        claims[name] = value;
        claims
    };
    let signed = |name: &str, value: Value| world.provider.token(&claims(name, value));
    let good = world.token(ADA);
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let with_header =
        |header: Value| format!("{}.{payload}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()));
    let unsigned = format!("{}.", with_header(json!({"alg": "none", "typ": "JWT"})));
    // Whoever took the issuer's public key for a shared secret would believe this.
    let secret = world.provider.jwks()["keys"][0].to_string();
    let shared = with_header(json!({"alg": "HS256", "kid": "k1"}));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), shared.as_bytes());
    let shared = format!("{shared}.{}", BASE64URL_NOPAD.encode(tag.as_ref()));
    let used = signed("jti", json!("used"));
    let key = Key::generate(Algorithm::EcdsaP256);
    assert_eq!(world.post("/api/v2/signingCert", Some(&used), &by_key(&key, ADA)).await.status(), 200);
    let table = [
        ("audience", signed("aud", json!("another")), "for the audience `another`, not for `sigstore`"),
        ("issuer", signed("iss", json!("https://login.example.com")), "`https://login.example.com`"),
        ("algorithm none", unsigned, "signed with `none`"),
        ("shared secret", shared, "signed with `HS256`"),
        (
            "another's key",
            IdentityProvider::new("k1").token(&world.claims(ADA)),
            "signature is not its issuer's",
        ),
        ("unknown key", IdentityProvider::new("k2").token(&world.claims(ADA)), "signed with the key `k2`"),
        ("expired", signed("exp", json!(now - 120)), "expired at"),
        ("not yet valid", signed("iat", json!(now + 120)), "is valid from"),
        ("valid for too long", signed("exp", json!(now + 90_000)), "is valid for"),
        (
            "unverified",
            signed("email_verified", json!(false)),
            "does not say that the address `ada@example.com` was",
        ),
        ("no address", signed("email", Value::Null), "no claim `email`"),
        ("replayed", used, "this token was used already"),
    ];
    let mut texts = BTreeSet::new();
    for (what, token, text) in table {
        let other = Key::generate(Algorithm::EcdsaP256);
        let answer = world.post("/api/v2/signingCert", Some(&token), &by_key(&other, ADA)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
        let said: Value = answer.json().await.unwrap();
        let said = said["message"].as_str().unwrap().to_owned();
        assert!(said.contains(text), "{what}: {said}");
        assert!(texts.insert(said.clone()), "{what}: another has the same text: {said}");
    }
}

/// Attack 15, at the platform as it runs: the server is owned, and has the key process's socket.
#[tokio::test(flavor = "multi_thread")]
async fn an_owned_server_gets_no_certificate_for_a_token_it_never_saw_and_no_ca_certificate_at_all() {
    let world = World::new();
    let socket = World::signer(&world.site);
    let registry = socket.state().unwrap().replay().unwrap();
    let key = |name: &str| registry.active_key(&space(name)).unwrap().record.id();
    let holder = Key::generate(Algorithm::EcdsaP256).public();
    let refused = |authority: &str, token: &str| {
        let step = HolderStep::Precertificate;
        let (token, public_key) = (token.as_bytes().to_vec(), holder.spki().to_vec());
        let order = Order::Holder(HolderOrder { authority: key(authority), token, public_key, step });
        let answers = socket.order(&Orders { ledger: Head::empty(), orders: vec![order] }).unwrap();
        match answers.answers.into_iter().next() {
            Some(Answer::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    };
    let forged = IdentityProvider::new("k1").token(&world.claims(ADA));
    let refusal = refused("platform/holders", &forged);
    assert_eq!(refusal.code, RefusalCode::Token, "{}", told(&refusal));
    let mut elsewhere = world.claims(ADA);
    elsewhere["aud"] = json!("another");
    assert_eq!(refused("platform/holders", &world.provider.token(&elsewhere)).code, RefusalCode::Token);
    for other in ["platform/ca", "platform/ct", "platform/timestamp", "default/blob"] {
        assert_eq!(refused(other, &world.token(ADA)).code, RefusalCode::Key, "{other}");
    }
    // What it does get, for a token that passes through it, is a leaf that issues nothing.
    let key = Key::generate(Algorithm::EcdsaP256);
    let issued =
        chain(world.post("/api/v2/signingCert", Some(&world.token(ADA)), &by_key(&key, ADA)).await).await;
    assert!(!issued[0].is_authority());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_clients_get_serials_and_leaves_of_their_own_across_a_restart() {
    let mut world = World::new();
    let mut issued = Vec::new();
    for round in 0..2 {
        let shared = Arc::new(world);
        let clients: Vec<_> = (0..20)
            .map(|n| {
                let world = Arc::clone(&shared);
                tokio::spawn(async move {
                    let email = format!("{round}-{n}@example.com");
                    let key = Key::generate(Algorithm::EcdsaP256);
                    let token = world.token(&email);
                    chain(world.post("/api/v2/signingCert", Some(&token), &by_key(&key, &email)).await).await
                })
            })
            .collect();
        for client in clients {
            issued.push(client.await.unwrap());
        }
        world = Arc::into_inner(shared).unwrap();
        world.site.stop_server();
        world.site.start_server();
        world.http = world.site.http(Identity::Nobody);
    }
    let serials: BTreeSet<Vec<u8>> = issued.iter().map(|chain| chain[0].serial().to_vec()).collect();
    let leaves: BTreeSet<u64> = issued.iter().map(|chain| leaf(chain).0).collect();
    assert_eq!((serials.len(), leaves), (40, (0..40).collect()));
    let hashes = world.log().await;
    for chain in &issued {
        let (index, hash) = leaf(chain);
        assert_eq!(hashes[usize::try_from(index).unwrap()], hash);
    }
}
