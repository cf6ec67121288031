//! Who signed: a key that the verifier named, or the holder of a certificate.

use envelope::bundle::{Bundle, Signer};
use envelope::rekor::Verifier;
use model::PublicKey;
use pki::token::CertificateNames;
use pki::{Certificate, PathError, Usage, VerifiedPath, verify_path};
use quorum::IdentityProof;

use super::times::Dated;
use super::{Identity, SignedBy, SigstoreRoot};
use crate::anchors::{Anchors, TrustedAuthority};
use crate::receipt::unreadable;
use crate::refused::{Fault, Gap};
use crate::{Part, Proven, Refused};

/// The signer that a bundle names, or that the verifier does. Nothing vouches for it yet.
pub(super) struct Named {
    key: PublicKey,
    certificate: Option<Certificate>,
    /// Certificates that came along.
    others: Vec<Certificate>,
}

/// Reads who signed.
pub(super) fn read(bundle: &Bundle, signed_by: SignedBy<'_>) -> Result<Named, Refused> {
    let chain: &[Vec<u8>] = match (&bundle.signer, signed_by) {
        (Signer::Key { .. }, SignedBy::Key(key)) => {
            return Ok(Named { key: key.clone(), certificate: None, others: Vec::new() });
        }
        (Signer::Certificate(der), _) => std::slice::from_ref(der),
        (Signer::Chain(chain), _) => chain,
        (_, SignedBy::Holder(identity)) => {
            let (expected, found) = (identity.subject.to_string(), "a key without a certificate".to_owned());
            return Err(Refused::expectation(Fault::Unexpected { what: "signer", expected, found }));
        }
        _ => return Err(super::unsupported("a signer of an unknown kind")),
    };
    let read = |der: &Vec<u8>| Certificate::from_der(der).map_err(unreadable(Part::Certificate));
    let mut chain = chain.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // A root that the bundle brings along would be anybody's; the specification forbids it.
    if chain.iter().any(Certificate::is_self_issued) {
        return Err(Refused::bad(Part::Certificate, Fault::RootInBundle));
    }
    let certificate = chain.remove(0);
    let key = certificate.public_key().map_err(unreadable(Part::Certificate))?;
    if let SignedBy::Key(expected) = signed_by
        && *expected != key
    {
        let found = key.id().to_string();
        return Err(Refused::bad(Part::Key, Fault::OtherKey { expected: expected.id(), found }));
    }
    Ok(Named { key, certificate: Some(certificate), others: chain })
}

impl Named {
    pub(super) const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// As the log names it.
    pub(super) fn logged(&self) -> Verifier {
        match &self.certificate {
            Some(certificate) => Verifier::Certificate(certificate.clone()),
            None => Verifier::PublicKey(self.key.clone()),
        }
    }

    /// Holds the signer to whom the verifier expects, at every time that is believed.
    pub(super) fn verify(
        &self,
        signed_by: SignedBy<'_>,
        anchors: &Anchors,
        times: &[Dated],
    ) -> Result<Vec<Proven>, Refused> {
        let (SignedBy::Holder(identity), Some(certificate)) = (signed_by, &self.certificate) else {
            return Ok(Vec::new());
        };
        let mut last = None;
        // The hybrid model: the path held at each of the times, not only at one of them.
        for dated in times {
            last = Some(self.path(certificate, anchors, dated)?);
        }
        let path = last.ok_or_else(|| Refused::cannot_check(Part::Timestamp, Gap::NoTimestamp))?;
        let transparent = transparency(certificate, &path, anchors)?;
        let names = CertificateNames::of(certificate).map_err(unreadable(Part::Certificate))?;
        expect(identity, &names)?;
        let (subject, issuer) = (names.subject.text().to_owned(), names.issuer);
        let root = path.root().subject_text();
        Ok(vec![
            Proven::Certificate { subject: subject.clone(), root },
            transparent,
            Proven::Holder { subject, issuer },
        ])
    }

