//! Path validation (RFC 5280 §6) at a time that the caller names.
//!
//! `webpki` builds the path and checks signatures, validity, constraints and critical extensions. It looks at
//! neither key usage nor the root beyond name and key, and does not know which certificate is the signer's, so that
//! is done here.

use std::time::Duration;

use const_oid::db::rfc5280::ANY_EXTENDED_KEY_USAGE;
use model::Instant;
use pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext, aws_lc_rs,
};

use crate::{Certificate, Usage, UsageFault};

/// Certificates that may stand between a signer's and a root, or beside them.
pub const INTERMEDIATES_MAX: usize = 16;

/// What a path may be signed with.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    aws_lc_rs::ECDSA_P256_SHA256,
    aws_lc_rs::ECDSA_P256_SHA384,
    aws_lc_rs::ECDSA_P384_SHA256,
    aws_lc_rs::ECDSA_P384_SHA384,
    aws_lc_rs::ED25519,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// A path that was verified: from a signer's certificate to a trusted root, for one usage, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPath {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
    root: Certificate,
    usage: Usage,
    at: Instant,
}

impl VerifiedPath {
    /// The signer's certificate.
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates between them, the signer's issuer first.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// The root that it ends in.
    pub const fn root(&self) -> &Certificate {
        &self.root
    }

    /// What it was verified for.
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// The time for which it was verified.
    pub const fn at(&self) -> Instant {
        self.at
    }
}

/// Why there is no valid path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A certificate of the path had ended.
    #[error("the certificate of `{subject}` expired at {not_after}, before {at}")]
    Expired {
        /// Whose.
        subject: String,
        /// Its end.
        not_after: Instant,
        /// The time for which the path was verified.
        at: Instant,
    },
    /// A certificate of the path had not begun.
    #[error("the certificate of `{subject}` is not valid before {not_before}, and it was {at}")]
    NotYetValid {
        /// Whose.
        subject: String,
        /// Its beginning.
        not_before: Instant,
        /// The time for which the path was verified.
        at: Instant,
    },
    /// The signer's certificate is not for this.
    #[error("the certificate of `{subject}` is not one for {usage}")]
    WrongUsage {
        /// Whose.
        subject: String,
        /// What it was verified for.
        usage: Usage,
        /// Why.
        #[source]
        source: UsageFault,
    },
    /// No root that is trusted issued it, nor anybody on behalf of one.
    #[error("no trusted root vouches for the certificate of `{subject}`, which was issued by `{issuer}`")]
    UntrustedIssuer {
        /// Whose certificate.
        subject: String,
        /// Who issued it.
        issuer: String,
    },
    /// A certificate's signature was not made by the issuer that it names.
    #[error("a signature on the path from `{subject}` to its root is bad")]
    BadSignature {
        /// Whose certificate the path begins with.
        subject: String,
    },
    /// A certificate of the path may not issue what it issued.
    #[error("the path from `{subject}` runs over a certificate that may not issue it")]
    WrongIssuer {
        /// Whose certificate the path begins with.
        subject: String,
        /// Why.
        #[source]
        source: IssuerFault,
    },
    /// Something in the path that avouch does not understand and must not overlook.
    #[error("the path from `{subject}` cannot be checked: it has {what} that avouch does not know")]
    CannotCheck {
        /// Whose certificate the path begins with.
        subject: String,
        /// What it is.
        what: &'static str,
    },
    /// A certificate that can be read, and still does not make a path.
    #[error("the path from `{subject}` holds a malformed certificate")]
    Malformed {
        /// Whose certificate the path begins with.
        subject: String,
    },
    /// More certificates than a path can need.
    #[error("{count} intermediate certificates, where at most {INTERMEDIATES_MAX} are looked at")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

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
    /// More authorities below it than it allows.
    #[error("`{issuer}` allows fewer authorities below it than there are")]
    TooDeep {
        /// Whose.
        issuer: String,
    },
    /// A root that is not one.
    #[error("`{issuer}` is trusted as a root, and was issued by somebody else")]
    NotARoot {
        /// Whose.
        issuer: String,
    },
    /// One of the constraints that `webpki` watches over (RFC 5280 §4.2.1.9, §4.2.1.10 and §4.2.1.12).
    #[error("a basic, name or usage constraint on the path is not met")]
    Constraint,
}

