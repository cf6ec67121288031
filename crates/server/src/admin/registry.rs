//! The registry, as the key process shows it.

use std::sync::Arc;

use api::RegistryView;
use axum::Json;
use axum::extract::State;
use quorum::Registry;
use signer::Signer;

use super::Desk;
use crate::blocking::blocking;
use crate::problem::Refusal;

/// Looks at the key process's registry now. The engine does so by itself within a second; the trust root is made anew,
/// so that whoever signs with a new key does not meet verifiers that never heard of it.
pub(super) async fn refresh(State(desk): State<Desk>) -> Result<Json<RegistryView>, Refusal> {
    desk.shelf.forget().await;
    let signer = Arc::clone(&desk.signer);
    let registry = blocking(move || present(&*signer)).await?;
    Ok(Json(RegistryView { head: registry.head(), entries: registry.entries() }))
}

/// The registry as it is now.
pub(super) fn present(signer: &dyn Signer) -> Result<Registry, Refusal> {
    let state =
        signer.state().map_err(|error| Refusal::unavailable("the key process cannot be reached", error))?;
    state.replay().map_err(Refusal::internal)
}
