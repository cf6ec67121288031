//! Certificates for holders of ID tokens, and the whole keyless way.

use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64;
use envelope::bundle::{Bundle, Content, Entry, Signer};
use model::{Digest, Digests, Hashed};
use pki_types::CertificateDer;
use pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use testkit::IdentityProvider;
use verify::{Artifact, Identity, Pattern, SignedBy, TrustRoot, verify_sigstore};

use crate::Effort;
use crate::cost;
use crate::failure::Failure;
use crate::load::{Clients, Throughput};
use crate::platform::{Plan, Platform};
use crate::raw::{Needs, Operation, Probes};
use crate::report::{Floor, Row};
use crate::rows::Bench;
use crate::rows::log::SPKI;
use crate::rows::tokens::QUERY;
use crate::rows::verifying::present;
use crate::wire::Connection;

const ISSUER: &str = "https://issuer.measured.example";
const ADA: &str = "ada@example.com";

/// Precertificate, its promise and the certificate are signed and verified; token and proof of possession verified.
const CERTIFICATE: Needs = &[(Operation::SignP256, 3), (Operation::VerifyP256, 5)];
/// The client's proof and signature, and the token of the timestamp authority, beside the certificate; the entry's
/// signature, the token's, and once more all that a verifier of the bundle checks, beside the certificate's five.
const FLOW: Needs = &[(Operation::SignP256, 6), (Operation::VerifyP256, 11), (Operation::VerifyEd25519, 1)];

/// A platform that knows one issuer.
fn platform(bench: &Bench<'_>, provider: &IdentityProvider) -> Result<Platform, Failure> {
    let plan = Plan { config: "log_submissions_per_second = 1000000\n".to_owned() };
    let platform = Platform::new(bench.avouch, &plan)?;
    let keys = platform.folder().join("keys.json");
    std::fs::write(&keys, provider.jwks().to_string()).map_err(Failure::file("write", &keys))?;
    let keys = keys.to_string_lossy().into_owned();
    platform.administer(&["issuer", "add", ISSUER, "--kind", "email", "--keys", &keys])?;
    Ok(platform)
}

/// Somebody with a new key and a new token each time.
struct Holder {
    number: u64,
    own: u32,
}

impl Holder {
    fn token(&mut self, provider: &IdentityProvider) -> String {
        self.number += 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        provider.token(&json!({
            "iss": ISSUER, "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 300,
            "email": ADA, "email_verified": true, "jti": format!("{}-{}", self.own, self.number),
        }))
    }
}

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made")
}

fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    key.sign(&SystemRandom::new(), message).expect("a key that was just made signs").as_ref().to_vec()
}

/// A certificate for this key and token; in DER, without those above it.
fn certificate(connection: &mut Connection, token: &str, key: &EcdsaKeyPair) -> Result<Vec<u8>, Failure> {
    let spki = BASE64.encode(&[&SPKI[..], key.public_key().as_ref()].concat());
    // Lines of 64 characters (RFC 7468 §2).
    let (first, second) = spki.split_at(64);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
    let body = json!({
        "credentials": {"oidcIdentityToken": token},
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": pem},
            "proofOfPossession": BASE64.encode(&sign(key, ADA.as_bytes())),
        },
    });
    let path = "/api/v2/signingCert";
    let answer = connection.post(path, "application/json", body.to_string().as_bytes())?;
    let bad = |why: &dyn std::fmt::Display| Failure::bad("an answer that is no certificate")(why);
    let issued: Value = serde_json::from_slice(&answer.body).map_err(|why| bad(&why))?;
    let first = issued.pointer("/signedCertificateEmbeddedSct/chain/certificates/0").and_then(Value::as_str);
    let first = first.ok_or_else(|| bad(&"it holds none"))?;
    Ok(CertificateDer::from_pem_slice(first.as_bytes()).map_err(|why| bad(&why))?.to_vec())
}

