//! `/v1/profiles/…` and `/v1/whoami`: what a client needs before it asks.

use api::{Code, ProfileView, Whoami, WhoamiProfile};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use engine::{Engine, SubmitError};
use identity::Caller;
use model::{IdError, Space};

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::problem::Refusal;
use crate::signing::Signing;
use crate::views;

/// `GET /v1/profiles/{name}`.
pub(crate) async fn profile(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ProfileView>, Refusal> {
    let caller = signing.callers.of(&headers, peer).await?;
    let name: Space =
        name.parse().map_err(|error: IdError| Refusal::new(Code::NotFound, error.to_string()))?;
    let view = blocking(move || signing.engine.profile_view(&caller, &name)).await?;
    Ok(Json(views::profile(view)))
}

/// `GET /v1/whoami`.
pub(crate) async fn whoami(
    State(signing): State<Signing>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Json<Whoami>, Refusal> {
    let caller = signing.callers.of(&headers, peer).await?;
    blocking(move || look_around(&signing.engine, &caller)).await.map(Json)
}

fn look_around(engine: &Engine, caller: &Caller) -> Result<Whoami, SubmitError> {
    let profiles = engine.profiles(caller)?.into_iter().map(|(profile, unusable)| WhoamiProfile {
        refused: policy::reach(caller, &profile.name).err().or(unusable),
        profile: profile.name,
    });
    Ok(Whoami { requester: caller.requester(), name: caller.name.clone(), profiles: profiles.collect() })
}
