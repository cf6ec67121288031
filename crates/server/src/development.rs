//! An issuer of ID tokens for development: whoever asks for a token in anybody's name gets it.
//!
//! It answers on loopback alone, on the monitor's listener, and does not start on a platform that several people govern.
//! Its tokens count only where an administrator has put its key into the registry, as any issuer's. Nothing that matters
//! believes them: the issuer's URL begins with `http://localhost`, and so does what certificates say.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use model::{Digest, Instant};
use quorum::{Governance, RegistryError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signer::{Signer, SignerError};

/// Its place on the listener.
pub(crate) const PATH: &str = "/development-issuer";

/// The file of its key, in the server's folder.
const KEY_FILE: &str = "development-issuer.pk8";
/// How long a token is good for.
const TOKEN_PERIOD: Duration = Duration::from_secs(300);
/// How long a code is.
const CODE_PERIOD: Duration = Duration::from_secs(60);

/// Is there an issuer for development?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Development {
    /// No.
    #[default]
    Off,
    /// Yes: on loopback, and only where one person governs.
    Issuer,
}

/// The issuer, with its key.
pub(crate) struct DevelopmentIssuer {
    key: EcdsaKeyPair,
    /// Codes are bound with it; it lives as long as the server.
    codes: hmac::Key,
}

/// Why there is no issuer for development.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevelopmentError {
    /// A platform that is no development.
    #[error(
        "the issuer for development gives tokens in anybody's name, and several people govern this platform: take `development_issuer` out of the configuration"
    )]
    Governed,
    /// The key process cannot be asked who governs.
    #[error("the key process does not say who governs this platform")]
    Signer(#[from] SignerError),
    /// What it says does not replay.
    #[error("the registry does not say who governs this platform")]
    Registry(#[from] RegistryError),
    /// Its key cannot be kept.
    #[error("the key of the issuer for development cannot be read or kept")]
    File(#[from] io::Error),
    /// Its key is none.
    #[error("`{KEY_FILE}` in the server's folder is no key: remove it, and a new one is made")]
    Key,
}

/// What somebody wants a token for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// In whose name.
    pub(crate) email: String,
    /// For whom.
    pub(crate) client: String,
    /// What the token repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
}

/// What a code stands for. It is not kept: whoever brings the code brings this, under our authentication.
#[derive(Debug, Serialize, Deserialize)]
struct Code {
    wish: Wish,
    redirect: String,
    challenge: String,
    until: u64,
}

impl DevelopmentIssuer {
    /// Opens it, with the key that it had or a new one, if one person governs the platform.
    pub(crate) fn open(folder: &Path, signer: &dyn Signer) -> Result<Self, DevelopmentError> {
        if signer.state()?.replay()?.governance() != Governance::Solo {
            return Err(DevelopmentError::Governed);
        }
        let path = folder.join(KEY_FILE);
        let pkcs8 = match fs::read(&path) {
            Ok(pkcs8) => pkcs8,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => make(&path)?,
            Err(cause) => return Err(cause.into()),
        };
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let codes = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self {
            key: key.map_err(|_| DevelopmentError::Key)?,
            codes: codes.map_err(|_| DevelopmentError::Key)?,
        })
    }

    /// Its keys, as it publishes them (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        // An uncompressed point: a byte, then both coordinates.
        let point = self.key.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        let (x, y) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id(), "x": x, "y": y}]})
    }

    fn key_id(&self) -> String {
        let digest = Digest::of(self.key.public_key().as_ref());
        BASE64URL_NOPAD.encode(digest.as_bytes().get(..9).unwrap_or_default())
    }

    /// A token in whatever name was wished for. `None` only if the system's randomness fails.
    pub(crate) fn token(&self, issuer: &str, wish: &Wish, now: Instant) -> Option<String> {
        // Two tokens of one second are two: each is for one key.
        let mut number = [0; 16];
        aws_lc_rs::rand::fill(&mut number).ok()?;
        let mut claims = json!({
            "jti": BASE64URL_NOPAD.encode(&number),
            "iss": issuer, "aud": wish.client, "sub": wish.email, "email": wish.email, "email_verified": true,
            "iat": now.seconds(), "exp": now.after(TOKEN_PERIOD).seconds(),
        });
        if let (Some(nonce), Some(claims)) = (&wish.nonce, claims.as_object_mut()) {
            claims.insert("nonce".to_owned(), nonce.clone().into());
        }
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.key_id()});
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref())))
    }

    /// A code that becomes such a token for whoever knows what the challenge is the digest of.
    pub(crate) fn code(&self, wish: Wish, redirect: &str, challenge: &str, now: Instant) -> String {
        let (redirect, challenge) = (redirect.to_owned(), challenge.to_owned());
        let code = Code { wish, redirect, challenge, until: now.after(CODE_PERIOD).seconds() };
        let json = serde_json::to_vec(&code).expect("texts and numbers always encode as JSON");
        let tag = hmac::sign(&self.codes, &json);
        format!("{}.{}", BASE64URL_NOPAD.encode(&json), BASE64URL_NOPAD.encode(tag.as_ref()))
    }

    /// What a code was given for, if all fits: the code is ours and fresh, for this client and redirect, and the verifier
    /// is what the challenge is of (RFC 7636 §4.6).
    pub(crate) fn redeem(
        &self,
        code: &str,
        client: &str,
        redirect: &str,
        verifier: &str,
        now: Instant,
    ) -> Option<Wish> {
        let (json, tag) = code.split_once('.')?;
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let (json, tag) = (decode(json)?, decode(tag)?);
        hmac::verify(&self.codes, &json, &tag).ok()?;
        let code: Code = serde_json::from_slice(&json).ok()?;
        let challenge = BASE64URL_NOPAD.encode(Digest::of(verifier.as_bytes()).as_bytes());
        let fits = code.wish.client == client && code.redirect == redirect && code.challenge == challenge;
        (fits && now.seconds() < code.until).then_some(code.wish)
    }
}

