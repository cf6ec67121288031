//! A Sigstore that a test holds in its hand: certificate authority, timestamp authority, log and issuer on one address.
//! It does what the specifications say and no more; the platform's own is tested elsewhere.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use envelope::ToBeSigned;
use envelope::rekor::{self, Body, Verifier};
use envelope::signing_config::{Endpoint, SigningConfig};
use envelope::timestamp::{self, Request, TstInfo};
use envelope::trusted_root::{Authority, Log, TrustedRoot, Window};
use model::merkle::leaf_hash;
use model::receipt::LogEntry;
use model::{Algorithm, Base64, Digest, Hashed, Instant, PublicKey};
use pki::sct::{self, SignedTimestamp};
use pki::token::{IdToken, IssuerKind, TokenIssuer, Trust, Verification, parse_jwks};
use pki::{
    Certificate, CertificateProfile, DistinguishedName, HolderCertificate, Issuer, NewCertificate, Possessed,
    Serial, Validity,
};
use serde_json::{Value, json};
use testkit::{Asked, HttpSite, IdentityProvider, Key, Reply};
use tlog::{Checkpoint, VerifierKey, note};

/// Who logs in there.
pub(crate) const ADA: &str = "ada@example.com";

/// The origin of its log: the host of its address.
const ORIGIN: &str = "127.0.0.1";

/// A key and its certificate.
struct Certified {
    key: Key,
    certificate: Certificate,
}

struct Parts {
    root: Certified,
    authority: Certified,
    timestamps: Certified,
    certificate_log: Key,
    log: Key,
    provider: IdentityProvider,
    /// What a login was begun with: its query.
    login: Mutex<Vec<(String, String)>>,
    /// What becomes of the claims of the token at a login's end.
    told: Mutex<fn(&mut Value)>,
}

/// The site.
pub(crate) struct SigstoreSite {
    site: HttpSite,
    parts: Arc<Parts>,
}

pub(crate) fn now() -> Instant {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Instant::from_seconds(since.as_secs())
}

fn window() -> Window {
    Window { start: Instant::from_seconds(now().seconds() - 3_600), end: None }
}

impl Certified {
    fn new(name: &str, profile: &CertificateProfile, issuer: Option<&Self>) -> Self {
        let key = Key::generate(Algorithm::EcdsaP256);
        let end = window().start.after(Duration::from_secs(30 * 86_400));
        let new = NewCertificate {
            profile,
            subject: &DistinguishedName::new("Example", name).unwrap(),
            public_key: &key.public(),
            serial: Serial::from_random([7; 16]),
            validity: Validity::new(window().start, end).unwrap(),
            issuer: issuer.map_or(Issuer::Itself, |issuer| Issuer::Certificate(&issuer.certificate)),
        };
        let tbs = new.compose().unwrap();
        let signature = issuer.map_or(&key, |issuer| &issuer.key).sign(tbs.der());
        let certificate = tbs.seal(&signature).unwrap();
        Self { key, certificate }
    }
}

impl SigstoreSite {
    pub(crate) fn new() -> Self {
        let root = Certified::new("root", &CertificateProfile::Root, None);
        let parts = Arc::new(Parts {
            authority: Certified::new("holders", &CertificateProfile::HolderAuthority, None),
            timestamps: Certified::new("timestamps", &CertificateProfile::Timestamping, Some(&root)),
            root,
            certificate_log: Key::generate(Algorithm::EcdsaP256),
            log: Key::generate(Algorithm::Ed25519),
            provider: IdentityProvider::new("k1"),
            login: Mutex::default(),
            told: Mutex::new(|_| ()),
        });
        let its = Arc::clone(&parts);
        let site = HttpSite::serve(move |asked| {
            let url = format!("http://{}", asked.header("host").unwrap());
            its.answer(asked, &url).unwrap_or_else(|fault| {
                let said = json!({"code": 3, "message": fault, "details": []});
                Reply::Say(400, Vec::new(), said.to_string().into_bytes())
            })
        });
        Self { site, parts }
    }

    pub(crate) fn url(&self) -> String {
        self.site.url()
    }

