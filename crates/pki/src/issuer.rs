//! Who may stand above a signer in a path: looked at before the search for it, certificate by certificate.

use const_oid::db::rfc5280::{
    ANY_EXTENDED_KEY_USAGE, ID_CE_INHIBIT_ANY_POLICY, ID_CE_POLICY_CONSTRAINTS, ID_CE_POLICY_MAPPINGS,
};
use model::Instant;
use pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{EndEntityCert, aws_lc_rs};
use x509_cert::ext::Extension;

use crate::certificate::OwnSignature;
use crate::path::within_validity;
use crate::{Certificate, PathError, Usage};

/// What a path may be signed with.
pub(crate) const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    aws_lc_rs::ECDSA_P256_SHA256,
    aws_lc_rs::ECDSA_P256_SHA384,
    aws_lc_rs::ECDSA_P384_SHA256,
    aws_lc_rs::ECDSA_P384_SHA384,
    aws_lc_rs::ED25519,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// What keeps a certificate from issuing others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFault {
    /// Not the certificate of an authority.
    #[error("`{issuer}` is no certificate authority")]
    NotAnAuthority {
        /// Whose.
        issuer: String,
    },
    /// A key usage without certificates.
    #[error("the key usage of `{issuer}` does not name the signing of certificates")]
    NoCertificateSigning {
        /// Whose.
        issuer: String,
    },
    /// An extended key usage for something else.
    #[error("the extended key usage of `{issuer}` does not name {usage}")]
    OtherPurpose {
        /// Whose.
        issuer: String,
        /// What is needed.
        usage: Usage,
    },
    /// A root that is not one.
    #[error("`{issuer}` is trusted as a root, and was issued by somebody else")]
    NotARoot {
        /// Whose.
        issuer: String,
    },
    /// More authorities below one than it allows (RFC 5280 §4.2.1.9).
    #[error("an authority on the path allows fewer authorities below it than there are")]
    PathLength,
    /// A name outside of those for which an authority may issue (RFC 5280 §4.2.1.10).
    #[error("a name on the path lies outside of the name constraints above it")]
    NameConstraint,
}

/// The certificates above a signer's that may issue at this time and for this usage, and those that may not.
#[derive(Clone)]
pub(crate) struct Issuers<'a> {
    pub(crate) intermediates: Vec<&'a Certificate>,
    pub(crate) roots: Vec<&'a Certificate>,
    pub(crate) refused: Vec<(&'a Certificate, PathError)>,
}

impl<'a> Issuers<'a> {
    /// Sorts out the certificates that cannot stand above `leaf`, so that they do not hide those that can.
    pub(crate) fn sound(
        leaf: &Certificate,
        intermediates: &'a [Certificate],
        roots: &'a [Certificate],
        at: Instant,
        usage: Usage,
    ) -> Self {
        let mut issuers = Self { intermediates: Vec::new(), roots: Vec::new(), refused: Vec::new() };
        for one in intermediates {
            match check_intermediate(leaf, one, at, usage) {
                Ok(()) => issuers.intermediates.push(one),
                Err(error) => issuers.refused.push((one, error)),
            }
        }
        for one in roots {
            match check_root(leaf, one, at, usage) {
                Ok(()) => issuers.roots.push(one),
                Err(error) => issuers.refused.push((one, error)),
            }
        }
        issuers
    }

    /// Why one was refused that `leaf`, or a certificate above it, names as its issuer.
    pub(crate) fn refusal(&self, leaf: &Certificate) -> Option<&PathError> {
        let is_named = |refused: &Certificate| {
            let mut issued = self.intermediates.iter().copied().chain([leaf]);
            issued.any(|one| one.issuer_der() == refused.subject_der())
        };
        self.refused.iter().find(|(refused, _)| is_named(refused)).map(|(_, error)| error)
    }
}

fn check_intermediate(
    leaf: &Certificate,
    intermediate: &Certificate,
    at: Instant,
    usage: Usage,
) -> Result<(), PathError> {
    within_validity(intermediate, at)?;
    check_known(leaf, intermediate)?;
    may_issue(intermediate, usage)
        .map_err(|source| PathError::WrongIssuer { subject: leaf.subject_text(), source })
}

