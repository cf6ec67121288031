//! Clients: they compose requests, ask again when they hear nothing, and remember what they were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{Reply, Submission, SubmitError, View};
use model::{
    Content, Digest, Disclosure, FileClaim, Form, Hex16, Hex32, Instant, Item, ItemKey, Items, Kind,
    Parameters, Profile, Purpose, Request, RequestId, Signing, Subject,
};
use quorum::Registry;
use testkit::Seeded;

/// A request as its client keeps it until it knows how it ended.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) digest: Digest,
    pub(crate) created: Instant,
    pub(crate) deadline: Instant,
    pub(crate) submission: Submission,
    pub(crate) governed: bool,
}

/// What clients were told, by request.
#[derive(Clone, Default)]
pub(crate) struct Told {
    views: Arc<Mutex<BTreeMap<RequestId, Vec<View>>>>,
    last_error: Arc<Mutex<String>>,
}

impl Told {
    /// A reply that writes down what it is told.
    pub(crate) fn reply(&self) -> Reply {
        let told = self.clone();
        Box::new(move |result: Result<View, SubmitError>| match result {
            Ok(view) => told.views().entry(view.id).or_default().push(view),
            Err(error) => told.remember(&error),
        })
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

/// Composes a request under a profile, as a command line does.
pub(crate) fn compose(
    registry: &Registry,
    requester: model::Requester,
    profile: &Profile,
    now: Instant,
    dice: &mut Seeded,
) -> Asked {
    let governed = profile.name.as_str() == "release/governed";
    let files = 1 + dice.below(2);
    let mut items = Vec::new();
    for file in 0..files {
        let content: [u8; 24] = dice.bytes();
        for key in &profile.keys {
            let active = registry.active_key(&key.key).expect("every key of a profile is active here");
            let index = u32::try_from(items.len()).expect("a handful of items");
            items.push(item(index, key.form, file, &content, active, dice));
        }
    }
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
        requester,
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
    Asked {
        id: request.id,
        digest: Request::digest(&bytes),
        created: request.created,
        deadline: request.deadline,
        submission: Submission {
            request: bytes,
            items: encoded,
            idempotency_key: None,
            repeat: engine::Repeat::Same,
        },
        governed,
    }
}

fn item(index: u32, form: Form, file: u64, content: &[u8], key: &quorum::Key, dice: &mut Seeded) -> Item {
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
