//! By what an entry is found again: all that its body tells of who signed what.

use model::{Instant, KeyId};
use pki::Certificate;
use pki::token::CertificateNames;

use super::{Body, Verifier};

/// What a body tells of its signer and of what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The subject of an ID token, as its holder's certificate names it; of another certificate, its subject.
    pub identity: Option<String>,
    /// The issuer of that token.
    pub issuer: Option<String>,
    /// The digest that was logged.
    pub digest: Vec<u8>,
    /// The key that verifies the signature.
    pub key: KeyId,
    /// When the certificate is valid: of a holder's, the minutes in which the signature was made.
    pub validity: Option<(Instant, Instant)>,
}

impl Body {
    /// What the body tells. Nothing of it is verified: a log takes a certificate of anybody.
    pub fn terms(&self) -> Terms {
        let key = self.verifier.key().expect("a body is only made with a key that can be read").id();
        let digest = self.digest.clone();
        match &self.verifier {
            Verifier::PublicKey(_) => Terms { identity: None, issuer: None, digest, key, validity: None },
            Verifier::Certificate(certificate) => {
                let (identity, issuer) = names(certificate);
                let validity = Some((certificate.not_before(), certificate.not_after()));
                Terms { identity: Some(identity), issuer, digest, key, validity }
            }
        }
    }
}

fn names(certificate: &Certificate) -> (String, Option<String>) {
    match CertificateNames::of(certificate) {
        Ok(names) => (names.subject.text().to_owned(), Some(names.issuer)),
        Err(_) => (certificate.subject_text(), None),
    }
}
