//! TUF metadata: composed here from the registry and from what was signed before, and from nothing that is ordered.
//!
//! What roots and targets say, administrators endorsed; an entry of the registry has it. Snapshots and timestamps renew
//! alone: each names the file below it, which was signed here, and ends a fixed time from now.

mod versions;

use envelope::Chosen;
use keystore::Stores;
use model::{Form, Instant, KeyId, TufRole};
use quorum::Registry;
use signer::{Refusal, RefusalCode, TufOrder};

use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall, own_intent};
use crate::journal::Work;
use crate::standing::{check_clock, platform_key, refuse, registry};
use crate::state::State;

pub(crate) use versions::{Version, Versions};

/// Takes an order as far as its intent, or says why not.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &TufOrder,
    now: Reading,
) -> Result<Prepared, Refusal> {
    // Every kind bears a time until which it is believed.
    check_clock(now)?;
    let key = platform_key(state, &order.key, Form::Tuf, now.time)?;
    let role = key.record.role;
    let role = role.ok_or_else(|| refuse(RefusalCode::Key, "a key of form tuf without a role"))?;
    let known = state.tuf.signing(role, order.version, &order.key);
    if let Some(kept) = known.and_then(|signing| signing.kept()) {
        return Ok(kept);
    }
    let asked = Asked { state, registry: registry(state)?, role, key: order.key, now: now.time };
    let version = asked.version(order.version)?;
    let metadata =
        asked.registry.tuf_metadata(role, version.version, version.expires, version.names.as_ref());
    let metadata = metadata.ok_or_else(|| asked.unknown(order.version))?;
    let to_be_signed = metadata.to_be_signed();
    let private = PrivateKey::of(&key.record, keys)?;
    let recall = Recall::Standing;
    if let Some(signing) = known {
        // INVARIANT: never two metadata of one role and version. An intent stands for the bytes that it names.
        if signing.intent.to_be_signed != to_be_signed.sha256() {
            let text = format!("{role} {} was to be signed in other words before", order.version);
            return Err(refuse(RefusalCode::NotConsistent, text));
        }
        let intent = signing.intent.clone();
        return Ok(Prepared::Resumed(Intended { intent, to_be_signed, key: private, recall }));
    }
    let chosen = match role {
        TufRole::Root | TufRole::Targets => Chosen::Nothing,
        _ => Chosen::Metadata { version: version.version, expires: version.expires },
    };
    let intent = own_intent(state, key, now.time, order.digest(), to_be_signed.sha256(), chosen.encode())?;
    Ok(Prepared::Intended(Work::Tuf(version), Intended { intent, to_be_signed, key: private, recall }))
}

/// An order, with all that decides it.
struct Asked<'a> {
    state: &'a State,
    registry: &'a Registry,
    role: TufRole,
    key: KeyId,
    now: Instant,
}

impl Asked<'_> {
    /// What is to be signed: the version that stands, or the one after it.
    fn version(&self, number: u64) -> Result<Version, Refusal> {
        let Self { registry, role, .. } = *self;
        if role == TufRole::Root {
            let root = registry.tuf_root(number).ok_or_else(|| self.unknown(number))?;
            let signs = registry.tuf().root_signers(number).contains(&self.key);
            return if signs { Ok(Version::of(&root)) } else { Err(self.not_listed(number)) };
        }
        let listed = registry.tuf().root().is_some_and(|root| root.keys(role).contains(&self.key));
        if !listed {
            return Err(self.not_listed(number));
        }
        self.check_unnamed(number)?;
        match role {
            TufRole::Targets => {
                let targets = registry.tuf_targets().filter(|targets| targets.version() == number);
                Ok(Version::of(&targets.ok_or_else(|| self.unknown(number))?))
            }
            _ => self.renewed(number),
        }
    }

    /// INVARIANT: what is named by its digest does not change: once it is, nobody else signs it.
    fn check_unnamed(&self, number: u64) -> Result<(), Refusal> {
        let above = match self.role {
            TufRole::Targets => TufRole::Snapshot,
            TufRole::Snapshot => TufRole::Timestamp,
            _ => return Ok(()),
        };
        let named = self.state.tuf.newest(above).and_then(|above| Some(above.names?.version));
        if named.is_none_or(|named| named < number) {
            return Ok(());
        }
        let text = format!("{} {number} is named by a {above}, and gets no more signatures", self.role);
        Err(refuse(RefusalCode::NotConsistent, text))
    }

    /// The version of what renews alone.
    fn renewed(&self, number: u64) -> Result<Version, Refusal> {
        let last = self.state.tuf.newest(self.role);
        if let Some(last) = last.filter(|last| last.version == number) {
            return Ok(*last);
        }
        // INVARIANT: versions go up, and none is left out by whoever orders.
        let next = self.registry.tuf_version_after(last.map(|last| last.version));
        if number != next {
            let text = format!("the next {} is {next}, and not {number}", self.role);
            return Err(refuse(RefusalCode::NotConsistent, text));
        }
        let below = if self.role == TufRole::Snapshot { TufRole::Targets } else { TufRole::Snapshot };
        self.check_current(below)?;
        // INVARIANT: it names a file that was signed here, by its length and digest, and one that counts now: the targets
        // that people endorsed last, or the snapshot of them that was signed last.
        let sealed = self.state.tuf.sealed(self.registry, below);
        let (sealed, expires) = sealed.ok_or_else(|| {
            let text = format!("there is no {below} that is signed by all its keys: have it signed first");
            refuse(RefusalCode::NotConsistent, text)
        })?;
        if expires <= self.now {
            let text = format!("the {below} that it would name ended at {expires}");
            return Err(refuse(RefusalCode::NotConsistent, text));
        }
        let expires = self.now.after(envelope::tuf::period(self.role)).whole_second();
        Ok(Version { role: self.role, version: number, expires, names: Some(sealed.named()) })
    }

    /// INVARIANT: no timestamp renews over a snapshot of targets that people replaced: whoever orders could hold back what
    /// they endorsed until the snapshot ends, and not only the timestamp.
    fn check_current(&self, below: TufRole) -> Result<(), Refusal> {
        let named = self.state.tuf.newest(below).and_then(|one| Some(one.names?.version));
        let targets = self.registry.tuf().targets().map(|targets| targets.version);
        if below != TufRole::Snapshot || named.is_none() || named == targets {
            return Ok(());
        }
        let text = "the snapshot names targets that were replaced: have the present ones signed, and the next snapshot, first";
        Err(refuse(RefusalCode::NotConsistent, text))
    }

    fn unknown(&self, number: u64) -> Refusal {
        let text = format!(
            "no entry of the registry makes {} {number}, or a later one replaced it; administrators endorse roots and targets",
            self.role
        );
        refuse(RefusalCode::Quorum, text)
    }

    fn not_listed(&self, number: u64) -> Refusal {
        refuse(
            RefusalCode::Key,
            format!("the root does not name {} among those who sign {} {number}", self.key, self.role),
        )
    }
}
