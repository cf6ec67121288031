//! What both ways of logging in share: the proof key (RFC 7636), the call for a token (RFC 6749 §4.1.3), and that the
//! token which comes back is the one that was asked for.

use data_encoding::BASE64URL_NOPAD;
use identity::oidc::{Address, Discovered, Fetcher};
use model::Digest;
use pki::token::{IdToken, IssuerKind, TokenIssuer, Trust};
use serde::Deserialize;

use crate::failure::Failure;

/// Somebody who logs in.
pub(super) struct Login<'a> {
    pub(super) fetcher: &'a Fetcher,
    /// Where.
    pub(super) issuer: &'a str,
    /// As which client.
    pub(super) client: &'a str,
}

/// What only this very login knows.
pub(super) struct Secrets {
    /// Comes back with the code, so that nobody slips another's code in.
    pub(super) state: String,
    /// Comes back in the token, so that nobody slips another's token in.
    pub(super) nonce: String,
    /// Turns the code into a token; whoever sees the code alone cannot.
    pub(super) verifier: String,
}

/// What a token endpoint answers with.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Token {
        id_token: String,
    },
    Error {
        error: String,
        #[serde(default)]
        error_description: String,
    },
}

impl Secrets {
    pub(super) fn new() -> Self {
        let random = || BASE64URL_NOPAD.encode(&crate::random::bytes::<32>());
        Self { state: random(), nonce: random(), verifier: random() }
    }

    /// What the issuer holds the verifier to (`S256`).
    pub(super) fn challenge(&self) -> String {
        BASE64URL_NOPAD.encode(Digest::of(self.verifier.as_bytes()).as_bytes())
    }
}

impl Login<'_> {
    pub(super) fn discover(&self) -> Result<Discovered, Failure> {
        crate::online::call(self.fetcher.discover(self.issuer))
    }

    /// Asks for a token, once.
    pub(super) fn ask(&self, at: &Address, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let (_status, body) = crate::online::call(self.fetcher.post(at, form))?;
        serde_json::from_slice(&body).map_err(Failure::input("the issuer's answer", "an answer to a login"))
    }

    /// The token, if it is this login's: the issuer's by its own keys, for this client, with this nonce.
    pub(super) fn check(&self, text: String, nonce: Nonce<'_>) -> Result<String, Failure> {
        const EXPECTED: &str = "the token of this login";
        let token =
            IdToken::parse(text.as_bytes()).map_err(Failure::input("the issuer's answer", EXPECTED))?;
        let keys = crate::online::call(self.fetcher.keys(self.issuer))?;
        let record = TokenIssuer {
            version: 1,
            url: self.issuer.to_owned(),
            audience: self.client.to_owned(),
            kind: IssuerKind::Kubernetes,
            issuer_claim: None,
            keys: Vec::new(),
        };
        let verified = record
            .verify(&token, Trust::Keys(&keys), crate::clock::now())
            .map_err(Failure::input("the issuer's answer", EXPECTED))?;
        let is_ours = match (verified.claims().text("nonce"), nonce) {
            (Some(found), Nonce::Due(own) | Nonce::Offered(own)) => found == own,
            (None, Nonce::Due(_)) => false,
            (None, Nonce::Offered(_)) => true,
        };
        if !is_ours {
            return Err(Failure::input("the issuer's answer", EXPECTED)("it is of another login (`nonce`)"));
        }
        Ok(text)
    }
}

/// What a token should have from this login.
#[derive(Debug, Clone, Copy)]
pub(super) enum Nonce<'a> {
    /// This, because a browser carried the code here.
    Due(&'a str),
    /// This or nothing: the flow for devices has no place for it (RFC 8628), and no browser carries anything here.
    Offered(&'a str),
}

/// A refusal, in the issuer's words.
pub(super) fn refused(error: &str, description: &str) -> Failure {
    let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(256).collect::<String>();
    let fault = format!("gave no ID token: {} {}", shown(error), shown(description));
    Failure::Process { process: "the issuer", fault: fault.trim_end().to_owned() }
}

/// A query, encoded (`application/x-www-form-urlencoded`).
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut all, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    all.push(char::from(byte))
                }
                _ => all.push_str(&format!("%{byte:02X}")),
            }
            all
        })
    };
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// The pairs of a query.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((first, after)) = rest.split_first() {
            let hex = after.get(..2).and_then(|hex| data_encoding::HEXUPPER_PERMISSIVE.decode(hex).ok());
            match (first, hex) {
                (b'%', Some(byte)) => {
                    bytes.extend(byte);
                    rest = after.get(2..).unwrap_or_default();
                }
                (b'+', _) => {
                    bytes.push(b' ');
                    rest = after;
                }
                (byte, _) => {
                    bytes.push(*byte);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|one| !one.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_back_as_it_was_written() {
        let written = [("redirect_uri", "http://localhost:1/a b"), ("scope", "openid email"), ("x", "%+&=")];
        let read = pairs(&query(&written));
        let read: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, written);
        assert_eq!(
            pairs("a=%zz&b=%4"),
            [("a".to_owned(), "%zz".to_owned()), ("b".to_owned(), "%4".to_owned())]
        );
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_of_a_verifier_is_the_specifications_own() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let secrets = Secrets { state: String::new(), nonce: String::new(), verifier };
        assert_eq!(secrets.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
