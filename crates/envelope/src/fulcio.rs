//! What clients ask a certificate authority of Sigstore for (Fulcio's API, versions 1 and 2), in their JSON. What they
//! name besides, and nobody needs, is not looked at.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;

const PUBLIC_KEY: &str = "PUBLIC KEY";
const REQUESTS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// The version of the API in which somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `POST /api/v1/signingCert`.
    V1,
    /// `POST /api/v2/signingCert`.
    V2,
}

/// A certificate that somebody asks for. Nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedCertificate {
    /// The ID token, where it stands in the body and not in the header.
    pub token: Option<String>,
    /// By what whoever asks would prove that the key is theirs.
    pub proof: AskedProof,
}

/// By what somebody would prove that they have a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedProof {
    /// A certificate request (PKCS #10), in DER.
    Request(Vec<u8>),
    /// A signature over a name in the token.
    Challenge {
        /// The SubjectPublicKeyInfo.
        key: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
    },
}

/// Why a body asks for no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskedError {
    /// Not the JSON of this version.
    #[error("not the JSON in which a certificate is asked for")]
    Json(#[from] serde_json::Error),
    /// Nothing that could be proven, or two things.
    #[error("ask with exactly one of `publicKeyRequest` and `certificateSigningRequest`")]
    NotOneProof,
    /// A request that cannot be decoded.
    #[error("`certificateSigningRequest` is not the base64 of a request in PEM")]
    Request,
    /// A key that cannot be decoded.
    #[error("the key is neither PEM (`PUBLIC KEY`) nor the base64 of its DER")]
    Key,
    /// A signature that cannot be decoded.
    #[error("the proof of possession is not the base64 of a signature")]
    Signature,
}

/// The body of version 2.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(default, alias = "public_key_request")]
    public_key_request: Option<PublicKeyRequest>,
    #[serde(default, alias = "certificate_signing_request")]
    certificate_signing_request: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    #[serde(default, alias = "oidc_identity_token")]
    oidc_identity_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    #[serde(alias = "public_key")]
    public_key: Key,
    #[serde(alias = "proof_of_possession")]
    proof_of_possession: String,
}

/// A key. What it says of its algorithm is not looked at: the key itself says it.
#[derive(Deserialize)]
struct Key {
    content: String,
}

/// The body of version 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedBefore {
    #[serde(default)]
    public_key: Option<Key>,
    #[serde(default)]
    signed_email_address: Option<String>,
    #[serde(default)]
    certificate_signing_request: Option<String>,
}

impl AskedCertificate {
    /// Reads the body of a request.
    pub fn parse(json: &[u8], version: Version) -> Result<Self, AskedError> {
        let (token, request, by_key) = match version {
            Version::V1 => {
                let asked: AskedBefore = serde_json::from_slice(json)?;
                let by_key = asked.public_key.zip(asked.signed_email_address);
                (None, asked.certificate_signing_request, by_key)
            }
            Version::V2 => {
                let asked: Asked = serde_json::from_slice(json)?;
                let by_key = asked.public_key_request.map(|one| (one.public_key, one.proof_of_possession));
                let token = asked.credentials.and_then(|credentials| credentials.oidc_identity_token);
                (token, asked.certificate_signing_request, by_key)
            }
        };
        let token = token.filter(|token| !token.is_empty());
        Ok(Self { token, proof: proof(request.filter(|text| !text.is_empty()), by_key)? })
    }
}

fn proof(request: Option<String>, by_key: Option<(Key, String)>) -> Result<AskedProof, AskedError> {
    match (request, by_key) {
        (Some(request), None) => der(&request, &REQUESTS).map(AskedProof::Request).ok_or(AskedError::Request),
        (None, Some((key, signature))) => Ok(AskedProof::Challenge {
            key: der(&key.content, &[PUBLIC_KEY]).ok_or(AskedError::Key)?,
            signature: base64(&signature).ok_or(AskedError::Signature)?,
        }),
        _ => Err(AskedError::NotOneProof),
    }
}

