//! What the listener for requests says of its paths.

use api::{
    Code, EndorsementSubmission, ProfileView, RequestContent, RequestLine, RequestState, RequestView,
    Submission, Whoami,
};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::operation::{Listener, Operation, number_from, operation, text};
use crate::body;

/// What any call with a credential may be refused with.
const CALLERS: &[Code] = &[Code::Unauthenticated, Code::Busy, Code::Unavailable, Code::Internal];
/// What a call may be refused with that is to change something.
const CHANGES: &[Code] = &[Code::ReadOnly];
/// What any body may be refused with.
const BODIES: &[Code] = &[Code::Malformed, Code::TimedOut, Code::TooLarge, Code::UnsupportedMediaType];

fn by_callers(id: &str, summary: &str) -> Operation {
    operation(Listener::Requests, id, summary)
}

fn request_id() -> ObjectBuilder {
    text("req_aeaqcaibaeaqcaibaeaqcaibae").pattern(Some("^req_[a-z2-7]{26}$"))
}

const WAIT: &str = "How many seconds to wait for the request to be final; what is more than the server waits (60) is cut to that.";
const ID: &str = "The request's id.";
/// How a name with its space is written.
const SPACE: &str = "^[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62}){0,7}$";

pub(crate) fn submit() -> Operation {
    let example = serde_json::from_str(include_str!("submission.json")).expect("the example is JSON");
    let key = text("build-4711").pattern(Some("^[!-~]{1,255}$"));
    by_callers("submitRequest", "Ask for signatures")
        .about(
            "The client composes the request; what it cannot know it gets from its profile. Files never travel, only their \
             digests. The same request, sent again, is answered as before and signs nothing twice.",
        )
        .query("wait", WAIT, number_from(0, 30))
        .header("idempotency-key", "A name for this call: sent again under it, the same submission is the same request.", key)
        .takes::<Submission>(body::SUBMISSION_BYTES_MAX, example)
        .answers::<RequestView>(200, "The request is final: its receipts are there, or the reasons why there are none.")
        .answers::<RequestView>(202, "The request is recorded and goes on: look at it again.")
        .refuses(&[CALLERS, CHANGES, BODIES, &[Code::BadRequest, Code::NotFound, Code::Conflict, Code::Stale]].concat())
}

pub(crate) fn list() -> Operation {
    let states = RequestState::ALL.map(RequestState::word);
    let state = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(states));
    by_callers("listRequests", "The requests that the caller sees, the newest first")
        .about(
            "A page has at most 100. What is signed or logged stands as `intended` here, until it is done.",
        )
        .query("state", "Only those that stand so.", state)
        .query(
            "profile",
            "Only those under this signing profile.",
            text("payments/release").pattern(Some(SPACE)),
        )
        .query("after", "The `next` of the page before.", request_id())
        .answers_pages::<RequestLine>(200, "A page of them.")
        .refuses(&[CALLERS, &[Code::Malformed]].concat())
}

pub(crate) fn look() -> Operation {
    by_callers("readRequest", "How a request stands")
        .about("Whoever asked for it sees it, and whoever may sign under its profile.")
        .part("id", ID, request_id())
        .query("wait", WAIT, number_from(0, 30))
        .answers::<RequestView>(200, "The request is final.")
        .answers::<RequestView>(202, "The request goes on.")
        .refuses(&[CALLERS, &[Code::Malformed, Code::NotFound]].concat())
}

pub(crate) fn content() -> Operation {
    by_callers("readRequestContent", "The request as it was received")
        .about("What endorsers read and recompute: the very bytes that were hashed.")
        .part("id", ID, request_id())
        .answers::<RequestContent>(200, "The request, its items, and the endorsements so far.")
        .refuses(&[CALLERS, &[Code::NotFound]].concat())
}

pub(crate) fn endorse() -> Operation {
    let example = json!({ "endorsement": "{\"credential\":\"…\",\"message\":\"avouch endorsement v1\\n…\",\"signature\":\"…\"}" });
    by_callers("endorseRequest", "Bring an endorsement")
        .about("Whose it is, the endorsement says itself; whoever sees the request may bring it.")
        .part("id", ID, request_id())
        .takes::<EndorsementSubmission>(body::SMALL_BYTES_MAX, example)
        .answers::<RequestView>(200, "That was the last one that was missing, and the request is final.")
        .answers::<RequestView>(202, "The request goes on, or waits for more.")
        .refuses(
            &[CALLERS, CHANGES, BODIES, &[Code::BadRequest, Code::NotFound, Code::NotWaiting, Code::Stale]]
                .concat(),
        )
}

pub(crate) fn withdraw() -> Operation {
    by_callers("withdrawRequest", "Take a request back")
        .about("Only its requester may, and only while it waits.")
        .part("id", ID, request_id())
        .answers::<RequestView>(200, "It is withdrawn.")
        .answers::<RequestView>(202, "It goes on.")
        .refuses(&[CALLERS, CHANGES, &[Code::Forbidden, Code::NotFound, Code::NotWaiting]].concat())
}

pub(crate) fn profile() -> Operation {
    by_callers("readProfile", "All that a client needs to compose a request")
        .part(
            "name",
            "The profile's name, with the space it lives in.",
            text("payments/release").pattern(Some(SPACE)),
        )
        .answers::<ProfileView>(200, "The profile, its keys, and where the platform stands now.")
        .refuses(&[CALLERS, &[Code::NotFound]].concat())
}

pub(crate) fn whoami() -> Operation {
    by_callers("whoami", "Who asks, and what they may use")
        .answers::<Whoami>(200, "The requester as the server sees them, and every profile.")
        .refuses(CALLERS)
}
