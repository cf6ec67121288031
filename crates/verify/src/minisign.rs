//! Signatures of minisign (`.minisig`).

use envelope::minisign::{Minisig, MinisignError, MinisignKey};
use model::{Digest, Form};

use crate::bare::{Bare, Keeper};
use crate::receipt::unreadable;
use crate::refused::{Fault, Gap};
use crate::{Artifact, Expectations, Part, Present, Proven, Refused, TrustRoot, Verified};

/// Whom a minisign signature may come from.
#[derive(Debug, Clone, Copy)]
pub enum MinisignTrust<'a> {
    /// A key of this platform.
    Platform(&'a TrustRoot),
    /// This very key.
    Given(&'a MinisignKey),
}

/// Verifies a `.minisig` of this file. `whole` is the file itself, which old signatures are over
/// ([`Refused::is_file_needed`]).
pub fn verify_minisig(
    artifact: &Artifact,
    whole: Option<&[u8]>,
    minisig: &[u8],
    trust: MinisignTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let text = std::str::from_utf8(minisig).map_err(unreadable(Part::Signature))?;
    let opened = Minisig::parse(text).map_err(refusal)?;
    let (key, keeper) = match trust {
        MinisignTrust::Platform(root) => (named_key(&opened, root)?, Keeper::Platform(root)),
        MinisignTrust::Given(key) => (key.clone(), Keeper::Given),
    };
    match whole {
        None => opened.verify(&key, &artifact.digests).map_err(refusal)?,
        Some(bytes) => {
            let (signed, found) = (Digest::of(bytes), artifact.digests.sha256());
            if signed != found {
                return Err(Refused::bad(Part::File, Fault::OtherFile { signed, found }));
            }
            opened.verify_legacy(&key, bytes).map_err(refusal)?;
        }
    }
    let says = vec![Proven::Comment { text: opened.trusted_comment().to_owned() }];
    let what = "minisign signature";
    let bare = Bare { what, form: Form::Minisign, key: key.key().clone(), says, open: Vec::new() };
    bare.judge(artifact, keeper, expectations, present)
}

/// The key of the platform that the signature names.
fn named_key(opened: &Minisig, root: &TrustRoot) -> Result<MinisignKey, Refused> {
    let records = root.registry().keys().map(|known| &known.record);
    let ours = records.filter(|record| record.form == Form::Minisign);
    let mut keys = ours.filter_map(|record| MinisignKey::of(&record.public_key));
    keys.find(|key| key.number() == opened.number()).ok_or_else(|| {
        let (found, entries) = (opened.number().to_string(), root.registry().entries());
        Refused::cannot_check(Part::Key, Gap::UnknownNumber { found, entries })
    })
}

fn refusal(cause: MinisignError) -> Refused {
    let cannot = |part, gap| Refused::cannot_check(part, gap);
    match cause {
        MinisignError::DigestUnknown { hash } => cannot(Part::File, Gap::DigestUnknown { hash }),
        MinisignError::FileUnknown => cannot(Part::File, Gap::FileUnknown),
        MinisignError::Ambiguous => cannot(Part::Signature, Gap::Ambiguous(Box::new(cause))),
        MinisignError::OtherKey { .. } | MinisignError::BadSignature(_) | MinisignError::BadComment(_) => {
            Refused::bad(Part::Signature, Fault::Signature(Box::new(cause)))
        }
        other => Refused::bad(Part::Signature, Fault::Unreadable(Box::new(other))),
    }
}
