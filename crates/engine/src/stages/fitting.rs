//! A request held against its profile and the registry: what must be so before anybody is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use envelope::{Chosen, compose};
use model::{Digest, Form, Instant, Item, ItemKey, Profile, Purpose, Space, limits};

use super::Received;
use crate::platform::{Platform, PlatformKey};
use crate::{ItemFault, KeyView, ProfileView, SubmitError};

/// A received request under a profile, with the keys that its items name: it fits, and nobody was asked yet.
#[derive(Debug)]
pub(crate) struct Fitting {
    pub(crate) received: Received,
    pub(crate) profile: Profile,
    pub(crate) platform: Arc<Platform>,
    /// The key of each item, in their order.
    pub(crate) keys: Vec<Arc<PlatformKey>>,
}

impl Fitting {
    /// Holds a request to the profile in force and to the registry as it is. What is out of date is `Stale`.
    pub(crate) fn check(
        received: Received,
        profile: Profile,
        platform: Arc<Platform>,
        now: Instant,
    ) -> Result<Self, SubmitError> {
        check_context(&received, &profile, &platform, now)?;
        let keys = check_items(&received, &profile, &platform, now)?;
        check_times(&received, &keys, now)?;
        Ok(Self { received, profile, platform, keys })
    }

    /// Takes a request up again whose intent is recorded: it fitted then, and the key process answers from its
    /// journal what it answered then. Only the keys themselves must still be known.
    pub(crate) fn resume(
        received: Received,
        profile: Profile,
        platform: Arc<Platform>,
    ) -> Result<Self, Space> {
        let key = |item: &Item| platform.named(&item.key.name, item.key.generation).cloned();
        let keys: Result<Vec<_>, Space> =
            received.items.iter().map(|(_, item)| key(item).ok_or_else(|| item.key.name.clone())).collect();
        Ok(Self { keys: keys?, received, profile, platform })
    }
}

/// The space of a name: the path above it; the name itself, where nothing is above.
fn space_of(profile: &Space) -> Space {
    let above = profile.as_str().rsplit_once('/').and_then(|(above, _)| above.parse().ok());
    above.unwrap_or_else(|| profile.clone())
}

/// All that a client cannot know by itself.
pub(crate) fn profile_view(
    requester: model::Requester,
    profile: &Profile,
    platform: &Platform,
    now: Instant,
) -> ProfileView {
    let registry = platform.registry();
    let active: Vec<&Arc<PlatformKey>> =
        profile.keys.iter().filter_map(|key| platform.active(&key.key)).collect();
    ProfileView {
        platform: registry.platform(),
        registry: registry.head(),
        policy: registry.policy(),
        requester,
        space: space_of(&profile.name),
        profile: profile.clone(),
        version: profile.digest(),
        period_s_max: period_s_max(&active),
        keys: active.into_iter().map(|key| key_view(key, platform, now)).collect(),
        now,
    }
}

fn key_view(key: &PlatformKey, platform: &Platform, now: Instant) -> KeyView {
    let record = key.record();
    let chain = platform.chain_at(&record.id(), now);
    KeyView {
        form: record.form,
        key: item_key(key),
        public_key: record.public_key.clone(),
        chain: chain.iter().map(|certificate| certificate.der().to_vec()).collect(),
        governed: record.rule.is_some(),
        namespaces: record.namespaces.clone(),
    }
}

fn item_key(key: &PlatformKey) -> ItemKey {
    let record = key.record();
    ItemKey { name: record.name.clone(), generation: record.generation, record: key.key.digest }
}

/// How long a request to these keys may stay open: the shortest period of their rules, or what is allowed where
/// nobody is asked.
fn period_s_max(keys: &[&Arc<PlatformKey>]) -> u64 {
    let rules = keys.iter().filter_map(|key| key.record().rule.as_ref());
    let shortest = rules.map(|rule| rule.period_s_max.min(limits::ENDORSED_PERIOD_S_MAX)).min();
    shortest.unwrap_or(limits::UNENDORSED_PERIOD_S_MAX)
}