    /// A token for Ada, as her issuer gives it.
    pub(crate) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(&self.url(), "sigstore");
        change(&mut claims);
        self.parts.provider.token(&claims)
    }

    /// From now on the token at a login's end says something else.
    pub(crate) fn end_logins_with(&self, change: fn(&mut Value)) {
        *self.parts.told.lock().unwrap() = change;
    }

    pub(crate) fn trusted_root(&self) -> Vec<u8> {
        let (parts, url) = (&self.parts, self.url());
        let authority = |name: &str, chain: &[&Certified]| {
            let chain: Vec<&[u8]> = chain.iter().map(|one| one.certificate.der()).collect();
            Authority::new("Example", name, &url, &chain, window())
        };
        let log = |key: &Key, id: &Digest| Log::new(&url, &key.public(), id, window());
        let ct = parts.certificate_log.public();
        TrustedRoot::new(
            vec![log(&parts.log, &parts.log_key().log_id())],
            vec![authority("holders", &[&parts.authority])],
            vec![log(&parts.certificate_log, ct.id().digest())],
            vec![authority("timestamps", &[&parts.timestamps, &parts.root])],
        )
        .to_json()
    }

    pub(crate) fn signing_config(&self) -> Vec<u8> {
        let at = |path: &str, version| {
            vec![Endpoint::new(&format!("{}{path}", self.url()), version, window(), "example.com")]
        };
        SigningConfig::new(at("", 1), at("", 1), at("", 2), at("/api/v1/timestamp", 1)).to_json()
    }
}

fn claims(issuer: &str, audience: &str) -> Value {
    let now = now().seconds();
    json!({"iss": issuer, "aud": audience, "sub": "1", "iat": now, "exp": now + 300, "email": ADA, "email_verified": true})
}

fn told(cause: impl std::fmt::Display) -> String {
    cause.to_string()
}

impl Parts {
    fn log_key(&self) -> VerifierKey {
        VerifierKey::of_log(ORIGIN, &self.log.public()).unwrap()
    }

    fn answer(&self, asked: &Asked, url: &str) -> Result<Reply, String> {
        match asked.path() {
            "/api/v2/signingCert" => self.certify(&serde_json::from_slice(&asked.body).map_err(told)?, url),
            "/api/v1/timestamp" => self.stamp(&asked.body),
            "/api/v2/log/entries" => self.append(&serde_json::from_slice(&asked.body).map_err(told)?),
            "/.well-known/openid-configuration" => Ok(Reply::json(&json!({
                "issuer": url, "jwks_uri": format!("{url}/keys"),
                "authorization_endpoint": format!("{url}/auth"), "token_endpoint": format!("{url}/token"),
            }))),
            "/keys" => Ok(Reply::json(&self.provider.jwks())),
            "/auth" => Ok(self.log_in(asked)),
            "/token" => self.exchange(asked, url),
            _ => Ok(Reply::status(404)),
        }
    }

