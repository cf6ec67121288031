//! What clients ask for, in their JSON. What it names besides, and we do not need, is not looked at.

use api::Code;
use authority::{Claim, Proof};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;

use crate::problem::Refusal;

const PUBLIC_KEY: &str = "PUBLIC KEY";
const REQUESTS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// A claim of version 2.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
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

/// A claim of version 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AskedBefore {
    #[serde(default)]
    public_key: Option<Key>,
    #[serde(default)]
    signed_email_address: Option<String>,
    #[serde(default)]
    certificate_signing_request: Option<String>,
}

impl Asked {
    /// The claim, with the token of the body or else of the header.
    pub(super) fn claim(self, bearer: Option<&str>) -> Result<Claim, Refusal> {
        let own = self.credentials.and_then(|credentials| credentials.oidc_identity_token);
        let by_key = self.public_key_request.map(|asked| (asked.public_key, asked.proof_of_possession));
        claim(own.as_deref().or(bearer), self.certificate_signing_request, by_key)
    }
}

impl AskedBefore {
    /// The claim, with the token of the header.
    pub(super) fn claim(self, bearer: Option<&str>) -> Result<Claim, Refusal> {
        let by_key = self.public_key.zip(self.signed_email_address);
        claim(bearer, self.certificate_signing_request, by_key)
    }
}

fn claim(
    token: Option<&str>,
    request: Option<String>,
    by_key: Option<(Key, String)>,
) -> Result<Claim, Refusal> {
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| {
        bad("there is no ID token: bring one as `Authorization: Bearer …`, or as `credentials.oidcIdentityToken`")
    })?;
    let proof = match (request.filter(|text| !text.is_empty()), by_key) {
        (Some(request), None) => {
            let der = der(&request, &REQUESTS);
            Proof::Request(
                der.ok_or_else(|| bad("`certificateSigningRequest` is not the base64 of a request in PEM"))?,
            )
        }
        (None, Some((key, signature))) => Proof::Challenge {
            key: der(&key.content, &[PUBLIC_KEY])
                .ok_or_else(|| bad("the key is neither PEM (`PUBLIC KEY`) nor the base64 of its DER"))?,
            signature: base64(&signature)
                .ok_or_else(|| bad("the proof of possession is not the base64 of a signature"))?,
        },
        _ => {
            return Err(bad("ask with exactly one of `publicKeyRequest` and `certificateSigningRequest`"));
        }
    };
    Ok(Claim { token: token.as_bytes().to_vec(), proof })
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

fn bad(detail: &str) -> Refusal {
    Refusal::new(Code::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]
    use super::*;

    fn asked(json: &str) -> Result<Claim, Refusal> {
        serde_json::from_str::<Asked>(json).unwrap().claim(Some("header"))
    }

    #[test]
    fn claims_are_read_in_either_spelling_and_the_token_of_the_body_goes_before_that_of_the_header() {
        let challenge = Proof::Challenge { key: b"key".to_vec(), signature: b"signature".to_vec() };
        let camel = r#"{"publicKeyRequest":{"publicKey":{"algorithm":"ECDSA","content":"a2V5"},"proofOfPossession":"c2lnbmF0dXJl"}}"#;
        let claim = asked(camel).unwrap();
        assert_eq!((claim.token.as_slice(), &claim.proof), (&b"header"[..], &challenge));
        let snake = r#"{"credentials":{"oidc_identity_token":"body"},"public_key_request":{"public_key":{"content":"a2V5"},"proof_of_possession":"c2lnbmF0dXJl"}}"#;
        let claim = asked(snake).unwrap();
        assert_eq!((claim.token.as_slice(), &claim.proof), (&b"body"[..], &challenge));
    }

    #[test]
    fn a_request_is_pem_in_base64_and_a_key_pem_or_der_in_base64() {
        let pem = |label: &str| format!("-----BEGIN {label}-----\na2V5\n-----END {label}-----\n");
        for label in REQUESTS {
            let json =
                format!(r#"{{"certificateSigningRequest":"{}"}}"#, BASE64.encode(pem(label).as_bytes()));
            assert_eq!(asked(&json).unwrap().proof, Proof::Request(b"key".to_vec()));
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
        for json in [
            "{}".to_owned(),
            format!("{{{key},{request}}}"),
            r#"{"certificateSigningRequest":"%"}"#.to_owned(),
        ] {
            assert!(asked(&json).is_err(), "{json}");
        }
        let none = serde_json::from_str::<Asked>(&format!("{{{key}}}")).unwrap().claim(None);
        assert!(none.unwrap_err().problem.detail.contains("Authorization: Bearer"));
    }

    #[test]
    fn bytes_are_read_in_both_alphabets_padded_or_not() {
        for text in ["-_8=", "+/8=", "-_8", "+/8"] {
            assert_eq!(base64(text).unwrap(), [0xfb, 0xff], "{text}");
        }
        assert_eq!(base64("a b"), None);
    }
}
