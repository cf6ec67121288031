//! Path validation (RFC 5280 §6) at a time that the caller names.
//!
//! `webpki` builds the path and checks signatures, validity, constraints and critical extensions. It looks at
//! neither key usage nor the root beyond name and key, and does not know which certificate is the signer's, so that
//! is done here and in [`crate::issuer`].

use std::time::Duration;

use model::Instant;
use pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeIdIter, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};

use crate::issuer::{ALGORITHMS, IssuerFault, Issuers, check_known, within_path_length};
use crate::{Certificate, RevocationLists, Usage, UsageFault};

mod explain;
#[cfg(test)]
mod pkits;

/// Certificates that may stand between a signer's and a root, or beside them.
pub const INTERMEDIATES_MAX: usize = 16;

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

    /// The same path as it was at another time. Of all that makes a path, validity alone depends on that; whether any of
    /// its certificates was revoked is not asked, as with [`verify_path`].
    pub fn at_time(&self, at: Instant) -> Result<Self, PathError> {
        let mut all = [&self.leaf].into_iter().chain(&self.intermediates).chain([&self.root]);
        all.try_for_each(|one| within_validity(one, at))?;
        Ok(Self { at, ..self.clone() })
    }
}

/// Why there is no valid path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// A certificate of the path was revoked.
    #[error("a certificate on the path from `{subject}` to its root was revoked")]
    Revoked {
        /// Whose certificate the path begins with.
        subject: String,
    },
    /// Nobody says whether a certificate of the path was revoked.
    #[error("whether a certificate on the path from `{subject}` was revoked cannot be checked: {why}")]
    RevocationUnknown {
        /// Whose certificate the path begins with.
        subject: String,
        /// Why not.
        why: &'static str,
    },
    /// More certificates than a path can need.
    #[error("{count} intermediate certificates, where at most {INTERMEDIATES_MAX} are looked at")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// Finds a path from `leaf` over `intermediates`, in any order, to one of `roots`, and checks it for `usage` as it
/// was at the time `at`. Whether any of them was revoked is not asked: see [`verify_unrevoked_path`].
pub fn verify_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    at: Instant,
    usage: Usage,
) -> Result<VerifiedPath, PathError> {
    verify(leaf, Above { intermediates, roots, lists: None }, at, usage)
}

/// Does the same, and finds every certificate of the path but the root in a revocation list of its issuer that is in
/// force at the time `at`, and not revoked there.
pub fn verify_unrevoked_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    lists: &RevocationLists,
    at: Instant,
    usage: Usage,
) -> Result<VerifiedPath, PathError> {
    verify(leaf, Above { intermediates, roots, lists: Some(lists) }, at, usage)
}

/// What stands above a signer's certificate, and what is said of all of them.
#[derive(Clone, Copy)]
struct Above<'a> {
    intermediates: &'a [Certificate],
    roots: &'a [Certificate],
    /// `None` where nobody asks.
    lists: Option<&'a RevocationLists>,
}

fn verify(
    leaf: &Certificate,
    above: Above<'_>,
    at: Instant,
    usage: Usage,
) -> Result<VerifiedPath, PathError> {
    within_validity(leaf, at)?;
    leaf.check_usage(usage).map_err(|source| PathError::WrongUsage {
        subject: leaf.subject_text(),
        usage,
        source,
    })?;
    find(leaf, above, at, usage)
}

/// Finds the path of a certificate that is valid itself, and for this usage.
fn find(leaf: &Certificate, above: Above<'_>, at: Instant, usage: Usage) -> Result<VerifiedPath, PathError> {
    let Above { intermediates, roots, lists } = above;
    if intermediates.len() > INTERMEDIATES_MAX {
        return Err(PathError::TooMany { count: intermediates.len() });
    }
    check_known(leaf, leaf)?;
    let issuers = Issuers::sound(leaf, intermediates, roots, at, usage);
    let search = Search { leaf, issuers, lists, usage, at };
    let path = search.run().map_err(|error| search.explain(error))?;
    let authorities: Vec<&Certificate> = path.intermediates.iter().chain([&path.root]).collect();
    within_path_length(&authorities)
        .map_err(|source| PathError::WrongIssuer { subject: leaf.subject_text(), source })?;
    Ok(path)
}

/// One search for a path.
struct Search<'a> {
    leaf: &'a Certificate,
    issuers: Issuers<'a>,
    lists: Option<&'a RevocationLists>,
    usage: Usage,
    at: Instant,
}

impl Search<'_> {
    fn run(&self) -> Result<VerifiedPath, webpki::Error> {
        let leaf = CertificateDer::from(self.leaf.der());
        let end_entity = EndEntityCert::try_from(&leaf)?;
        let intermediates = ders(&self.issuers.intermediates);
        let roots = ders(&self.issuers.roots);
        let anchors = roots.iter().map(webpki::anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>()?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(self.at.seconds()));
        let lists = self.lists.map(RevocationLists::all);
        let revocation = lists.as_deref().map(|lists| {
            let asked =
                RevocationOptionsBuilder::new(lists).map_err(|_| webpki::Error::UnknownRevocationStatus)?;
            let asked = asked.with_depth(RevocationCheckDepth::Chain);
            let asked = asked.with_status_policy(UnknownStatusPolicy::Deny);
            Ok(asked.with_expiration_policy(ExpirationPolicy::Enforce).build())
        });
        let found = end_entity.verify_for_usage(
            ALGORITHMS,
            &anchors,
            &intermediates,
            time,
            CheckedBefore,
            revocation.transpose()?,
            None,
        )?;
        let used =
            |der: &[u8]| self.issuers.intermediates.iter().find(|one| one.der() == der).copied().cloned();
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
        self.issuers.roots.get(place).copied().cloned()
    }
}

fn ders<'a>(certificates: &[&'a Certificate]) -> Vec<CertificateDer<'a>> {
    certificates.iter().map(|one| CertificateDer::from(one.der())).collect()
}

pub(crate) fn within_validity(certificate: &Certificate, at: Instant) -> Result<(), PathError> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if at.whole_second() < not_before {
        return Err(PathError::NotYetValid { subject: certificate.subject_text(), not_before, at });
    }
    if at.whole_second() > not_after {
        return Err(PathError::Expired { subject: certificate.subject_text(), not_after, at });
    }
    Ok(())
}

/// Lets every extended key usage pass. `webpki` asks for it of every certificate alike, without saying which is the
/// signer's; that one was held to [`Certificate::check_usage`], and the others are sound [`Issuers`].
struct CheckedBefore;

impl ExtendedKeyUsageValidator for CheckedBefore {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}