/// A root is held to its own word, like everybody else: it is valid, an authority for this usage, and signed by
/// itself, because a root that was changed on the way is not the one that was trusted.
fn check_root(leaf: &Certificate, root: &Certificate, at: Instant, usage: Usage) -> Result<(), PathError> {
    check_intermediate(leaf, root, at, usage)?;
    let subject = leaf.subject_text();
    if !root.is_self_issued() {
        let source = IssuerFault::NotARoot { issuer: root.subject_text() };
        return Err(PathError::WrongIssuer { subject, source });
    }
    let der = CertificateDer::from(root.der());
    let Ok(itself) = EndEntityCert::try_from(&der) else {
        return Err(PathError::CannotCheck { subject, what: "a critical extension" });
    };
    let identifier = root.signature_algorithm_der();
    let mut known =
        ALGORITHMS.iter().filter(|one| sequence(&one.signature_alg_id()) == identifier).peekable();
    if known.peek().is_none() {
        return Err(PathError::CannotCheck { subject, what: "a signature algorithm" });
    }
    let tbs = root.tbs_der();
    let own = root.own_signature(|| {
        let is_good = known.any(|one| itself.verify_signature(*one, &tbs, root.signature()).is_ok());
        if is_good { OwnSignature::Good } else { OwnSignature::Bad }
    });
    match own {
        OwnSignature::Good => Ok(()),
        OwnSignature::Bad => Err(PathError::BadSignature { subject }),
    }
}

/// INVARIANT: what asks for a certificate policy on the whole path is not overlooked, for policies are not followed here:
/// policy constraints and the inhibition of `anyPolicy` must be critical (RFC 5280 §4.2.1.11 and 14), and are not
/// everywhere. Nor are unique identifiers, which tell apart whoever has one name.
pub(crate) fn check_known(leaf: &Certificate, one: &Certificate) -> Result<(), PathError> {
    let cannot_check = |what| Err(PathError::CannotCheck { subject: leaf.subject_text(), what });
    let mut extensions = one.all_extensions().iter();
    let asks = |extension: &Extension| match extension.extn_id {
        ID_CE_POLICY_CONSTRAINTS | ID_CE_INHIBIT_ANY_POLICY => true,
        // Where nobody asks for a policy it is all the same which one it is.
        ID_CE_POLICY_MAPPINGS => extension.critical,
        _ => false,
    };
    if extensions.any(asks) {
        return cannot_check("policy constraints");
    }
    if one.has_unique_identifiers() {
        return cannot_check("unique identifiers");
    }
    Ok(())
}

/// `webpki` holds AlgorithmIdentifiers without their outermost header; all of them are shorter than 128 bytes.
fn sequence(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    [&[0x30, length], contents].concat()
}

fn may_issue(issuer: &Certificate, usage: Usage) -> Result<(), IssuerFault> {
    let name = || issuer.subject_text();
    if !issuer.is_authority() {
        return Err(IssuerFault::NotAnAuthority { issuer: name() });
    }
    if issuer.extensions().key_usage.is_some_and(|key_usage| !key_usage.key_cert_sign()) {
        return Err(IssuerFault::NoCertificateSigning { issuer: name() });
    }
    match &issuer.extensions().extended_key_usage {
        Some((_, purposes))
            if !purposes.contains(usage.oid()) && !purposes.contains(&ANY_EXTENDED_KEY_USAGE) =>
        {
            Err(IssuerFault::OtherPurpose { issuer: name(), usage })
        }
        _ => Ok(()),
    }
}

/// Holds every authority of a path, the signer's issuer first, to the number of authorities that it allows below
/// itself. `webpki` does so for all but the root.
pub(crate) fn within_path_length(authorities: &[&Certificate]) -> Result<(), IssuerFault> {
    for (place, authority) in authorities.iter().enumerate() {
        // Self-issued certificates do not count (RFC 5280 §4.2.1.9).
        let below = authorities.iter().take(place).filter(|one| !one.is_self_issued()).count();
        let constraints = authority.extensions().basic_constraints.as_ref();
        let most = constraints.and_then(|constraints| constraints.path_len_constraint);
        if most.is_some_and(|most| below > usize::from(most)) {
            return Err(IssuerFault::PathLength);
        }
    }
    Ok(())
}