/// Finds a path from `leaf` over `intermediates`, in any order, to one of `roots`, and checks it for `usage` as it
/// was at the time `at`.
pub fn verify_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: Instant,
    usage: Usage,
) -> Result<VerifiedPath, PathError> {
    if intermediates.len() > INTERMEDIATES_MAX {
        return Err(PathError::TooMany { count: intermediates.len() });
    }
    within_validity(leaf, at)?;
    leaf.check_usage(usage).map_err(|source| PathError::WrongUsage {
        subject: leaf.subject_text(),
        usage,
        source,
    })?;
    let (roots, refused) = sound_roots(roots, at, usage);
    let search = Search { leaf, intermediates, roots, usage, at };
    let path = search.run().map_err(|error| search.name(error, refused))?;
    path.check_issuers()?;
    Ok(path)
}

/// One search for a path.
struct Search<'a> {
    leaf: &'a Certificate,
    intermediates: &'a [Certificate],
    roots: Vec<&'a Certificate>,
    usage: Usage,
    at: Instant,
}

impl Search<'_> {
    fn run(&self) -> Result<VerifiedPath, webpki::Error> {
        let leaf = CertificateDer::from(self.leaf.der());
        let end_entity = EndEntityCert::try_from(&leaf)?;
        let intermediates: Vec<_> =
            self.intermediates.iter().map(|one| CertificateDer::from(one.der())).collect();
        let roots: Vec<_> = self.roots.iter().map(|root| CertificateDer::from(root.der())).collect();
        let anchors = roots.iter().map(webpki::anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>()?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(self.at.seconds()));
        let purpose = IssuerPurpose(self.usage);
        let found =
            end_entity.verify_for_usage(ALGORITHMS, &anchors, &intermediates, time, purpose, None, None)?;
        let used = |der: &[u8]| self.intermediates.iter().find(|one| one.der() == der).cloned();
        Ok(VerifiedPath {
            leaf: self.leaf.clone(),
            intermediates: found.intermediate_certificates().filter_map(|one| used(&one.der())).collect(),
            root: self.root_of(found.anchor(), &anchors).ok_or(webpki::Error::UnknownIssuer)?,
            usage: self.usage,
            at: self.at,
        })
    }

    /// The certificate behind an anchor.
    fn root_of(&self, anchor: &TrustAnchor<'_>, anchors: &[TrustAnchor<'_>]) -> Option<Certificate> {
        let place = anchors.iter().position(|candidate| candidate == anchor)?;
        self.roots.get(place).map(|root| (*root).clone())
    }

    /// Says in our words why there is no path. Where none was found because the root was refused, that is why.
    fn name(&self, error: webpki::Error, refused: Vec<(&Certificate, PathError)>) -> PathError {
        use webpki::Error as E;
        let subject = self.leaf.subject_text();
        match error {
            E::UnknownIssuer => {
                let mut issued = [self.leaf].into_iter().chain(self.intermediates);
                let named = |root: &Certificate| issued.any(|one| one.issuer_der() == root.subject_der());
                let untrusted = PathError::UntrustedIssuer { subject, issuer: self.leaf.issuer_text() };
                first(refused, named).unwrap_or(untrusted)
            }
            E::CertExpired { .. } | E::CertNotValidYet { .. } => {
                let outside = self.intermediates.iter().find_map(|one| within_validity(one, self.at).err());
                outside.unwrap_or(PathError::Malformed { subject })
            }
            E::InvalidSignatureForPublicKey
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
            | E::SignatureAlgorithmMismatch => PathError::BadSignature { subject },
            E::UnsupportedSignatureAlgorithmContext(_) => {
                PathError::CannotCheck { subject, what: "a signature algorithm" }
            }
            E::UnsupportedCriticalExtension => {
                PathError::CannotCheck { subject, what: "a critical extension" }
            }
            E::RequiredEkuNotFoundContext(_)
            | E::EmptyEkuExtension
            | E::EndEntityUsedAsCa
            | E::PathLenConstraintViolated
            | E::NameConstraintViolation => {
                PathError::WrongIssuer { subject, source: IssuerFault::Constraint }
            }
            _ => PathError::Malformed { subject },
        }
    }
}

