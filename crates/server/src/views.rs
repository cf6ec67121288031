//! From what the engine shows to what goes over the wire.

use api::{KeyView, ProfileView, RequestLine, RequestView};
use engine::{Standing, View};
use model::Base64;
use store::ListedRequest;

pub(crate) fn request(view: View) -> RequestView {
    let View { id, digest, state, since, reasons, receipts } = view;
    let receipts = receipts.into_iter().map(|(_, receipt)| receipt).collect();
    RequestView { id, digest, state, since, reasons, receipts }
}

pub(crate) fn line(listed: ListedRequest) -> RequestLine {
    let ListedRequest { id, profile, requester, submitted, deadline, standing } = listed;
    let Standing { state, since, reasons } = standing;
    RequestLine { id, profile, requester, submitted, deadline, state, since, reasons }
}

pub(crate) fn profile(view: engine::ProfileView) -> ProfileView {
    let engine::ProfileView {
        platform,
        registry,
        policy,
        requester,
        space,
        profile,
        version,
        keys,
        now,
        period_s_max,
    } = view;
    let keys = keys.into_iter().map(key).collect();
    ProfileView { platform, registry, policy, requester, space, profile, version, keys, now, period_s_max }
}

fn key(view: engine::KeyView) -> KeyView {
    let engine::KeyView { form, key, public_key, chain, governed, namespaces } = view;
    KeyView { form, key, public_key, chain: chain.into_iter().map(Base64).collect(), governed, namespaces }
}