    /// Was it certified by a key of the platform that takes its server's word for whose an ID token is?
    pub(super) fn asserted(&self, root: SigstoreRoot<'_>) -> bool {
        let (SigstoreRoot::Platform(root), Some(certificate)) = (root, &self.certificate) else {
            return false;
        };
        let authorities = &root.anchors().certificate_authorities;
        let mut issuers = authorities.iter().map(|one| one.chain.first().unwrap_or(&one.root));
        let issuer = issuers.find(|issuer| certificate.verify_signature_by(issuer).is_ok());
        let key = issuer.and_then(|issuer| issuer.public_key().ok());
        let record = key.and_then(|key| Some(&root.registry().key(&key.id())?.record));
        record.is_some_and(|record| record.identity == Some(IdentityProof::Asserted))
    }

    fn path(
        &self,
        certificate: &Certificate,
        anchors: &Anchors,
        dated: &Dated,
    ) -> Result<VerifiedPath, Refused> {
        let at = dated.time.at;
        let mut refused = Refused::cannot_check(Part::Certificate, Gap::NoCertificateAuthority);
        for TrustedAuthority { chain, root, window } in &anchors.certificate_authorities {
            if !window.contains(at) {
                continue;
            }
            let intermediates: Vec<Certificate> = chain.iter().chain(&self.others).cloned().collect();
            match verify_path(certificate, &intermediates, std::slice::from_ref(root), at, Usage::CodeSigning)
            {
                Ok(path) => return Ok(path),
                Err(cause) if matches!(refused, Refused::CannotCheck { .. }) => refused = refusal(cause),
                Err(_) => {}
            }
        }
        Err(refused)
    }
}

/// INVARIANT: a certificate counts only with a timestamp of a log of the trust root, over its very bytes. A timestamp
/// of a log that is not known says nothing; one of a known log that does not verify makes the certificate bad.
fn transparency(
    certificate: &Certificate,
    path: &VerifiedPath,
    anchors: &Anchors,
) -> Result<Proven, Refused> {
    let bad = |cause: pki::sct::SctError| unreadable(Part::Certificate)(cause);
    let issuer = path.intermediates().first().unwrap_or_else(|| path.root());
    let issuer = issuer.public_key().map_err(unreadable(Part::Certificate))?;
    let logged = certificate.logged_tbs().map_err(bad)?;
    for timestamp in certificate.signed_timestamps().map_err(bad)? {
        let known = anchors.certificate_logs.iter().filter(|log| *log.key.id().digest() == timestamp.log);
        let Some(log) = known.into_iter().find(|log| log.window.contains(timestamp.time())) else { continue };
        timestamp
            .verify(&log.key, &issuer, &logged)
            .map_err(|cause| Refused::bad(Part::Certificate, Fault::Transparency(cause)))?;
        return Ok(Proven::Transparent { log: timestamp.log, at: timestamp.time() });
    }
    Err(Refused::cannot_check(Part::Certificate, Gap::NoCertificateLog))
}

fn expect(identity: &Identity, names: &CertificateNames) -> Result<(), Refused> {
    let pairs = [
        ("signer", &identity.subject, names.subject.text()),
        ("issuer of the signer's ID token", &identity.issuer, names.issuer.as_str()),
    ];
    for (what, expected, found) in pairs {
        if !expected.matches(found) {
            let found = found.chars().filter(|c| !c.is_control()).take(512).collect();
            return Err(Refused::expectation(Fault::Unexpected {
                what,
                expected: expected.to_string(),
                found,
            }));
        }
    }
    Ok(())
}

fn refusal(cause: PathError) -> Refused {
    match cause {
        path @ PathError::CannotCheck { .. } => Refused::cannot_check(Part::Certificate, Gap::Path(path)),
        path @ PathError::UntrustedIssuer { .. } => {
            Refused::cannot_check(Part::Certificate, Gap::UnknownIssuer(path))
        }
        path => Refused::bad(Part::Certificate, Fault::Path(path)),
    }
}
