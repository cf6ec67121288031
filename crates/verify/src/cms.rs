//! Detached CMS signatures with a timestamp token (`.p7s`).

use envelope::cms::{self, CmsError};
use envelope::trusted_root::TrustedRoot;
use pki::Certificate;

use crate::anchors::Anchors;
use crate::item::{certificate_path, platform_path};
use crate::refused::{Fault, Gap};
use crate::timestamp::{self, Dated};
use crate::{
    Artifact, Expectations, NotChecked, Part, Present, Proven, Refused, TrustRoot, Verified, VerifiedItem,
    key,
};

/// Whom a CMS signature may come from.
#[derive(Debug, Clone, Copy)]
pub enum CmsTrust<'a> {
    /// A key of this platform.
    Platform(&'a TrustRoot),
    /// Anybody whom one of these roots vouches for, timestamped by an authority of this trusted root.
    Given {
        /// The roots for code signing.
        roots: &'a [Certificate],
        /// Where the timestamp authorities stand.
        sigstore: &'a TrustedRoot,
    },
}

/// Verifies a `.p7s` of this file.
pub fn verify_cms(
    artifact: &Artifact,
    p7s: &[u8],
    trust: CmsTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let opened = cms::open(p7s).map_err(refusal)?;
    let verified = opened.verify_signature(&artifact.digests).map_err(refusal)?;
    let (signature, signer) = (verified.signature(), verified.signer());
    let public_key =
        signer.public_key().map_err(|cause| Refused::bad(Part::Key, Fault::Signature(Box::new(cause))))?;
    let anchors = match trust {
        CmsTrust::Platform(root) => root.anchors().clone(),
        CmsTrust::Given { sigstore, .. } => Anchors::of(sigstore),
    };
    let Dated { time, proven: dated, open } =
        timestamp::date(verified.token(), signature, &anchors, expectations.timestamp, present)?;
    let mut not_checked: Vec<NotChecked> = open.into_iter().collect();
    let mut proven = vec![
        Proven::File { sha256: artifact.digests.sha256() },
        Proven::Signature { algorithm: public_key.algorithm() },
    ];
    proven.extend(dated);
    match trust {
        CmsTrust::Platform(root) => {
            proven.push(platform_path(signer, verified.others(), root, &time)?);
            let managed = key::managed(root, &public_key, model::Form::Cms, time.at, expectations, present)?;
            proven.push(managed.proven);
            not_checked.extend(managed.open);
        }
        CmsTrust::Given { roots, .. } => {
            proven.push(certificate_path(signer, verified.others(), roots, &time)?);
            let open = expectations.check_key(public_key.id(), None);
            not_checked.extend(open.map_err(Refused::expectation)?);
        }
    }
    expectations.need_receipt()?;
    not_checked.extend([NotChecked::NoRequest, NotChecked::CmsWithoutLogEntry]);
    let item = VerifiedItem { item: None, key: public_key.id(), time, proven };
    let file = artifact.digests.sha256();
    Ok(Verified { file, platform: None, request: None, items: vec![item], not_checked })
}

fn refusal(cause: CmsError) -> Refused {
    match cause {
        CmsError::OtherContent => Refused::bad(Part::File, Fault::Signature(Box::new(cause))),
        CmsError::BadSignature(_) => Refused::bad(Part::Signature, Fault::Signature(Box::new(cause))),
        CmsError::Unsupported { what } => Refused::cannot_check(Part::Cms, Gap::Unsupported { what }),
        CmsError::DigestUnknown { hash } => Refused::cannot_check(Part::File, Gap::DigestUnknown { hash }),
        other => Refused::bad(Part::Cms, Fault::Unreadable(Box::new(other))),
    }
}
