//! Administration on the local socket: who may ask, with which credential, for which profiles.
//!
//! Whoever may open the socket administers; no credential of another listener does, and none that is made here can
//! administer. Changes of the registry, which say who endorses, do not come this way.

mod credentials;
mod principals;
mod profiles;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use api::{Code, Page};
use axum::Router;
use axum::http::Uri;
use axum::routing::{get, post};
use model::{Clock, Instant};
use signer::Signer;
use store::Store;

use crate::problem::Refusal;
use crate::routes::trust_root::TrustRootShelf;

/// How long a body may take on a socket of this machine.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// Entries of one page.
const PAGE: usize = 100;

/// What administration works with.
#[derive(Clone)]
struct Desk {
    store: Arc<Store>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    shelf: Arc<TrustRootShelf>,
}

impl Desk {
    fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// The paths of the administrative socket.
pub(crate) fn router(
    store: Arc<Store>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    shelf: Arc<TrustRootShelf>,
) -> Router {
    Router::new()
        .route("/v1/admin/principals", get(principals::list).post(principals::add))
        .route("/v1/admin/principals/{id}/disable", post(principals::disable))
        .route("/v1/admin/principals/{id}/certificates", post(credentials::add_certificate))
        .route("/v1/admin/certificates/{key}/revocation", post(credentials::revoke_certificate))
        .route("/v1/admin/api-keys", get(credentials::list_api_keys).post(credentials::issue_api_key))
        .route("/v1/admin/api-keys/{id}/revocation", post(credentials::revoke_api_key))
        .route("/v1/admin/profiles", get(profiles::list).post(profiles::put))
        .route("/v1/admin/registry/refresh", post(registry::refresh))
        .with_state(Desk { store, signer, clock, shelf })
}

/// The `after=` of a list: the last entry of the page before.
fn after(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("after="))
}

/// The page after the entry that is called `after`, which names where the next one begins if there is one.
fn page<T>(all: Vec<T>, after: Option<&str>, name: impl Fn(&T) -> String) -> Page<T> {
    let begin =
        after.map_or(0, |after| all.iter().position(|one| name(one) == after).map_or(all.len(), |at| at + 1));
    let left = all.len() - begin;
    let items: Vec<T> = all.into_iter().skip(begin).take(PAGE).collect();
    Page { next: items.last().filter(|_| left > PAGE).map(name), items }
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(Refusal::internal)?;
    Ok(bytes)
}

fn not_found(what: &str, name: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no {what} `{name}`"))
}

fn bad(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::BadRequest, error.to_string())
}
