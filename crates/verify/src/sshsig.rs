//! SSH signatures of files (`.sshsig`).

use envelope::sshsig::{SshKey, SshSig, SshSigError};
use model::Form;

use crate::bare::{Bare, Keeper};
use crate::receipt::unreadable;
use crate::refused::{Fault, Gap};
use crate::{Artifact, Expectations, NotChecked, Part, Present, Proven, Refused, TrustRoot, Verified};

/// Whom an SSH signature may come from.
#[derive(Debug, Clone, Copy)]
pub enum SshTrust<'a> {
    /// A key of this platform.
    Platform(&'a TrustRoot),
    /// One of these.
    Given(&'a [SshKey]),
}

/// Verifies an armored SSH signature of this file, in this namespace; without one, in any in which the key may sign.
pub fn verify_sshsig(
    artifact: &Artifact,
    armored: &[u8],
    namespace: Option<&str>,
    trust: SshTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let text = std::str::from_utf8(armored).map_err(unreadable(Part::Signature))?;
    let opened = SshSig::from_armor(text).map_err(refusal)?;
    let key = opened.key();
    let keeper = match trust {
        SshTrust::Platform(root) => {
            check_namespace(&opened, root)?;
            Keeper::Platform(root)
        }
        SshTrust::Given(keys) if keys.contains(key) => Keeper::Given,
        SshTrust::Given(_) => return Err(refusal(SshSigError::OtherKey)),
    };
    let found = opened.namespace();
    let expected = namespace.unwrap_or(found);
    opened.verify_digest(expected, &artifact.digests, key).map_err(refusal)?;
    let open =
        namespace.is_none().then(|| NotChecked::Expectation { what: "namespace", found: found.to_owned() });
    let says = vec![Proven::Namespace { name: found.to_owned() }];
    let what = "SSH signature";
    let bare =
        Bare { what, form: Form::SshSig, key: key.key().clone(), says, open: open.into_iter().collect() };
    bare.judge(artifact, keeper, expectations, present)
}

/// Is it a namespace in which the platform's key may sign? Whether it is one of its keys is asked later.
fn check_namespace(opened: &SshSig, root: &TrustRoot) -> Result<(), Refused> {
    let Some(known) = root.registry().key(&opened.key().key().id()) else { return Ok(()) };
    if known.record.signs_in(Some(opened.namespace())) {
        return Ok(());
    }
    let name = known.record.name.clone();
    Err(Refused::bad(Part::Key, Fault::NotAsRecorded { what: "namespace", name }))
}

fn refusal(cause: SshSigError) -> Refused {
    match cause {
        SshSigError::DigestUnknown { hash } => Refused::cannot_check(Part::File, Gap::DigestUnknown { hash }),
        SshSigError::UnknownAlgorithm { .. } => {
            Refused::cannot_check(Part::Signature, Gap::Unsupported { what: "an SSH key that is not read" })
        }
        SshSigError::OtherNamespace { .. } | SshSigError::OtherKey | SshSigError::BadSignature(_) => {
            Refused::bad(Part::Signature, Fault::Signature(Box::new(cause)))
        }
        other => Refused::bad(Part::Signature, Fault::Unreadable(Box::new(other))),
    }
}
