//! A receipt, from beginning to end.

use std::borrow::Cow;

use model::receipt::{Receipt, SignedItem};
use model::{Digest, Digests, Hash, ItemError, Kind, Request, Signing, limits, to_canonical};
use quorum::{Book, Endorsement, Governance, Registry};

use crate::refused::{Fault, Gap};
use crate::{Expectations, NotChecked, Part, Present, Refused, TrustRoot, Verified, VerifiedItem, item};

/// The file that somebody wants to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its digests, computed from its bytes by whoever holds them: the SHA-256, and others where something was signed
    /// by them ([`Refused::hash_needed`]).
    pub digests: Digests,
    /// What it is called where it is now; `None` where only the digest is known.
    pub name: Option<String>,
}

/// All that the items of one receipt are verified against.
pub(crate) struct Bench<'a> {
    pub(crate) root: &'a TrustRoot,
    /// The registry as it was when the key process signed.
    pub(crate) registry: &'a Registry,
    pub(crate) receipt: &'a Receipt,
    pub(crate) request: &'a Request,
    pub(crate) request_digest: Digest,
    pub(crate) signing: &'a Signing,
    pub(crate) endorsements: &'a [Endorsement],
    pub(crate) artifact: &'a Artifact,
    pub(crate) expectations: &'a Expectations,
    pub(crate) present: Present,
}

/// Verifies that the receipt is of this file, that the platform of the trust root signed it, and all that it says.
pub fn verify_receipt(
    artifact: &Artifact,
    receipt: &Receipt,
    root: &TrustRoot,
    expectations: &Expectations,
    present: Present,
) -> Result<Verified, Refused> {
    check_shape(receipt, root, present)?;
    let request = Request::parse(receipt.request.as_bytes()).map_err(unreadable(Part::Request))?;
    let Kind::Sign(signing) = &request.kind else {
        return Err(Refused::bad(Part::Request, Fault::NotSigning));
    };
    let registry = registry_of(receipt, &request, root)?;
    let endorsements = read_endorsements(receipt)?;
    let mut not_checked = expectations.check_signing(signing)?;
    let bench = Bench {
        root,
        registry: &registry,
        receipt,
        request: &request,
        request_digest: Request::digest(receipt.request.as_bytes()),
        signing,
        endorsements: &endorsements,
        artifact,
        expectations,
        present,
    };
    let items = verify_items(&bench, &mut not_checked)?;
    not_checked.extend(open_questions(&bench));
    let mut said = Vec::with_capacity(not_checked.len());
    not_checked.retain(|open| {
        let is_new = !said.contains(open);
        said.push(open.clone());
        is_new
    });
    Ok(Verified {
        file: artifact.digests.sha256(),
        platform: Some(root.platform()),
        request: Some(request),
        items,
        not_checked,
    })
}

fn check_shape(receipt: &Receipt, root: &TrustRoot, present: Present) -> Result<(), Refused> {
    if receipt.version != 1 {
        return Err(Refused::cannot_check(Part::Receipt, Gap::NewerVersion { version: receipt.version }));
    }
    let count = receipt.items.len();
    if count == 0 || count > limits::ITEMS_MAX {
        return Err(Refused::bad(
            Part::Receipt,
            Fault::Count { what: "signatures", count, most: limits::ITEMS_MAX },
        ));
    }
    if present.at >= root.expires() {
        let gap = Gap::TrustRootExpired { expires: root.expires(), now: present.at };
        return Err(Refused::cannot_check(Part::TrustRoot, gap));
    }
    Ok(())
}

/// The registry as it was when the key process signed, if the request was composed for it.
fn registry_of<'a>(
    receipt: &Receipt,
    request: &Request,
    root: &'a TrustRoot,
) -> Result<Cow<'a, Registry>, Refused> {
    if request.platform != root.platform() {
        return Err(Refused::bad(Part::Request, Fault::OtherPlatform));
    }
    let registry = root.registry_at(&receipt.registry).ok_or_else(|| {
        let gap = Gap::UnknownRegistryHead { head: receipt.registry, entries: root.registry().entries() };
        Refused::cannot_check(Part::Registry, gap)
    })?;
    if !registry.knows_head(&request.registry) {
        return Err(Refused::bad(Part::Request, Fault::NeverInForce { what: "registry head" }));
    }
    if request.policy != registry.policy() {
        return Err(Refused::bad(Part::Request, Fault::NeverInForce { what: "policy" }));
    }
    Ok(registry)
}

