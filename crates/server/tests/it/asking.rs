//! Composing requests, as a client does.

use std::time::Duration;

use api::{ProfileView, Submission};
use model::{
    Content, Digest, Disclosure, FileClaim, Hex16, Hex32, Item, Items, Kind, Parameters, Purpose, Request,
    RequestId, Signing, Subject,
};

use crate::founder::space;

/// Composes a request to sign `content` with every key of the profile.
pub(crate) fn compose(view: &ProfileView, id: u8, content: &[u8]) -> Submission {
    compose_with(view, id, content, |_| ())
}

/// The same, bent before it is encoded.
pub(crate) fn compose_with(
    view: &ProfileView,
    id: u8,
    content: &[u8],
    bend: impl FnOnce(&mut Request),
) -> Submission {
    let items: Vec<Vec<u8>> = (0..)
        .zip(&view.keys)
        .map(|(index, key)| {
            let item = Item {
                index,
                salt: Hex16([id; 16]),
                name: "app.tar.gz".to_owned(),
                format: space("blob"),
                form: key.form,
                parameters: Parameters::default(),
                key: key.key.clone(),
                content: Content::Sha256 { digest: Digest::of(content), length: content.len() as u64 },
                file: FileClaim { sha256: Digest::of(content), size: content.len() as u64 },
            };
            item.encode()
        })
        .collect();
    let mut request = Request {
        version: 1,
        id: RequestId::new([id; 16]),
        space: view.space.clone(),
        platform: view.platform,
        registry: view.registry,
        policy: view.policy,
        nonce: Hex32([id; 32]),
        created: view.now,
        deadline: view.now.after(Duration::from_secs(view.period_s_max)),
        requester: view.requester.clone(),
        reason: String::new(),
        kind: Kind::Sign(Signing {
            profile: view.profile.name.clone(),
            profile_version: view.version,
            purpose: Purpose::Code,
            class: view.profile.class,
            subject: Subject::default(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: Items::parse(items.clone()).unwrap().tree(),
        }),
    };
    bend(&mut request);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Submission { request: text(request.encode()), items: items.into_iter().map(text).collect(), again: false }
}