fn first(
    refused: Vec<(&Certificate, PathError)>,
    mut named: impl FnMut(&Certificate) -> bool,
) -> Option<PathError> {
    refused.into_iter().find(|(root, _)| named(root)).map(|(_, error)| error)
}

/// Roots that may stand at the end of a path now, and those that may not, with the reason.
fn sound_roots(
    roots: &[Certificate],
    at: Instant,
    usage: Usage,
) -> (Vec<&Certificate>, Vec<(&Certificate, PathError)>) {
    let mut sound = Vec::with_capacity(roots.len());
    let mut refused = Vec::new();
    for root in roots {
        match check_root(root, at, usage) {
            Ok(()) => sound.push(root),
            Err(error) => refused.push((root, error)),
        }
    }
    (sound, refused)
}

/// A root is held to its own word: it is valid, signed by itself, and an authority for this usage.
fn check_root(root: &Certificate, at: Instant, usage: Usage) -> Result<(), PathError> {
    let subject = root.subject_text();
    within_validity(root, at)?;
    may_issue(root, usage).map_err(|source| PathError::WrongIssuer { subject: subject.clone(), source })?;
    if !root.is_self_issued() {
        let source = IssuerFault::NotARoot { issuer: subject.clone() };
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
    if known.any(|one| itself.verify_signature(*one, &tbs, root.signature()).is_ok()) {
        Ok(())
    } else {
        Err(PathError::BadSignature { subject })
    }
}

/// `webpki` holds AlgorithmIdentifiers without their outermost header; all of them are shorter than 128 bytes.
fn sequence(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    [&[0x30, length], contents].concat()
}

impl VerifiedPath {
    /// What `webpki` leaves unchecked of the certificates that issue: key usage, and the root's path length.
    fn check_issuers(&self) -> Result<(), PathError> {
        let refuse = |source| PathError::WrongIssuer { subject: self.leaf.subject_text(), source };
        for (below, issuer) in self.intermediates.iter().chain([&self.root]).enumerate() {
            may_issue(issuer, self.usage).map_err(refuse)?;
            // Self-issued certificates do not count (RFC 5280 §4.2.1.9).
            let authorities =
                self.intermediates.iter().take(below).filter(|one| !one.is_self_issued()).count();
            let limit = issuer.extensions().basic_constraints.as_ref().and_then(|b| b.path_len_constraint);
            if limit.is_some_and(|limit| authorities > usize::from(limit)) {
                return Err(refuse(IssuerFault::TooDeep { issuer: issuer.subject_text() }));
            }
        }
        Ok(())
    }
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

fn within_validity(certificate: &Certificate, at: Instant) -> Result<(), PathError> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if at.whole_second() < not_before {
        return Err(PathError::NotYetValid { subject: certificate.subject_text(), not_before, at });
    }
    if at.whole_second() > not_after {
        return Err(PathError::Expired { subject: certificate.subject_text(), not_after, at });
    }
    Ok(())
}

/// The extended key usage of certificates on the path: this one, any at all, or no extension. `webpki` asks for it of
/// every certificate without saying which is the signer's; that one was held to [`Certificate::check_usage`] before.
struct IssuerPurpose(Usage);

impl ExtendedKeyUsageValidator for IssuerPurpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let any = ANY_EXTENDED_KEY_USAGE;
        let good = [KeyPurposeId::new(self.0.oid().as_bytes()), KeyPurposeId::new(any.as_bytes())];
        let mut present = Vec::new();
        for purpose in purposes {
            let purpose = purpose?;
            if good.contains(&purpose) {
                return Ok(());
            }
            present.push(purpose.to_decoded_oid());
        }
        if present.is_empty() {
            return Ok(());
        }
        let required = KeyUsage::required_if_present(self.0.oid().as_bytes());
        Err(webpki::Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required, present }))
    }
}
