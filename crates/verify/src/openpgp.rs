//! OpenPGP signatures: beside a file (`.asc`, `.sig`), or around a text that is clearsigned.

use std::time::Duration;

use envelope::openpgp::{
    Certificate, Cleartext, Digesting, Key, Kind, OpenPgpError, Signature, read_signatures,
};
use model::Form;

use crate::bare::{Bare, Keeper};
use crate::refused::{Fault, Gap};
use crate::{Artifact, Expectations, NotChecked, Part, Present, Proven, Refused, TrustRoot, Verified};

/// Whom an OpenPGP signature may come from.
#[derive(Debug, Clone, Copy)]
pub enum OpenPgpTrust<'a> {
    /// A key of this platform.
    Platform(&'a TrustRoot),
    /// A key of one of these certificates.
    Given(&'a [Certificate]),
}

/// How far a signature may be ahead of the verifier's clock: clocks differ, and nothing is won by a small lead.
const LEAD_MAX: Duration = Duration::from_secs(300);

/// Verifies the signatures that stand beside this file. `digest` gives the digests of its bytes with a trailer behind them.
///
/// Every signature by a key that is trusted must be good, and there must be one; those by others are told.
pub fn verify_openpgp(
    artifact: &Artifact,
    digest: &Digesting<'_>,
    signatures: &[u8],
    trust: OpenPgpTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let signatures = read_signatures(signatures).map_err(refusal)?;
    let bench = Bench { artifact, digest, kind: Kind::Binary, trust, expectations, present };
    bench.judge(&signatures)
}

/// Verifies a text that is clearsigned; what it says is [`Cleartext::text`].
pub fn verify_clearsigned(
    artifact: &Artifact,
    cleartext: &Cleartext,
    trust: OpenPgpTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let text = cleartext.text();
    let digest = |hash: model::Hash, trailer: &[u8]| Some(hash.digest(&[text, trailer].concat()));
    let bench = Bench { artifact, digest: &digest, kind: Kind::Text, trust, expectations, present };
    bench.judge(cleartext.signatures())
}

/// All that signatures of one file are verified against.
struct Bench<'a> {
    artifact: &'a Artifact,
    digest: &'a Digesting<'a>,
    kind: Kind,
    trust: OpenPgpTrust<'a>,
    expectations: &'a Expectations,
    present: Present,
}

/// A key that is trusted, and what its certificate says.
struct Trusted {
    key: Key,
    says: Proven,
    /// What the certificate that the verifier named says against it.
    refused: Option<OpenPgpError>,
}

