//! Sigstore bundles that a managed key signed (`.sigstore.json`).

use envelope::ToBeSigned;
use envelope::bundle::{self, Bundle, Content, Entry, Signer, key_hint};
use envelope::rekor::{Body, Verifier};
use envelope::trusted_root::TrustedRoot;
use model::receipt::LogEntry;
use model::{Base64, Form, Hashed, PublicKey};

use crate::anchors::Anchors;
use crate::receipt::{file_digest, unreadable};
use crate::refused::{Fault, Gap};
use crate::statement::{About, about};
use crate::timestamp::{self, Dated};
use crate::{
    Artifact, Evidence, Expectations, NotChecked, Part, Present, Proven, Refused, TrustRoot, Verified,
    VerifiedItem, key, log,
};

/// Whom a bundle may come from.
#[derive(Debug, Clone, Copy)]
pub enum BundleTrust<'a> {
    /// The key of this platform that the bundle names.
    Platform(&'a TrustRoot),
    /// This very key, logged and timestamped by those of this trusted root.
    Given {
        /// The key.
        key: &'a PublicKey,
        /// Where logs and timestamp authorities stand.
        sigstore: &'a TrustedRoot,
    },
}

/// Verifies a bundle of this file.
pub fn verify_bundle(
    artifact: &Artifact,
    json: &[u8],
    trust: BundleTrust<'_>,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    let bundle = Bundle::from_json(json).map_err(unreadable(Part::Bundle))?;
    let (key, anchors) = match trust {
        BundleTrust::Platform(root) => (named_key(&bundle, root)?, root.anchors().clone()),
        BundleTrust::Given { key, sigstore } => (key.clone(), Anchors::of(sigstore)),
    };
    check_hint(&bundle, &key)?;
    let (to_be_signed, claim) = message(&bundle, artifact, &key)?;
    let signature = bundle.signature();
    to_be_signed
        .verify(&key, signature)
        .map_err(|cause| Refused::bad(Part::Signature, Fault::Signature(Box::new(cause))))?;
    let mut proven = vec![
        Proven::File { sha256: artifact.digests.sha256() },
        Proven::Signature { algorithm: key.algorithm() },
    ];
    let token = at_most_one("timestamp tokens", Part::Timestamp, &bundle.timestamps)?;
    let token = token.map(Vec::as_slice);
    let Dated { time, proven: dated, open } =
        timestamp::date(token, signature, &anchors, expectations.timestamp, present)?;
    proven.extend(dated);
    let mut not_checked: Vec<NotChecked> = open.into_iter().collect();
    match at_most_one("log entries", Part::LogEntry, &bundle.entries)? {
        Some(entry) => {
            let body = Body::new(&to_be_signed, signature, Verifier::PublicKey(key.clone()));
            let body = body.map_err(unreadable(Part::LogEntry))?;
            proven.push(log::verify(&receipt_entry(entry, &anchors)?, &body, &anchors, time.at)?.0);
        }
        None if expectations.log == Evidence::Required => {
            return Err(Refused::cannot_check(Part::LogEntry, Gap::NoLogEntry));
        }
        None => not_checked.push(NotChecked::NoLogEntry),
    }
    let form = if claim.is_some() { Form::Dsse } else { Form::Blob };
    match trust {
        BundleTrust::Platform(root) => {
            let managed = key::managed(root, &key, form, time.at, expectations, present)?;
            proven.push(managed.proven);
            not_checked.extend(managed.open);
        }
        BundleTrust::Given { .. } => {
            not_checked.extend(expectations.check_key(key.id(), None).map_err(Refused::expectation)?);
            not_checked.push(NotChecked::KeyGiven);
        }
    }
    expectations.need_receipt()?;
    not_checked.push(NotChecked::NoRequest);
    if let Some(About { proven: attested, open }) = claim {
        proven.push(attested);
        not_checked.extend(open);
    }
    let item = VerifiedItem { item: None, key: key.id(), time, proven };
    let file = artifact.digests.sha256();
    Ok(Verified { file, platform: None, request: None, items: vec![item], not_checked })
}

/// The key of the platform that the bundle names.
fn named_key(bundle: &Bundle, root: &TrustRoot) -> Result<PublicKey, Refused> {
    let Signer::Key { hint } = &bundle.signer else { return Err(not_a_key()) };
    let keys = root.registry().keys().map(|known| &known.record.public_key);
    let named = keys.into_iter().find(|key| key_hint(key) == *hint);
    named.cloned().ok_or_else(|| {
        let gap = Gap::UnknownHint { found: shown(hint), entries: root.registry().entries() };
        Refused::cannot_check(Part::Key, gap)
    })
}