    fn certify(&self, asked: &Value, url: &str) -> Result<Reply, String> {
        let issuer = TokenIssuer {
            version: 1,
            url: url.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: parse_jwks(self.provider.jwks().to_string().as_bytes()).map_err(told)?,
        };
        let text = |pointer: &str| asked.pointer(pointer).and_then(Value::as_str).ok_or("incomplete");
        let token = IdToken::parse(text("/credentials/oidcIdentityToken")?.as_bytes()).map_err(told)?;
        let verified = issuer.verify(&token, Trust::Keys(&issuer.keys), now()).map_err(told)?;
        let pem: String =
            text("/publicKeyRequest/publicKey/content")?.lines().filter(|line| !line.contains('-')).collect();
        let key = PublicKey::from_spki(&BASE64.decode(pem.as_bytes()).map_err(told)?).map_err(told)?;
        let proof = BASE64.decode(text("/publicKeyRequest/proofOfPossession")?.as_bytes()).map_err(told)?;
        let possessed = Possessed::by_challenge(key, &verified.challenge(), &proof).map_err(told)?;
        let names = verified.names().map_err(told)?;
        let new = HolderCertificate::beginning(
            now(),
            [9; 16],
            &names,
            possessed.key(),
            &self.authority.certificate,
        );
        let new = new.map_err(told)?;
        let extensions = sct::leaf_index(0).unwrap();
        let logged = new.logged().map_err(told)?;
        let promised = sct::to_be_signed(now(), &self.authority.key.public(), logged.der(), &extensions);
        let ct = &self.certificate_log;
        let promise = SignedTimestamp::new(&ct.public(), now(), extensions, ct.sign(&promised));
        let tbs = new.certificate(&promise).map_err(told)?;
        let leaf = tbs.seal(&self.authority.key.sign(tbs.der())).map_err(told)?;
        let chain = [&leaf, &self.authority.certificate].map(Certificate::to_pem);
        Ok(Reply::json(&json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}})))
    }

    fn stamp(&self, asked: &[u8]) -> Result<Reply, String> {
        let request = Request::parse(asked).map_err(told)?;
        let info = TstInfo::answer(&request, now(), 1).and_then(|info| info.encode()).map_err(told)?;
        let own = &self.timestamps;
        let ToBeSigned::Message(attributes) =
            timestamp::compose(&info, &own.certificate, now()).map_err(told)?
        else {
            return Err("attributes are bytes".to_owned());
        };
        let (signature, chain) = (own.key.sign(&attributes), [own.certificate.clone()]);
        let sealed =
            timestamp::seal(&info, &attributes, &signature, &chain, request.certificate).map_err(told)?;
        Ok(Reply::Say(200, vec!["content-type: application/timestamp-reply".to_owned()], sealed))
    }

    /// Each entry is the first of a tree of one.
    fn append(&self, asked: &Value) -> Result<Reply, String> {
        let bytes = |pointer: &str| {
            let text = asked.pointer(&format!("/hashedRekordRequestV002{pointer}")).and_then(Value::as_str);
            BASE64.decode(text.ok_or("incomplete")?.as_bytes()).map_err(told)
        };
        let certificate =
            Certificate::from_der(&bytes("/signature/verifier/x509Certificate/rawBytes")?).map_err(told)?;
        let digest = Digest::from_slice(&bytes("/digest")?).ok_or("no digest")?;
        let signed = ToBeSigned::Hashed(Hashed::Sha256(digest));
        let body = Body::new(&signed, &bytes("/signature/content")?, Verifier::Certificate(certificate))
            .map_err(told)?;
        let body = body.encode();
        let text = Checkpoint::new(ORIGIN, 1, leaf_hash(&body)).map_err(told)?.text();
        let checkpoint = note::seal(&text, &self.log_key(), &self.log.sign(text.as_bytes())).map_err(told)?;
        let entry = LogEntry { index: 0, body: Base64(body), path: Vec::new(), checkpoint };
        let json = rekor::answer(&self.log_key().log_id(), &entry).map_err(told)?;
        Ok(Reply::Say(201, Vec::new(), json))
    }

    /// Ada is logged in already: the browser is sent back at once.
    fn log_in(&self, asked: &Asked) -> Reply {
        let query = asked.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = parse_form(query);
        let back =
            format!("location: {}?code=c0de&state={}", one(&pairs, "redirect_uri"), one(&pairs, "state"));
        *self.login.lock().unwrap() = pairs;
        Reply::Say(302, vec![back], Vec::new())
    }

    fn exchange(&self, asked: &Asked, url: &str) -> Result<Reply, String> {
        let form = parse_form(std::str::from_utf8(&asked.body).map_err(told)?);
        let login = self.login.lock().unwrap();
        let challenge = BASE64URL_NOPAD.encode(Digest::of(one(&form, "code_verifier").as_bytes()).as_bytes());
        if one(&form, "code") != "c0de" || challenge != one(&login, "code_challenge") {
            return Ok(Reply::json(&json!({"error": "invalid_grant"})));
        }
        let mut claims = claims(url, one(&form, "client_id"));
        claims["nonce"] = one(&login, "nonce").into();
        self.told.lock().unwrap()(&mut claims);
        Ok(Reply::json(&json!({"id_token": self.provider.token(&claims), "token_type": "Bearer"})))
    }
}

fn one<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// What a browser sends, with the few escapes that it needs here.
fn parse_form(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace('+', " ");
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