fn check_context(
    received: &Received,
    profile: &Profile,
    platform: &Platform,
    now: Instant,
) -> Result<(), SubmitError> {
    let Received { request, signing, caller, .. } = received;
    let registry = platform.registry();
    let current = [
        ("platform", request.platform == registry.platform()),
        ("requester", request.requester == caller.requester()),
        ("space", request.space == space_of(&profile.name)),
        ("kind.sign.profileVersion", signing.profile_version == profile.digest()),
        ("policy", request.policy == registry.policy()),
        ("registry", registry.knows_head(&request.registry)),
    ];
    if let Some((field, _)) = current.iter().find(|(_, holds)| !holds) {
        return Err(stale(field, received, profile, platform, now));
    }
    let field = |field, found: &str, expected: &str| SubmitError::Field {
        field,
        found: found.to_owned(),
        expected: expected.to_owned(),
        profile: profile.name.clone(),
    };
    if signing.class != profile.class {
        return Err(field("class", signing.class.word(), profile.class.word()));
    }
    if signing.purpose != Purpose::Code {
        return Err(field("purpose", signing.purpose.word(), Purpose::Code.word()));
    }
    Ok(())
}

fn stale(
    field: &'static str,
    received: &Received,
    profile: &Profile,
    platform: &Platform,
    now: Instant,
) -> SubmitError {
    let profile = profile_view(received.caller.requester(), profile, platform, now);
    SubmitError::Stale { field, profile: Box::new(profile) }
}

/// Every item names the profile's key for its form, in its active generation; and no file comes twice in one form.
fn check_items(
    received: &Received,
    profile: &Profile,
    platform: &Platform,
    now: Instant,
) -> Result<Vec<Arc<PlatformKey>>, SubmitError> {
    let mut keys = Vec::with_capacity(received.items.iter().len());
    let mut seen: BTreeMap<(&str, Digest, Form), u32> = BTreeMap::new();
    for (_, item) in received.items.iter() {
        let fault = |fault| SubmitError::Item { index: item.index, profile: profile.name.clone(), fault };
        if let Some(other) = seen.insert((&item.name, item.file.sha256, item.form), item.index) {
            return Err(fault(ItemFault::Twice { other }));
        }
        let key = active_key(item, profile, platform).map_err(fault)?;
        if item.key != item_key(&key) {
            return Err(stale("key", received, profile, platform, now));
        }
        if !key.record().classes.contains(&profile.class) {
            return Err(fault(ItemFault::Class { key: item.key.name.clone(), class: profile.class }));
        }
        let namespace = &item.parameters.namespace;
        if !key.record().signs_in(namespace.as_deref()) {
            let (key, namespace) = (item.key.name.clone(), namespace.clone().unwrap_or_default());
            return Err(fault(ItemFault::Namespace { key, namespace }));
        }
        // Any time will do to see whether the content can be signed at all.
        let (public_key, since) = (&key.record().public_key, key.record().not_before);
        let chosen = Chosen::for_item(item.form, public_key, since, now);
        if let Err(source) = compose(item, &chosen, key.certificate()) {
            return Err(fault(ItemFault::Content { form: item.form, source }));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn active_key(item: &Item, profile: &Profile, platform: &Platform) -> Result<Arc<PlatformKey>, ItemFault> {
    let expected = profile.keys.iter().find(|key| key.form == item.form).ok_or_else(|| ItemFault::Form {
        form: item.form,
        known: profile.keys.iter().map(|key| key.form.word()).collect::<Vec<_>>().join(", "),
    })?;
    if item.key.name != expected.key {
        let (found, expected) = (item.key.name.clone(), expected.key.clone());
        return Err(ItemFault::Key { form: item.form, found, expected });
    }
    let key = platform.active(&expected.key).filter(|key| key.record().form == item.form);
    key.cloned().ok_or_else(|| ItemFault::Inactive { key: expected.key.clone() })
}

fn check_times(received: &Received, keys: &[Arc<PlatformKey>], now: Instant) -> Result<(), SubmitError> {
    let model::Request { created, deadline, .. } = received.request;
    if now < created || now >= deadline {
        return Err(SubmitError::Time { now, created, deadline });
    }
    let allowed_s = period_s_max(&keys.iter().collect::<Vec<_>>());
    let asked = deadline.since(created);
    if asked > Duration::from_secs(allowed_s) {
        return Err(SubmitError::Period { asked_s: asked.as_secs(), allowed_s });
    }
    Ok(())
}