fn check_hint(bundle: &Bundle, key: &PublicKey) -> Result<(), Refused> {
    let Signer::Key { hint } = &bundle.signer else { return Err(not_a_key()) };
    if *hint == key_hint(key) {
        return Ok(());
    }
    Err(Refused::bad(Part::Key, Fault::OtherKey { expected: key.id(), found: shown(hint) }))
}

/// What of a foreign hint may stand in a message.
fn shown(hint: &str) -> String {
    hint.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn not_a_key() -> Refused {
    Refused::cannot_check(Part::Bundle, Gap::Unsupported { what: "a signer with a certificate" })
}

/// What was signed: the file, whose digest the bundle must not contradict, or a claim about it.
fn message(
    bundle: &Bundle,
    artifact: &Artifact,
    key: &PublicKey,
) -> Result<(ToBeSigned, Option<About>), Refused> {
    let digest = match &bundle.content {
        Content::Message { digest, .. } => digest,
        Content::Dsse(envelope) => {
            let claim = about(&envelope.payload_type, &envelope.payload, artifact)?;
            return Ok((envelope.to_be_signed(), Some(claim)));
        }
        _ => {
            let gap = Gap::Unsupported { what: "content of an unknown kind" };
            return Err(Refused::cannot_check(Part::Bundle, gap));
        }
    };
    // The signature covers the file and not this digest; but a bundle without it is one that others do not take.
    let bad = || Refused::bad(Part::Bundle, Fault::OtherEntry { field: "messageDigest" });
    let named = digest.as_ref().ok_or_else(bad)?;
    let unsupported = |what| Refused::cannot_check(Part::Bundle, Gap::Unsupported { what });
    let hash = named.hash().ok_or_else(|| unsupported("a digest that is none of SHA-2"))?;
    if named.digest.0.len() != hash.length() {
        return Err(bad());
    }
    if file_digest(artifact, hash)? != named.digest.0 {
        return Err(Refused::bad(Part::File, Fault::OtherDigest { hash }));
    }
    // What the key signs is its own to say; that the hint goes by the same hash is a custom of those who write it.
    let hash = key.algorithm().hash().ok_or_else(|| unsupported("a signature of the bytes themselves"))?;
    let hashed = Hashed::from_slice(hash, file_digest(artifact, hash)?);
    let hashed = hashed.ok_or_else(|| unsupported("a signature over such a digest"))?;
    Ok((ToBeSigned::Hashed(hashed), None))
}

/// Several tokens or entries that say different things are no proof of any; ours have one.
fn at_most_one<'a, T>(what: &'static str, part: Part, list: &'a [T]) -> Result<Option<&'a T>, Refused> {
    match list {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(Refused::bad(part, Fault::Count { what, count: several.len(), most: 1 })),
    }
}

/// The entry as receipts hold it, if all that stands twice in a bundle agrees.
fn receipt_entry(entry: &Entry, anchors: &Anchors) -> Result<LogEntry, Refused> {
    let bad = |field| Err(Refused::bad(Part::LogEntry, Fault::OtherEntry { field }));
    if (entry.kind.as_str(), entry.kind_version.as_str()) != (envelope::rekor::KIND, envelope::rekor::VERSION)
    {
        let gap = Gap::Unsupported { what: "a log entry other than `hashedrekord` 0.0.2" };
        return Err(Refused::cannot_check(Part::LogEntry, gap));
    }
    // Nothing binds an integrated time to an entry of Rekor v2, and so it must not be there to be believed.
    if entry.integrated_time != 0 || entry.inclusion_promise.is_some() {
        return bad("integratedTime");
    }
    let Some(bundle::InclusionProof { index, root, tree_size, path, checkpoint: Some(checkpoint) }) =
        &entry.inclusion_proof
    else {
        return bad("inclusionProof");
    };
    if *index != entry.index {
        return bad("logIndex");
    }
    let said = tlog::note::Note::parse(checkpoint).ok();
    let said = said.and_then(|note| tlog::Checkpoint::parse(note.text()).ok());
    if let Some(said) = said {
        if said.size() != *tree_size {
            return bad("treeSize");
        }
        if said.root().as_bytes() != root.as_slice() {
            return bad("rootHash");
        }
        let logs: Vec<_> = anchors.logs_named(said.origin()).collect();
        if !logs.is_empty() && !logs.iter().any(|log| log.key.log_id().as_bytes() == entry.log_id.as_slice())
        {
            return bad("logId");
        }
    }
    Ok(LogEntry {
        index: *index,
        body: Base64(entry.body.clone()),
        path: path.clone(),
        checkpoint: checkpoint.clone(),
    })
}
