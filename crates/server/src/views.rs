//! From what the engine shows to what goes over the wire.

use api::{KeyView, ProfileView, RequestLine, RequestState, RequestView};
use engine::{Standing, State, View};
use model::Base64;
use store::ListedRequest;

pub(crate) fn request(view: View) -> RequestView {
    let View { id, digest, state, since, reasons, receipts } = view;
    let receipts = receipts.into_iter().map(|(_, receipt)| receipt).collect();
    RequestView { id, digest, state: request_state(state), since, reasons, receipts }
}

const fn request_state(state: State) -> RequestState {
    match state {
        State::Waiting => RequestState::Waiting,
        State::Intended => RequestState::Intended,
        State::Signed => RequestState::Signed,
        State::Logged => RequestState::Logged,
        State::Done => RequestState::Done,
        State::Refused => RequestState::Refused,
        State::Rejected => RequestState::Rejected,
        State::Withdrawn => RequestState::Withdrawn,
        State::Expired => RequestState::Expired,
        State::Failed => RequestState::Failed,
    }
}

pub(crate) fn line(listed: ListedRequest) -> RequestLine {
    let ListedRequest { id, profile, requester, submitted, deadline, standing } = listed;
    let Standing { state, since, reasons } = standing;
    let state = request_state(state);
    RequestLine { id, profile, requester, submitted, deadline, state, since, reasons }
}

/// The state that a client names.
pub(crate) fn state(asked: RequestState) -> Option<State> {
    State::ALL.into_iter().find(|state| request_state(*state) == asked)
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
