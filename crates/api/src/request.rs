//! Requests, as they are submitted and looked at.

use model::receipt::Receipt;
use model::{Digest, Instant, PrincipalId, RequestId, RequestState, Space};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// `POST /v1/requests`. Answered with `200` and a [`RequestView`] where the receipts are there within `?wait=`
/// seconds, else with `202` and the view as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The canonical JSON of the request. A string, so that the very bytes travel that were hashed.
    pub request: String,
    /// The canonical JSON of each item, in their order.
    pub items: Vec<String>,
    /// Ask for a new signature even if the same was asked for, and given, within the last 24 hours.
    #[serde(default)]
    pub again: bool,
}

/// `POST /v1/requests/{id}/endorsements`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndorsementSubmission {
    /// The canonical JSON of the endorsement.
    pub endorsement: String,
}

/// `GET /v1/requests/{id}?wait=30`: how a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestView {
    /// Its id. A repeat gets the id of the request that was signed.
    #[schema(value_type = schema::RequestId)]
    pub id: RequestId,
    /// The request digest.
    #[schema(value_type = schema::Digest)]
    pub digest: Digest,
    /// Where it stands.
    #[schema(value_type = schema::RequestState)]
    pub state: RequestState,
    /// When it came to stand there.
    #[schema(value_type = schema::Instant)]
    pub since: Instant,
    /// Why, where it is refused, rejected, expired or failed; what is missing, where it waits.
    pub reasons: Vec<String>,
    /// One receipt for each file, in the order of their first items; there when the state is `done`.
    #[schema(value_type = Vec<schema::Receipt>)]
    pub receipts: Vec<Receipt>,
}

/// `GET /v1/requests/{id}/content`: the request as it was received, which endorsers read and recompute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestContent {
    /// The canonical JSON of the request. Its digest is computed from it, and not asked for.
    pub request: String,
    /// The canonical JSON of each item, in their order.
    pub items: Vec<String>,
    /// The canonical JSON of the endorsements so far.
    pub endorsements: Vec<String>,
}

/// `GET /v1/requests?state=&profile=&after=`: a request in a [`Page`](crate::Page), the newest first. On it are those
/// that the caller asked for, and those under profiles that the caller's credential reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    /// Its id.
    #[schema(value_type = schema::RequestId)]
    pub id: RequestId,
    /// The signing profile.
    #[schema(value_type = schema::Space)]
    pub profile: Space,
    /// Who submitted it.
    #[schema(value_type = schema::PrincipalId)]
    pub requester: PrincipalId,
    /// When it was submitted.
    #[schema(value_type = schema::Instant)]
    pub submitted: Instant,
    /// Until when it may be signed.
    #[schema(value_type = schema::Instant)]
    pub deadline: Instant,
    /// Where it stands. What is signed or logged stands as `intended` here, until it is done.
    #[schema(value_type = schema::RequestState)]
    pub state: RequestState,
    /// When it came to stand there.
    #[schema(value_type = schema::Instant)]
    pub since: Instant,
    /// Why, where it is refused, rejected, expired or failed; what is missing, where it waits.
    pub reasons: Vec<String>,
}