/// Makes a key, and keeps it where only the server's user reads it.
fn make(path: &Path) -> Result<Vec<u8>, DevelopmentError> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let pkcs8 = made.map_err(|_| DevelopmentError::Key)?.as_ref().to_vec();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, &pkcs8)?;
    file.sync_all()?;
    Ok(pkcs8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use pki::token::{IdToken, IssuerKind, TokenIssuer, Trust, Verification, parse_jwks};

    use super::*;

    const URL: &str = "http://localhost:7445/development-issuer";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn issuer() -> DevelopmentIssuer {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let codes = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap();
        DevelopmentIssuer { key, codes }
    }

    fn wish() -> Wish {
        let (email, client) = ("ada@example.com".to_owned(), "sigstore".to_owned());
        Wish { email, client, nonce: Some("n1".to_owned()) }
    }

    #[test]
    fn its_tokens_are_those_of_its_published_key() {
        let (issuer, now) = (issuer(), Instant::from_seconds(1_795_165_602));
        let record = TokenIssuer {
            version: 1,
            url: URL.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: parse_jwks(issuer.jwks().to_string().as_bytes()).unwrap(),
        };
        let token = IdToken::parse(issuer.token(URL, &wish(), now).unwrap().as_bytes()).unwrap();
        let verified = record.verify(&token, Trust::Keys(&record.keys), now).unwrap();
        assert_eq!(verified.names().unwrap().subject.text(), "ada@example.com");
        assert_eq!(verified.claims().text("nonce"), Some("n1"));
        let later = now.after(TOKEN_PERIOD + Duration::from_secs(6));
        assert!(record.verify(&token, Trust::Keys(&record.keys), later).is_err());
    }

    #[test]
    fn a_code_is_redeemed_by_who_began_and_only_for_a_minute() {
        let (issuer, now) = (issuer(), Instant::from_seconds(1_795_165_602));
        let code = issuer.code(wish(), "http://localhost:1/auth/callback", CHALLENGE, now);
        let redeem = |code: &str, client: &str, redirect: &str, verifier: &str, now| {
            issuer.redeem(code, client, redirect, verifier, now).is_some()
        };
        let back = "http://localhost:1/auth/callback";
        assert!(redeem(&code, "sigstore", back, VERIFIER, now));
        assert!(!redeem(&code, "other", back, VERIFIER, now));
        assert!(!redeem(&code, "sigstore", "http://localhost:2/", VERIFIER, now));
        assert!(!redeem(&code, "sigstore", back, "guessed", now));
        assert!(!redeem(&code, "sigstore", back, VERIFIER, now.after(CODE_PERIOD)));
        assert!(!redeem(&code.replacen('e', "f", 1), "sigstore", back, VERIFIER, now));
        assert!(!redeem("", "sigstore", back, VERIFIER, now));
    }
}
