//! By what an entry is found again: all that its body tells of who signed what.

use model::{Instant, KeyId};
use pki::Certificate;
use pki::token::CertificateNames;

use super::{Body, RekorError, Verifier};

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
        let terms = Terms::of(&self.verifier, self.digest.clone());
        terms.expect("a body is only made with a key that can be read")
    }
}

impl Terms {
    /// What a signer and the digest of what was signed tell.
    pub fn of(verifier: &Verifier, digest: Vec<u8>) -> Result<Self, RekorError> {
        let key = verifier.key()?.id();
        Ok(match verifier {
            Verifier::PublicKey(_) => Self { identity: None, issuer: None, digest, key, validity: None },
            Verifier::Certificate(certificate) => {
                let (identity, issuer) = names(certificate);
                let validity = Some((certificate.not_before(), certificate.not_after()));
                Self { identity: Some(identity), issuer, digest, key, validity }
            }
        })
    }
}

fn names(certificate: &Certificate) -> (String, Option<String>) {
    match CertificateNames::of(certificate) {
        Ok(names) => (names.subject.text().to_owned(), Some(names.issuer)),
        Err(_) => (certificate.subject_text(), None),
    }
}