pub(super) fn certificates(bench: &Bench<'_>) -> Result<Row, Failure> {
    let provider = IdentityProvider::new("measured");
    let platform = platform(bench, &provider)?;
    let mut clients = Clients::new(&platform.public, 64, |own| {
        let (provider, mut holder, key) = (&provider, Holder { number: 0, own }, key());
        move |connection: &mut Connection| certificate(connection, &holder.token(provider), &key).map(drop)
    })?;
    let what = "certificates for holders of ID tokens";
    let row = Throughput { name: "certificates", what, needs: CERTIFICATE, floor: 0.4, each: 1 };
    row.measure(&platform, &bench.raw, bench.effort, &mut clients)
}

/// From the token to a bundle whose parts have all been answered: one client, one after the other.
pub(super) fn flow(bench: &Bench<'_>) -> Result<Row, Failure> {
    let provider = IdentityProvider::new("measured");
    let platform = platform(bench, &provider)?;
    let mut connection = Connection::open(&platform.public)?;
    let root = connection.get("/v1/trust-root")?.body;
    let root = TrustRoot::parse(root.trim_ascii_end())
        .map_err(|why| Failure::bad("the platform's trust root")(&why))?;
    let mut holder = Holder { number: 0, own: 0 };
    let mut probes = Probes::new(&bench.raw, FLOW);
    let during = Duration::from_millis(if bench.effort == Effort::Full { 1_500 } else { 200 });
    let mut took = Vec::new();
    for _ in 0..4 {
        probes.take()?;
        let began = Instant::now();
        while began.elapsed() < during {
            let token = holder.token(&provider);
            let began = Instant::now();
            once(&mut connection, &token, &root)?;
            took.push(began.elapsed());
        }
    }
    took.sort_unstable();
    let (median, needed) = (cost::percentile(&took, 0.5), probes.cost());
    Ok(Row {
        name: "keyless-flow",
        what: "from a token to a verified bundle, one client, p50",
        value: median.as_secs_f64() * 1e3,
        unit: "ms",
        ratio: median.as_secs_f64() / needed.as_secs_f64(),
        floor: Floor::Shown,
        drift: probes.drift(),
        beside: format!(
            "{:.0} µs bare, its verification among them; p99 {:.2} ms",
            cost::micros(needed),
            cost::percentile(&took, 0.99).as_secs_f64() * 1e3
        ),
    })
}

/// Certificate, signature, timestamp and log entry; and the bundle of them, verified.
fn once(connection: &mut Connection, token: &str, root: &TrustRoot) -> Result<(), Failure> {
    let key = key();
    let certificate = certificate(connection, token, &key)?;
    let message = token.as_bytes();
    let (digest, signature) = (Digest::of(message), sign(&key, message));
    let query = [&QUERY[..], Digest::of(&signature).as_bytes()].concat();
    let stamped = connection.post("/api/v1/timestamp", "application/timestamp-query", &query)?.body;
    let entry = json!({"hashedRekordRequestV002": {
        "digest": BASE64.encode(digest.as_bytes()),
        "signature": {
            "content": BASE64.encode(&signature),
            "verifier": {
                "x509Certificate": {"rawBytes": BASE64.encode(&certificate)},
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            },
        },
    }});
    let logged =
        connection.post("/api/v2/log/entries", "application/json", entry.to_string().as_bytes())?.body;
    let logged = Entry::from_json(&logged).map_err(|why| Failure::bad("an answer that is no entry")(&why))?;
    let content = Content::message(&Hashed::Sha256(digest), &signature);
    let bundle =
        Bundle::seal(Signer::Certificate(certificate), content, Some(logged), Some(&stamped)).to_json();
    let artifact = Artifact { digests: Digests::from(digest), name: None };
    let identity = Identity { subject: exactly(ADA)?, issuer: exactly(ISSUER)? };
    let signed_by = SignedBy::Holder(&identity);
    verify_sigstore(&artifact, &bundle, signed_by, root, present())
        .map_err(|why| Failure::bad("a bundle that was just made")(&why))
        .map(drop)
}

fn exactly(text: &str) -> Result<Pattern, Failure> {
    Pattern::exactly(text).map_err(|why| Failure::bad("a name")(&why))
}
