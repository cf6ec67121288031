//! Clients: they compose requests, ask again when they hear nothing, and remember what they were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{Reply, State, Submission, SubmitError, View};
use identity::Caller;
use model::{
    Content, Digest, Disclosure, FileClaim, Form, Hex16, Hex32, Instant, Item, ItemKey, Items, Kind,
    Parameters, Profile, Purpose, Request, RequestId, Signing, Space, Subject,
};
use quorum::Registry;
use testkit::Seeded;

use crate::logs::origin;
use crate::store::CrashStore;
use crate::truth::{Found, Truth, must};

/// A request as its client keeps it until it knows how it ended.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) digest: Digest,
    pub(crate) created: Instant,
    pub(crate) deadline: Instant,
    pub(crate) caller: Caller,
    pub(crate) profile: Profile,
    pub(crate) submission: Submission,
    pub(crate) governed: bool,
    /// The key and the content of each item.
    pub(crate) contents: Vec<(Space, Digest)>,
}

/// What clients were told, by request.
#[derive(Clone)]
pub(crate) struct Told {
    views: Arc<Mutex<BTreeMap<RequestId, Vec<View>>>>,
    last_error: Arc<Mutex<String>>,
    store: CrashStore,
    truth: Truth,
}

impl Told {
    pub(crate) fn new(store: CrashStore, truth: Truth) -> Self {
        Self { views: Arc::default(), last_error: Arc::default(), store, truth }
    }

    /// A reply that writes down what it is told, and holds it against what is public at this moment.
    pub(crate) fn reply(&self) -> Reply {
        let told = self.clone();
        Box::new(move |result: Result<View, SubmitError>| match result {
            Ok(view) => {
                told.truth.hold(told.check_now(&view));
                told.views().entry(view.id).or_default().push(view);
            }
            Err(error) => told.remember(&error),
        })
    }

    /// INVARIANT 4 and 7: what is told as done is public and recorded before it is told.
    fn check_now(&self, view: &View) -> Found {
        if view.state != State::Done || self.store.is_dark() {
            return Ok(());
        }
        let items = view.receipts.iter().flat_map(|(_, receipt)| &receipt.items);
        for entry in items.filter_map(|item| item.log.as_ref()) {
            let public = self.store.published_size(origin(&entry.checkpoint)).unwrap_or(0);
            must(entry.index < public, 4, || format!("{} is told before its entry is public", view.id))?;
        }
        let recorded = self.store.row(&view.id).is_some_and(|row| row.standing.state == State::Done);
        must(recorded, 7, || format!("{} is told as done before that is recorded", view.id))
    }

    /// The last error that any client got: where nothing goes on, it says why.
    pub(crate) fn last_error(&self) -> String {
        self.last_error.lock().expect("nothing panics while it holds an error").clone()
    }

    fn remember(&self, error: &SubmitError) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        *self.last_error.lock().expect("nothing panics while it holds an error") = text;
    }

    pub(crate) fn all(&self) -> BTreeMap<RequestId, Vec<View>> {
        self.views().clone()
    }

    /// Does the client of this request know how it ended?
    pub(crate) fn is_final(&self, id: &RequestId) -> bool {
        self.views().get(id).is_some_and(|views| views.iter().any(|view| view.state.is_final()))
    }

    fn views(&self) -> MutexGuard<'_, BTreeMap<RequestId, Vec<View>>> {
        self.views.lock().expect("nothing panics while it holds what was told")
    }
}

/// Composes a request under a profile, as a command line does; `None` while one of the profile's keys does not sign.
pub(crate) fn compose(
    registry: &Registry,
    caller: &Caller,
    profile: &Profile,
    now: Instant,
    dice: &mut Seeded,
) -> Option<Asked> {
    let keys: Vec<&quorum::Key> =
        profile.keys.iter().map(|key| registry.active_key(&key.key)).collect::<Option<_>>()?;
    let files = 1 + dice.below(2);
    let mut items = Vec::new();
    for file in 0..files {
        let content: [u8; 24] = dice.bytes();
        for key in &keys {
            let index = u32::try_from(items.len()).expect("a handful of items");
            items.push(item(index, key.record.form, file, &content, key, dice));
        }
    }
    Some(ask(registry, caller, profile, items, now, dice))
}

/// A request for these items.
pub(crate) fn ask(
    registry: &Registry,
    caller: &Caller,
    profile: &Profile,
    items: Vec<Item>,
    now: Instant,
    dice: &mut Seeded,
) -> Asked {
    let governed = profile.name.as_str() == "release/governed";
    let encoded: Vec<Vec<u8>> = items.iter().map(Item::encode).collect();
    let tree = Items::parse(encoded.clone()).expect("what was composed here is well formed").tree();
    let period = if governed { 3_600 } else { 600 };
    let request = Request {
        version: 1,
        id: RequestId::new(dice.bytes()),
        space: crate::founding::space("release"),
        platform: registry.platform(),
        registry: registry.head(),
        policy: registry.policy(),
        nonce: Hex32(dice.bytes()),
        created: now,
        deadline: now.after(Duration::from_secs(period)),
        requester: caller.requester(),
        reason: String::new(),
        kind: Kind::Sign(Signing {
            profile: profile.name.clone(),
            profile_version: profile.digest(),
            purpose: Purpose::Code,
            class: profile.class,
            subject: Subject::default(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: tree,
        }),
    };
    let bytes = request.encode();
    let contents = items.iter().map(|item| (item.key.name.clone(), item.file.sha256));
    Asked {
        id: request.id,
        digest: Request::digest(&bytes),
        created: request.created,
        deadline: request.deadline,
        caller: caller.clone(),
        profile: profile.clone(),
        governed,
        contents: contents.collect(),
        submission: Submission {
            request: bytes,
            items: encoded,
            idempotency_key: None,
            repeat: engine::Repeat::Same,
        },
    }
}

/// An item of this form for this key, whether the two fit or not.
pub(crate) fn item(
    index: u32,
    form: Form,
    file: u64,
    content: &[u8],
    key: &quorum::Key,
    dice: &mut Seeded,
) -> Item {
    let digest = Digest::of(content);
    let length = u64::try_from(content.len()).expect("twenty-four");
    Item {
        index,
        salt: Hex16(dice.bytes()),
        name: format!("file-{file}"),
        format: crate::founding::space("blob"),
        form,
        parameters: Parameters::default(),
        key: ItemKey { name: key.record.name.clone(), generation: key.record.generation, record: key.digest },
        content: Content::Sha256 { digest, length },
        file: FileClaim { sha256: digest, size: length },
    }
}