impl Bench<'_> {
    fn judge(&self, signatures: &[Signature]) -> Result<Verified, Refused> {
        let mut judged: Option<Verified> = None;
        let mut others = Vec::new();
        for signature in signatures {
            match self.trusted(signature) {
                None => others.push(NotChecked::OtherSigner { named: named(signature) }),
                Some(trusted) => {
                    let one = self.verify(signature, trusted)?;
                    match &mut judged {
                        None => judged = Some(one),
                        Some(all) => {
                            all.items.extend(one.items);
                            let new =
                                one.not_checked.into_iter().filter(|open| !all.not_checked.contains(open));
                            let new: Vec<NotChecked> = new.collect();
                            all.not_checked.extend(new);
                        }
                    }
                }
            }
        }
        let unknown = || {
            let found = signatures.iter().map(named).collect::<Vec<_>>().join(", ");
            Refused::cannot_check(Part::Key, Gap::UnknownSigner { found })
        };
        let mut judged = judged.ok_or_else(unknown)?;
        judged.not_checked.extend(others);
        Ok(judged)
    }

    /// The key that a signature names, if it is trusted.
    fn trusted(&self, signature: &Signature) -> Option<Trusted> {
        match self.trust {
            OpenPgpTrust::Platform(root) => {
                let records = root.registry().keys().map(|known| &known.record);
                let ours = records.filter(|record| record.form == Form::OpenPgp);
                let mut keys = ours.map(|record| Key::new(&record.public_key, record.not_before));
                let key = keys.find(|key| signature.names(key))?;
                let says =
                    Proven::OpenPgpKey { fingerprint: key.fingerprint().to_string(), user_ids: Vec::new() };
                Some(Trusted { key, says, refused: None })
            }
            OpenPgpTrust::Given(certificates) => {
                let mut signers = certificates.iter().flat_map(|certificate| {
                    certificate.signers().iter().map(move |signer| (certificate, signer))
                });
                let (certificate, signer) = signers.find(|(_, signer)| signature.names(signer.key()))?;
                let key = signer.key().clone();
                let (fingerprint, user_ids) =
                    (key.fingerprint().to_string(), certificate.user_ids().to_vec());
                let says = Proven::OpenPgpKey { fingerprint, user_ids };
                let at = signature.created().unwrap_or(self.present.at);
                Some(Trusted { key, says, refused: signer.check(at).err() })
            }
        }
    }

    fn verify(&self, signature: &Signature, trusted: Trusted) -> Result<Verified, Refused> {
        let Trusted { key, says, refused } = trusted;
        if signature.kind() != self.kind {
            let gap = Gap::NotRead(Box::new(signature.other_kind(self.kind)));
            return Err(Refused::cannot_check(Part::Signature, gap));
        }
        signature.verify(&key, self.digest).map_err(refusal)?;
        if let Some(refused) = refused {
            return Err(refusal(refused));
        }
        let Present { at: now, .. } = self.present;
        let at = signature.created().unwrap_or(now);
        if at > now.after(LEAD_MAX) {
            return Err(Refused::cannot_check(Part::Signature, Gap::FromTheFuture { at, now }));
        }
        if let Some(ended) = signature.expires().filter(|ended| *ended <= now) {
            return Err(Refused::bad(Part::Signature, Fault::Ended { ended, now }));
        }
        let (what, form) = ("OpenPGP signature", Form::OpenPgp);
        let open = vec![NotChecked::SignersTime { at }];
        let bare = Bare { what, form, key: key.public().clone(), says: vec![says], open };
        let keeper = match self.trust {
            OpenPgpTrust::Platform(root) => Keeper::Platform(root),
            OpenPgpTrust::Given(_) => Keeper::Given,
        };
        bare.judge(self.artifact, keeper, self.expectations, self.present)
    }
}

/// By what a signature names its key.
fn named(signature: &Signature) -> String {
    let short = || signature.short_id().map(|id| data_encoding::HEXUPPER.encode(&id));
    let whole = signature.fingerprint().map(|fingerprint| fingerprint.to_string());
    whole.or_else(short).unwrap_or_else(|| "nobody".to_owned())
}

fn refusal(cause: OpenPgpError) -> Refused {
    match cause {
        OpenPgpError::HashUnknown { hash } => Refused::cannot_check(Part::File, Gap::DigestUnknown { hash }),
        OpenPgpError::UnknownAlgorithm { .. }
        | OpenPgpError::UnknownHash { .. }
        | OpenPgpError::UnknownCritical { .. }
        | OpenPgpError::CriticalNotation { .. }
        | OpenPgpError::Version { .. }
        | OpenPgpError::OtherType { .. } => {
            Refused::cannot_check(Part::Signature, Gap::NotRead(Box::new(cause)))
        }
        OpenPgpError::Revoked { .. }
        | OpenPgpError::OtherUse { .. }
        | OpenPgpError::OutsideValidity { .. } => Refused::bad(Part::Key, Fault::Signature(Box::new(cause))),
        OpenPgpError::BadSignature(_) | OpenPgpError::OtherDigest | OpenPgpError::WeakHash { .. } => {
            Refused::bad(Part::Signature, Fault::Signature(Box::new(cause)))
        }
        other => Refused::bad(Part::Signature, Fault::Unreadable(Box::new(other))),
    }
}