/// DER, of PEM or base64, or of PEM in base64: clients write all three.
fn der(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    if let Some(der) = pem(text, labels) {
        return Some(der);
    }
    let bytes = base64(text)?;
    let inside = std::str::from_utf8(&bytes).ok().filter(|text| text.trim_start().starts_with("-----"));
    match inside {
        Some(text) => pem(text, labels),
        None => Some(bytes),
    }
}

fn pem(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    labels.iter().find_map(|label| pki::pem_block(text, label))
}

/// Bytes, as protobuf's JSON takes them: in either alphabet, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let plain: String = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    BASE64.decode(text.as_bytes()).or_else(|_| BASE64URL_NOPAD.decode(plain.as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]
    use super::*;

    fn asked(json: &str) -> Result<AskedCertificate, AskedError> {
        AskedCertificate::parse(json.as_bytes(), Version::V2)
    }

    fn challenge() -> AskedProof {
        AskedProof::Challenge { key: b"key".to_vec(), signature: b"signature".to_vec() }
    }

    #[test]
    fn certificates_are_asked_for_in_either_spelling_and_version() {
        let camel = r#"{"publicKeyRequest":{"publicKey":{"algorithm":"ECDSA","content":"a2V5"},"proofOfPossession":"c2lnbmF0dXJl"}}"#;
        assert_eq!(asked(camel).unwrap(), AskedCertificate { token: None, proof: challenge() });
        let snake = r#"{"credentials":{"oidc_identity_token":"body"},"public_key_request":{"public_key":{"content":"a2V5"},"proof_of_possession":"c2lnbmF0dXJl"}}"#;
        let token = Some("body".to_owned());
        assert_eq!(asked(snake).unwrap(), AskedCertificate { token, proof: challenge() });
        let before = r#"{"publicKey":{"content":"a2V5"},"signedEmailAddress":"c2lnbmF0dXJl"}"#;
        let before = AskedCertificate::parse(before.as_bytes(), Version::V1).unwrap();
        assert_eq!(before, AskedCertificate { token: None, proof: challenge() });
    }

    #[test]
    fn a_request_is_pem_in_base64_and_a_key_pem_or_der_in_base64() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\na2V5\n-----END {label}-----\n");
        for label in REQUESTS {
            let json =
                format!(r#"{{"certificateSigningRequest":"{}"}}"#, BASE64.encode(pem(label).as_bytes()));
            assert_eq!(asked(&json).unwrap().proof, AskedProof::Request(b"key".to_vec()));
        }
        for text in [pem(PUBLIC_KEY), BASE64.encode(pem(PUBLIC_KEY).as_bytes()), "a2V5".to_owned()] {
            assert_eq!(der(&text, &[PUBLIC_KEY]).unwrap(), b"key", "{text}");
        }
        assert_eq!(der(&pem("CERTIFICATE"), &[PUBLIC_KEY]), None);
    }

    #[test]
    fn what_proves_nothing_or_two_things_is_refused_with_what_to_bring() {
        let key = r#""publicKeyRequest":{"publicKey":{"content":"a2V5"},"proofOfPossession":"c2ln"}"#;
        let request = r#""certificateSigningRequest":"a2V5""#;
        for (json, said) in [
            ("{}".to_owned(), "exactly one of"),
            (format!("{{{key},{request}}}"), "exactly one of"),
            (r#"{"certificateSigningRequest":"%"}"#.to_owned(), "the base64 of a request"),
        ] {
            assert!(asked(&json).unwrap_err().to_string().contains(said), "{json}");
        }
    }

    #[test]
    fn bytes_are_read_in_both_alphabets_padded_or_not() {
        for text in ["-_8=", "+/8=", "-_8", "+/8"] {
            assert_eq!(base64(text).unwrap(), [0xfb, 0xff], "{text}");
        }
        assert_eq!(base64("a b"), None);
    }
}
