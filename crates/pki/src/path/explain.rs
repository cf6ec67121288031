//! Why there is no path, in our words. A feature that is not supported is named, and not taken for a fault of the path.

use der::Decode;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;

use super::{PathError, Search};
use crate::issuer::{IssuerFault, Issuers};
use crate::{Certificate, UsageFault};

/// Name constraints (RFC 5280 §4.2.1.10).
const NAME_CONSTRAINTS: &str = "2.5.29.30";

/// What is said where a list does not hold with the key of whoever issued the certificate.
const OTHER_SIGNER: &str = "the list is not signed with the key that issued it";

/// What is not looked at: constraints of directory names, mail addresses and URIs.
const OTHER_NAMES: &str = "constraints of names which are neither hosts nor addresses";

/// What is counted as an authority more.
const RENEWED: &str = "an authority that certified itself once more";

impl Search<'_> {
    /// Says why there is no path. Where an issuer was refused before the search, that is why.
    pub(super) fn explain(&self, error: webpki::Error) -> PathError {
        use webpki::Error as E;
        let subject = self.leaf.subject_text();
        if let Some(why) = unknown_revocation(&error) {
            return PathError::RevocationUnknown { subject, why };
        }
        let cannot_check = |subject, what| PathError::CannotCheck { subject, what };
        match error {
            E::UnknownIssuer => self.untrusted(),
            E::InvalidSignatureForPublicKey => self.bad_signature(),
            E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) | E::SignatureAlgorithmMismatch => {
                PathError::BadSignature { subject }
            }
            E::UnsupportedSignatureAlgorithmContext(_) => cannot_check(subject, "a signature algorithm"),
            E::UnsupportedCriticalExtension => cannot_check(subject, "a critical extension"),
            E::CertRevoked => PathError::Revoked { subject },
            E::CaUsedAsEndEntity => {
                PathError::WrongUsage { subject, usage: self.usage, source: UsageFault::Authority }
            }
            E::PathLenConstraintViolated if self.authorities().any(|one| self.is_renewed(one)) => {
                cannot_check(subject, RENEWED)
            }
            E::PathLenConstraintViolated => {
                PathError::WrongIssuer { subject, source: IssuerFault::PathLength }
            }
            E::NameConstraintViolation if self.authorities().any(constrains_other_names) => {
                cannot_check(subject, OTHER_NAMES)
            }
            E::NameConstraintViolation => {
                PathError::WrongIssuer { subject, source: IssuerFault::NameConstraint }
            }
            _ => PathError::Malformed { subject },
        }
    }

    /// Of all signatures that it tried, whether of certificates or of lists, the search tells one. Where there is a path
    /// of good ones, that one is not what is in the way.
    fn bad_signature(&self) -> PathError {
        let subject = self.leaf.subject_text();
        let Some(signed) = self.signed() else { return PathError::BadSignature { subject } };
        let only = |lists| {
            let issuers = Issuers { intermediates: signed.clone(), ..self.issuers.clone() };
            Search { issuers, lists, ..*self }
        };
        match only(None).run() {
            // Two authorities of one name: the search tells of the one that it need not have tried.
            Err(webpki::Error::InvalidSignatureForPublicKey) => {
                let is_renewed = |one: &Certificate| self.is_renewed(one);
                let what = match () {
                    () if self.authorities().any(constrains_other_names) => OTHER_NAMES,
                    () if self.authorities().any(is_renewed) => RENEWED,
                    () => "several authorities of one name",
                };
                PathError::CannotCheck { subject, what }
            }
            Err(error) => only(None).explain(error),
            Ok(_) => match only(self.lists).run() {
                Err(error) if unknown_revocation(&error).is_some() => only(self.lists).explain(error),
                _ => PathError::RevocationUnknown { subject, why: OTHER_SIGNER },
            },
        }
    }

    /// The certificates between the leaf and a root, each of which signed the one before.
    fn signed(&self) -> Option<Vec<&Certificate>> {
        let (mut signed, mut last) = (Vec::new(), self.leaf);
        while !self.issuers.roots.iter().any(|root| last.verify_signature_by(root).is_ok()) {
            let mut above = self.issuers.intermediates.iter();
            last = above.find(|one| !signed.contains(*one) && last.verify_signature_by(one).is_ok())?;
            signed.push(last);
        }
        Some(signed)
    }

    /// Such certificates do not count as authorities on a path, and `webpki` counts them.
    fn is_renewed(&self, authority: &Certificate) -> bool {
        authority.is_self_issued() && !self.issuers.roots.contains(&authority)
    }

    fn untrusted(&self) -> PathError {
        let subject = self.leaf.subject_text();
        if let Some(refusal) = self.issuers.refusal(self.leaf) {
            return refusal.clone();
        }
        let issued = || self.issuers.intermediates.iter().copied().chain([self.leaf]);
        let is_respelt = |above: &Certificate| {
            let folded = fold(&above.subject_text());
            issued().any(|one| one.issuer_der() != above.subject_der() && fold(&one.issuer_text()) == folded)
        };
        if self.authorities().any(is_respelt) {
            return PathError::CannotCheck { subject, what: "one name in two spellings" };
        }
        PathError::UntrustedIssuer { subject, issuer: self.leaf.issuer_text() }
    }

    fn authorities(&self) -> impl Iterator<Item = &Certificate> {
        self.issuers.intermediates.iter().chain(&self.issuers.roots).copied()
    }
}

/// Why a list does not say whether a certificate was revoked.
const fn unknown_revocation(error: &webpki::Error) -> Option<&'static str> {
    use webpki::Error as E;
    Some(match error {
        E::UnknownRevocationStatus => "there is no list of its issuer for it that avouch reads",
        E::CrlExpired { .. } => "the list of its issuer is out of date",
        E::IssuerNotCrlSigner => "the key usage of its issuer does not name revocation lists",
        E::InvalidCrlSignatureForPublicKey
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => OTHER_SIGNER,
        _ => return None,
    })
}

/// Does an authority constrain names of kinds that are not looked at?
fn constrains_other_names(authority: &Certificate) -> bool {
    let Some(value) = authority.extension(NAME_CONSTRAINTS) else { return false };
    let Ok(NameConstraints { permitted_subtrees, excluded_subtrees }) = NameConstraints::from_der(value)
    else {
        return true;
    };
    let mut subtrees = permitted_subtrees.iter().chain(&excluded_subtrees).flatten();
    subtrees.any(|subtree| !matches!(subtree.base, GeneralName::DnsName(_) | GeneralName::IpAddress(_)))
}

/// A name as people compare it (RFC 5280 §7.1, roughly): enough to say that it may be the same.
fn fold(name: &str) -> String {
    let words = name.replace('\\', " ").replace(',', " , ").replace('=', " = ").to_lowercase();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
