//! What the platform's TUF repository is to say, as administrators ask for it: which keys sign, and the files by which
//! clients of Sigstore know the platform.

use std::collections::BTreeMap;
use std::time::Duration;

use ::verify::{RootParts, TrustRoot};
use model::{Algorithm, Form, Instant, KeyId, TufRole};
use quorum::{Change, KeyRecord, KeyState, Registry, TufRoot, TufTargets};
use signer::{AdminClient, State};

use crate::administration::{NewKey, days, generate, name, sealed_files};
use crate::failure::Failure;
use crate::named_platform::{self, NamedPlatform};

/// For how long a root and targets count: a year, in which somebody looks after them.
const PERIOD: Duration = days(365);

/// For how many years a new key may sign.
const KEY_YEARS: u64 = 10;

/// The name of a role's keys.
pub(crate) fn key_name(role: TufRole) -> model::Space {
    name(&format!("platform/tuf-{role}"))
}

/// Makes a key for a role: the next generation under its name.
pub(crate) fn new_key(
    key_process: &AdminClient,
    registry: Option<&Registry>,
    role: TufRole,
    now: Instant,
) -> Result<KeyRecord, Failure> {
    let name = key_name(role);
    let keys = registry.into_iter().flat_map(Registry::keys);
    let newest = keys.filter(|key| key.record.name == name).map(|key| key.record.generation).max();
    let record = NewKey {
        name,
        generation: newest.unwrap_or(0) + 1,
        form: Form::Tuf,
        classes: Vec::new(),
        public_key: generate(key_process, &sealed_files(), Algorithm::EcdsaP256)?,
        store: sealed_files(),
        not_before: now,
        validity: days(365 * KEY_YEARS),
        subject: None,
        origin: None,
        rule: None,
    }
    .record();
    Ok(KeyRecord { role: Some(role), ..record })
}

/// The next root, with these keys.
pub(crate) fn root(
    registry: Option<&Registry>,
    keys: &BTreeMap<TufRole, Vec<KeyId>>,
    now: Instant,
) -> TufRoot {
    let last = registry.and_then(|registry| registry.tuf().root()).map_or(0, |root| root.version);
    let of = |role: TufRole| keys.get(&role).cloned().unwrap_or_default();
    TufRoot {
        version: last + 1,
        expires: now.whole_second().after(PERIOD),
        root: of(TufRole::Root),
        targets: of(TufRole::Targets),
        snapshot: of(TufRole::Snapshot),
        timestamp: of(TufRole::Timestamp),
    }
}

/// Who signs each role by the newest root, as far as they still can.
pub(crate) fn present_keys(registry: &Registry) -> BTreeMap<TufRole, Vec<KeyId>> {
    let Some(root) = registry.tuf().root() else { return BTreeMap::new() };
    let active = |key: &&KeyId| registry.key(key).is_some_and(|key| key.state == KeyState::Active);
    TufRole::ALL
        .iter()
        .map(|role| (*role, root.keys(*role).iter().filter(active).copied().collect()))
        .collect()
}

/// The files by which clients know the platform as it is now, at this address; and one that says which platform it is.
pub(crate) fn files(state: &State, url: &str, now: Instant) -> Result<BTreeMap<String, String>, Failure> {
    let certificates: Vec<_> =
        state.certificates.iter().map(|one| (one.key, one.certificate.clone())).collect();
    let parts = RootParts {
        registry: &state.registry,
        certificates: &certificates,
        public_url: url,
        expires: now.after(PERIOD).whole_second(),
    };
    let root = TrustRoot::compose(&parts).map_err(Failure::inside("compose the trust root"))?;
    let text = |json: Vec<u8>| String::from_utf8_lossy(&json).into_owned();
    Ok(BTreeMap::from([
        ("trusted_root.json".to_owned(), text(root.sigstore().to_json())),
        ("signing_config.v0.2.json".to_owned(), text(root.signing_config(url).to_json())),
        (named_platform::FILE.to_owned(), NamedPlatform::of(&root).to_json()),
    ]))
}

/// Do these files say what those said? The registry has another head after every entry, that of a publication too: it is
/// named along with what is published, and is no reason to publish.
pub(crate) fn is_same(files: &BTreeMap<String, String>, published: &BTreeMap<String, String>) -> bool {
    let same = |(name, text): (&String, &String)| {
        published.get(name).is_some_and(|known| known == text || name == named_platform::FILE)
    };
    files.len() == published.len() && files.iter().all(same)
}

/// The next targets, of these files.
pub(crate) fn targets(registry: &Registry, files: BTreeMap<String, String>, now: Instant) -> Change {
    let last = registry.tuf().targets().map_or(0, |targets| targets.version);
    Change::TufTargets(TufTargets { version: last + 1, expires: now.whole_second().after(PERIOD), files })
}

/// The first keys and the root that names them.
pub(crate) fn beginning(key_process: &AdminClient, now: Instant) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    let mut keys = BTreeMap::new();
    for role in TufRole::ALL {
        let record = new_key(key_process, None, *role, now)?;
        keys.insert(*role, vec![record.id()]);
        changes.push(Change::Key(record));
    }
    changes.push(Change::TufRoot(root(None, &keys, now)));
    Ok(changes)
}
