//! What a certificate authority for holders of ID tokens is brought: tokens, keys of issuers, certificate requests, and
//! the JSON around them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use envelope::fulcio::{AskedCertificate, AskedProof, Version};
use model::{Algorithm, PublicKey};
use pki::algorithm::signature_identifier;
use pki::token::{
    IdToken, IssuerKey, IssuerKind, Provider, TokenIssuer, Trust, Verification, Verified, parse_jwks,
};
use pki::{Possessed, check_strength};

use crate::Reading::{self, Refused, Taken};
use crate::known::{KEYS, THEN};

const URL: &str = "https://issuer.example.test";

/// The longest name that is made of a token: its claims, and what the record of the issuer adds.
const NAME_BYTES_MAX: usize = 2 * model::limits::ID_TOKEN_BYTES_MAX;

static ISSUER_KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[2; 32]).expect("32 bytes are a seed"));

/// Issuers of every kind, all with one key.
static ISSUERS: LazyLock<Vec<TokenIssuer>> = LazyLock::new(|| {
    let domain = "example.test".to_owned();
    let mut kinds = vec![
        IssuerKind::Email { verification: Verification::Required },
        IssuerKind::Username { domain: domain.clone() },
        IssuerKind::Uri { domain: format!("https://{domain}") },
        IssuerKind::Spiffe { trust_domain: domain },
        IssuerKind::Kubernetes,
    ];
    kinds.extend(
        Provider::ALL.iter().map(|provider| IssuerKind::Workflow(provider.workflow(provider.home()))),
    );
    let key = IssuerKey { key: Some("k".to_owned()), public_key: public_key() };
    let of = |kind| TokenIssuer {
        version: 1,
        url: URL.to_owned(),
        audience: "sigstore".to_owned(),
        kind,
        issuer_claim: None,
        keys: vec![key.clone()],
    };
    kinds.into_iter().map(of).collect()
});

/// Every token that the issuers signed, by what it is about.
pub static TOKENS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let (from, to) = (THEN.seconds() - 10, THEN.seconds() + 290);
    let about = |more: &str| format!(r#"{{"iss":"{URL}","aud":"sigstore","iat":{from},"exp":{to},{more}}}"#);
    [
        ("email", r#""sub":"1","email":"ada@example.test","email_verified":true"#),
        ("uri", r#""sub":"https://example.test/ada""#),
        ("spiffe", r#""sub":"spiffe://example.test/ada""#),
        ("username", r#""sub":"ada""#),
        (
            "kubernetes",
            r#""sub":"system:serviceaccount:a:b","kubernetes.io":{"namespace":"a","serviceaccount":{"name":"b"}}"#,
        ),
        (
            "workflow",
            r#""sub":"repo:a/b:ref:refs/heads/main","job_workflow_ref":"a/b/.github/workflows/c.yml@refs/heads/main","repository":"a/b","ref":"refs/heads/main","event_name":"push","workflow":"c","sha":"d""#,
        ),
    ]
    .into_iter()
    .map(|(name, more)| (name, signed(&about(more))))
    .collect()
});

fn public_key() -> PublicKey {
    let raw = ISSUER_KEY.public_key().as_ref().try_into().expect("an Ed25519 key has 32 bytes");
    PublicKey::from_ed25519(&raw)
}

fn signed(claims: &str) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let signed = format!("{}.{}", part(r#"{"alg":"EdDSA","kid":"k"}"#), part(claims));
    let signature = BASE64URL_NOPAD.encode(ISSUER_KEY.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

/// The issuers' keys, as they would publish them.
pub fn jwks() -> String {
    let x = BASE64URL_NOPAD.encode(ISSUER_KEY.public_key().as_ref());
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","use":"sig","x":"{x}"}}]}}"#)
}

/// A certificate request of the issuers' key (RFC 2986).
pub fn request() -> Vec<u8> {
    let sequence = |parts: &[&[u8]]| {
        let contents = parts.concat();
        let length = u8::try_from(contents.len()).expect("a small request");
        let header = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
        [header, contents].concat()
    };
    // Version 0, no name, the key, no attributes.
    let info = sequence(&[&[2, 1, 0], &[0x30, 0], public_key().spki(), &[0xa0, 0]]);
    let signature = ISSUER_KEY.sign(&info);
    let bits = [&[3, 65, 0][..], signature.as_ref()].concat();
    sequence(&[&info, signature_identifier(Algorithm::Ed25519), &bits])
}

/// A token: only what the issuers signed is believed, and then it names somebody in bounds.
pub fn token(bytes: &[u8]) -> Reading {
    let Ok(token) = IdToken::parse(bytes) else { return Refused };
    let _ = (token.issuer(), token.key(), token.unverified());
    let mut reading = Refused;
    for issuer in ISSUERS.iter() {
        if let Ok(verified) = issuer.verify(&token, Trust::Keys(&issuer.keys), THEN) {
            assert!(is_known(bytes), "no issuer signed this token");
            assert!(verified.expires() > THEN);
            reading = names(&verified).or(reading);
        }
        // Whatever the server would vouch for: the names are made of it without a panic.
        if let Ok(verified) = issuer.verify(&token, Trust::Word, THEN) {
            names(&verified);
        }
    }
    reading
}

fn is_known(token: &[u8]) -> bool {
    let signed = |token: &[u8]| token.iter().rposition(|byte| *byte == b'.').map(|at| token[..at].to_vec());
    TOKENS.values().any(|known| signed(known.as_bytes()) == signed(token))
}

fn names(verified: &Verified<'_>) -> Reading {
    let names = verified.names();
    if let Ok(names) = &names {
        assert!(!names.subject.text().is_empty() && names.subject.text().len() <= NAME_BYTES_MAX);
        assert!(!names.issuer.is_empty());
    }
    Reading::of(&names)
}

/// The keys of an issuer: each is one that is verified with.
pub fn issuer_keys(bytes: &[u8]) -> Reading {
    let Ok(keys) = parse_jwks(bytes) else { return Refused };
    assert_ne!(keys.len(), 0, "a set that is taken has a key");
    for key in &keys {
        assert_eq!(PublicKey::from_spki(key.public_key.spki()).as_ref(), Ok(&key.public_key));
        let _ = check_strength(&key.public_key);
    }
    Taken
}

/// A certificate request: nobody proves to have a key of somebody else's.
pub fn certificate_request(bytes: &[u8]) -> Reading {
    let Ok(possessed) = Possessed::by_request(bytes) else { return Refused };
    let key = possessed.key();
    assert!(!KEYS.contains(key), "nobody has the private half of {key:?}");
    assert!(bytes.windows(key.spki().len()).any(|part| part == key.spki()), "the key stands in the request");
    let _ = check_strength(key);
    Taken
}

/// The JSON in which a certificate is asked for, in either version: what is decoded is not longer than it was.
pub fn certificate_asked(bytes: &[u8]) -> Reading {
    let mut reading = Refused;
    for version in [Version::V1, Version::V2] {
        let Ok(AskedCertificate { token, proof }) = AskedCertificate::parse(bytes, version) else { continue };
        assert!(token.is_none_or(|token| !token.is_empty() && token.len() <= bytes.len()));
        let length = match proof {
            AskedProof::Request(request) => {
                let _ = Possessed::by_request(&request);
                request.len()
            }
            AskedProof::Challenge { key, signature } => key.len() + signature.len(),
        };
        assert!(length <= bytes.len());
        reading = Taken;
    }
    reading
}
