//! Sigstore bundles of anybody, against a Sigstore trusted root: signed keylessly, with a certificate for the holder
//! of an ID token, or with a key that the verifier names.
//!
//! The order of the client specification: times that others vouch for, the certificate's path at each of them, its
//! certificate-transparency timestamp, whom it names, the log entry, the signature, and the entry's agreement with it.

mod entry;
mod identity;
mod roots;
mod signer;
mod times;

use envelope::ToBeSigned;
use envelope::bundle::{Bundle, Content};
use model::{Algorithm, Hashed, PublicKey};

pub use identity::{Identity, Pattern, PatternError};
pub use roots::SigstoreRoot;

use crate::receipt::{file_digest, unreadable};
use crate::refused::{Fault, Gap};
use crate::statement::{About, about};
use crate::{Artifact, NotChecked, Part, Present, Proven, Refused, Verified, VerifiedItem};

/// Who should have signed.
#[derive(Debug, Clone, Copy)]
pub enum SignedBy<'a> {
    /// Whoever held a token with this identity.
    Holder(&'a Identity),
    /// This key.
    Key(&'a PublicKey),
}

/// Verifies a Sigstore bundle of this file, in whatever version of the format.
pub fn verify_sigstore<'a>(
    artifact: &Artifact,
    json: &[u8],
    signed_by: SignedBy<'_>,
    root: impl Into<SigstoreRoot<'a>>,
    present: Present,
) -> Result<Verified, Refused> {
    let bundle = Bundle::from_json(json).map_err(unreadable(Part::Bundle))?;
    let root = root.into();
    let anchors = root.anchors();
    let signer = signer::read(&bundle, signed_by)?;
    let key = signer.key();
    let Signed { to_be_signed, mut proven, claim } = signed(&bundle, artifact, key.algorithm())?;
    to_be_signed
        .verify(key, bundle.signature())
        .map_err(|cause| Refused::bad(Part::Signature, Fault::Signature(Box::new(cause))))?;
    proven.push(Proven::Signature { algorithm: key.algorithm() });
    let stamped = times::of_tokens(&bundle, &anchors, present)?;
    let entry = entry::verify(&bundle, &to_be_signed, artifact, &signer, &anchors, &stamped, present)?;
    let mut not_checked = vec![NotChecked::NoRequest];
    let promised = match (entry.time, root) {
        // INVARIANT: the promise of a platform's own log is no time: whoever has its server orders one whenever they like.
        (Some(_), SigstoreRoot::Platform(_)) => {
            not_checked.push(NotChecked::Promise);
            None
        }
        (time, _) => time,
    };
    let times: Vec<_> = stamped.into_iter().chain(promised).collect();
    // Without a time of somebody else's, a certificate of ten minutes says nothing, and a key is not known to have been good.
    let Some(first) = times.first() else {
        return Err(Refused::cannot_check(Part::Timestamp, Gap::NoTimestamp));
    };
    proven.extend(signer.verify(signed_by, &anchors, &times)?);
    proven.extend(times.iter().map(|dated| dated.proven.clone()));
    proven.extend(entry.proven);
    if matches!(signed_by, SignedBy::Key(_)) {
        not_checked.push(NotChecked::KeyGiven);
    }
    not_checked.extend(signer.asserted(root).then_some(NotChecked::IdentityAsserted));
    if let Some(About { proven: attested, open }) = claim {
        proven.push(attested);
        not_checked.extend(open);
    }
    let item = VerifiedItem { item: None, key: key.id(), time: first.time.clone(), proven };
    let file = artifact.digests.sha256();
    Ok(Verified { file, platform: None, request: None, items: vec![item], not_checked })
}

/// What was signed, which is of this file.
struct Signed {
    to_be_signed: ToBeSigned,
    proven: Vec<Proven>,
    /// What is claimed, where it is not the file itself that was signed.
    claim: Option<About>,
}

/// What was signed, which must be of this file.
fn signed(bundle: &Bundle, artifact: &Artifact, algorithm: Algorithm) -> Result<Signed, Refused> {
    let proven = vec![Proven::File { sha256: artifact.digests.sha256() }];
    match &bundle.content {
        Content::Message { digest, .. } => {
            if let Some(named) = digest {
                let unsupported = || unsupported("a digest that is none of SHA-2");
                let hash = named.hash().ok_or_else(unsupported)?;
                if file_digest(artifact, hash)? != named.digest.0 {
                    return Err(Refused::bad(Part::File, Fault::OtherDigest { hash }));
                }
            }
            let hash = algorithm.hash().ok_or_else(|| unsupported("a signature of the bytes themselves"))?;
            let hashed = Hashed::from_slice(hash, file_digest(artifact, hash)?);
            let hashed = hashed.ok_or_else(|| unsupported("a signature over such a digest"))?;
            Ok(Signed { to_be_signed: ToBeSigned::Hashed(hashed), proven, claim: None })
        }
        Content::Dsse(envelope) => {
            let claim = about(&envelope.payload_type, &envelope.payload, artifact)?;
            Ok(Signed { to_be_signed: envelope.to_be_signed(), proven, claim: Some(claim) })
        }
        _ => Err(unsupported("content of an unknown kind")),
    }
}

fn unsupported(what: &'static str) -> Refused {
    Refused::cannot_check(Part::Bundle, Gap::Unsupported { what })
}