fn read_endorsements(receipt: &Receipt) -> Result<Vec<Endorsement>, Refused> {
    let count = receipt.endorsements.len();
    if count > limits::ENDORSEMENTS_MAX {
        let fault = Fault::Count { what: "endorsements", count, most: limits::ENDORSEMENTS_MAX };
        return Err(Refused::bad(Part::Endorsements, fault));
    }
    let read = |text: &String| {
        model::from_canonical(text.as_bytes(), limits::ENTRY_BYTES_MAX)
            .map_err(unreadable(Part::Endorsements))
    };
    receipt.endorsements.iter().map(read).collect()
}

fn verify_items(bench: &Bench<'_>, not_checked: &mut Vec<NotChecked>) -> Result<Vec<VerifiedItem>, Refused> {
    let mut verified: Vec<VerifiedItem> = Vec::with_capacity(bench.receipt.items.len());
    let mut governed = false;
    let mut last: Option<u32> = None;
    for (place, signed) in bench.receipt.items.iter().enumerate() {
        let item = bench.signing.items.open(signed.item.as_bytes(), &signed.path);
        let item = item.map_err(|cause| not_requested(cause).of_item(place))?;
        // In the order of the request, and so none twice.
        if last.is_some_and(|last| item.index <= last) {
            return Err(Refused::bad(Part::Item, Fault::NotRequested).of_item(place));
        }
        last = Some(item.index);
        let judged = item::verify(bench, signed, item).map_err(|refused| refused.of_item(place))?;
        governed |= judged.governed;
        // What is open for several items alike is said once.
        for open in judged.open {
            if !not_checked.contains(&open) {
                not_checked.push(open);
            }
        }
        verified.push(judged.verified);
    }
    if !governed && !bench.endorsements.is_empty() {
        return Err(Refused::bad(Part::Endorsements, Fault::Unasked));
    }
    Ok(verified)
}

/// What nobody can know from a receipt and a trust root.
fn open_questions(bench: &Bench<'_>) -> Vec<NotChecked> {
    let mut open = Vec::new();
    // Whatever the request says of how its requester was proven, no receipt of version 1 carries that proof.
    open.push(NotChecked::RequesterAsserted);
    if bench.registry.governance() == Governance::Solo {
        open.push(NotChecked::Solo);
    }
    // Of a receipt without a proof of the intent, nobody could say that witnesses hold it.
    let is_unproven =
        |item: &SignedItem| item.journal.as_ref().is_none_or(|entry| entry.checkpoint.is_none());
    if bench.registry.witnesses(Book::Journal).is_none() && bench.receipt.items.iter().all(is_unproven) {
        open.push(NotChecked::Unanchored { what: "journal" });
    }
    open.push(NotChecked::LaterRevocations { entries: bench.root.registry().entries() });
    open
}

fn not_requested(cause: ItemError) -> Refused {
    match cause {
        ItemError::NotRequested { .. } => Refused::bad(Part::Item, Fault::NotRequested),
        other => unreadable(Part::Item)(other),
    }
}

/// The digest of the file by which something was signed.
pub(crate) fn file_digest(artifact: &Artifact, hash: Hash) -> Result<&[u8], Refused> {
    let missing = || Refused::cannot_check(Part::File, Gap::DigestUnknown { hash });
    artifact.digests.digest(hash).ok_or_else(missing)
}

/// The digest of the file as a text.
pub(crate) fn text_digest(artifact: &Artifact, hash: Hash) -> Result<&[u8], Refused> {
    let digest = artifact.digests.text().and_then(|text| text.digest(hash));
    digest.ok_or_else(|| Refused::cannot_check(Part::File, Gap::TextUnknown))
}

/// A part that is not what its kind must look like.
pub(crate) fn unreadable<E: std::error::Error + Send + Sync + 'static>(part: Part) -> impl Fn(E) -> Refused {
    move |cause| Refused::bad(part, Fault::Unreadable(Box::new(cause)))
}

/// The bytes of the endorsements, as the order and the journal hold them.
pub(crate) fn endorsement_bytes(endorsements: &[Endorsement]) -> Vec<Vec<u8>> {
    endorsements.iter().map(to_canonical).collect()
}
