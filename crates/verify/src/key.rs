//! The key of an item: what the registry says of it, and whether it could sign when it did.

use model::{Class, Form, Instant, Item, PublicKey, Purpose};
use quorum::{Key, KeyRecord, KeyState, Registry};

use crate::refused::{Fault, Gap};
use crate::{Part, Present, Proven, Refused, TrustRoot};

/// Finds the key that an item names in the registry as it was when it signed.
pub(crate) fn find<'a>(registry: &'a Registry, item: &Item) -> Result<&'a Key, Refused> {
    let (name, generation) = (item.key.name.clone(), item.key.generation);
    let known = registry.key_named(&name, generation);
    let known = known.ok_or_else(|| bad(Fault::NoSuchKey { name: name.clone(), generation }))?;
    let differs = |what| Err(bad(Fault::NotAsRecorded { what, name: name.clone() }));
    if known.digest != item.key.record {
        return differs("record digest");
    }
    if known.record.form != item.form {
        return differs("form");
    }
    if known.record.purpose != Purpose::Code {
        return differs("purpose");
    }
    Ok(known)
}

/// Is the key one for this class?
pub(crate) fn check_class(key: &Key, class: Class) -> Result<(), Refused> {
    if key.record.classes.contains(&class) {
        return Ok(());
    }
    Err(bad(Fault::OtherClass { name: key.record.name.clone(), class }))
}

/// Could the key sign at this time, by all that the trust root knows of it?
pub(crate) fn check_time(present: &Registry, key: &Key, at: Instant) -> Result<(), Refused> {
    let record = &key.record;
    let name = record.name.clone();
    if !record.is_valid_at(at) {
        let (not_before, not_after) = (record.not_before, record.not_after);
        return Err(bad(Fault::OutsideValidity { name, not_before, not_after, at }));
    }
    // What happened to the key after it signed is known only at the chain's end.
    let now = present.key(&record.id()).unwrap_or(key);
    let state = match now.state {
        KeyState::Active => return Ok(()),
        KeyState::Suspended => "suspended",
        KeyState::Retired => "retired",
        _ => "revoked",
    };
    if at < now.since {
        return Ok(());
    }
    Err(bad(Fault::NotActive { name, state, since: now.since, at }))
}

/// Finds a key by itself, for signatures that carry no request.
pub(crate) fn of_form<'a>(registry: &'a Registry, key: &PublicKey, form: Form) -> Result<&'a Key, Refused> {
    let known = registry.key(&key.id()).ok_or_else(|| bad(Fault::UnknownKey { key: key.id() }))?;
    if known.record.form == form {
        return Ok(known);
    }
    Err(bad(Fault::NotAsRecorded { what: "form", name: known.record.name.clone() }))
}

/// INVARIANT: the key's record says whether a quorum is due. A bundle and a CMS show none, so of a governed key they
/// prove nothing by themselves; else whoever makes one of them out of a receipt would strip it of its endorsements.
pub(crate) fn check_ungoverned(key: &Key) -> Result<(), Refused> {
    if key.record.rule.is_none() {
        return Ok(());
    }
    Err(Refused::cannot_check(Part::Endorsements, Gap::NeedsReceipt { what: "quorum" }))
}

/// What is proven by finding it.
pub(crate) fn registered(registry: &Registry, key: &Key) -> Proven {
    let KeyRecord { name, generation, .. } = &key.record;
    Proven::Registered { name: name.clone(), generation: *generation, registry: registry.head() }
}

/// May a verifier still go by this trust root?
pub(crate) fn check_present(root: &TrustRoot, present: Present) -> Result<(), Refused> {
    if present.at < root.expires() {
        return Ok(());
    }
    let gap = Gap::TrustRootExpired { expires: root.expires(), now: present.at };
    Err(Refused::cannot_check(Part::TrustRoot, gap))
}

fn bad(fault: Fault) -> Refused {
    Refused::bad(Part::Key, fault)
}
