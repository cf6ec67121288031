//! The key of a signature: what the registry says of it, and whether it could sign when it did.

use model::{Class, Form, Instant, Item, PublicKey, Purpose};
use quorum::{Key, KeyRecord, KeyState, Registry};

use crate::refused::{Fault, Gap};
use crate::{Expectations, NotChecked, Part, Present, Proven, Refused, TrustRoot};

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
    if !known.record.signs_in(item.parameters.namespace.as_deref()) {
        return differs("namespace");
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

/// What a platform's registry proves of the key of a signature that carries no request, and what it leaves open.
pub(crate) struct Managed {
    pub(crate) proven: Proven,
    pub(crate) open: Vec<NotChecked>,
}

/// Verifies that a signature without a request, a bundle or a CMS, is by a key of this platform that could make it.
pub(crate) fn managed(
    root: &TrustRoot,
    key: &PublicKey,
    form: Form,
    at: Instant,
    expectations: &Expectations,
    present: Present,
) -> Result<Managed, Refused> {
    check_present(root, present)?;
    let registry = root.registry();
    // The key may be younger than the trust root, which says all that is known here.
    let gap = || Gap::UnknownKey { key: key.id(), entries: registry.entries() };
    let known = registry.key(&key.id()).ok_or_else(|| Refused::cannot_check(Part::Key, gap()))?;
    let KeyRecord { name, generation, .. } = &known.record;
    if known.record.form != form {
        return Err(bad(Fault::NotAsRecorded { what: "form", name: name.clone() }));
    }
    // INVARIANT: the key's record says whether a quorum is due. A bundle and a CMS show none, so of a governed key they
    // prove nothing by themselves; else whoever makes one of them out of a receipt would strip it of its endorsements.
    if known.record.rule.is_some() {
        return Err(Refused::cannot_check(Part::Endorsements, Gap::NeedsReceipt { what: "quorum" }));
    }
    check_time(registry, known, at)?;
    let expected = expectations.check_key(key.id(), Some(name)).map_err(Refused::expectation)?;
    let mut open: Vec<NotChecked> = expected.into_iter().collect();
    open.push(NotChecked::LaterRevocations { entries: registry.entries() });
    let proven =
        Proven::Registered { name: name.clone(), generation: *generation, registry: registry.head() };
    Ok(Managed { proven, open })
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
