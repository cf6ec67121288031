//! Which paths there are, on which listener.

pub(crate) mod log;
pub(crate) mod monitor;
pub(crate) mod profiles;
pub(crate) mod requests;
pub(crate) mod timestamp;
pub(crate) mod trust_root;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::door::{self, Access, Sentry, Visitors};
use crate::signing::Signing;

use log::LogReader;
use monitor::Monitor;
use timestamp::TimestampCounter;
use trust_root::TrustRootShelf;

/// The listener for requests: a credential for everything but health.
pub(crate) fn api(signing: Signing, sentry: Sentry) -> Router {
    let router = Router::new()
        .route("/v1/requests", get(requests::list).post(requests::submit))
        .route("/v1/requests/{id}", get(requests::look))
        .route("/v1/requests/{id}/content", get(requests::content))
        .route("/v1/requests/{id}/endorsements", post(requests::endorse))
        .route("/v1/requests/{id}/withdrawal", post(requests::withdraw))
        .route("/v1/profiles/{*name}", get(profiles::profile))
        .route("/v1/whoami", get(profiles::whoami))
        .route("/healthz", get(monitor::health))
        .with_state(signing);
    behind_door(router, sentry)
}

/// The listener for the public: no credential for anything.
pub(crate) fn public(
    log: LogReader,
    counter: TimestampCounter,
    shelf: Arc<TrustRootShelf>,
    sentry: Sentry,
) -> Router {
    let log = Router::new()
        .route("/api/v2/checkpoint", get(log::checkpoint))
        .route("/api/v2/tile/{*path}", get(log::tile))
        .route("/shards/{origin}/api/v2/checkpoint", get(log::shard_checkpoint))
        .route("/shards/{origin}/api/v2/tile/{*path}", get(log::shard_tile))
        .with_state(log);
    let timestamp = Router::new()
        .route("/api/v1/timestamp", post(timestamp::stamp))
        .route("/api/v1/timestamp/certchain", get(timestamp::chain))
        .with_state(counter);
    let trust_root = Router::new().route("/v1/trust-root", get(trust_root::trust_root)).with_state(shelf);
    let health = Router::new().route("/healthz", get(monitor::health));
    behind_door(log.merge(timestamp).merge(trust_root).merge(health), sentry)
}

/// The loopback listener for metrics and health.
pub(crate) fn monitored(monitor: Monitor) -> Router {
    let sentry =
        Sentry { telemetry: Arc::clone(&monitor.telemetry), visitors: Visitors::Own, access: Access::Full };
    let router = Router::new()
        .route("/healthz", get(monitor::health))
        .route("/readyz", get(monitor::ready))
        .route("/metrics", get(monitor::metrics))
        .with_state(monitor);
    behind_door(router, sentry)
}

pub(crate) fn behind_door(router: Router, sentry: Sentry) -> Router {
    router
        .fallback(door::no_such_path)
        .method_not_allowed_fallback(door::no_such_method)
        .layer(from_fn_with_state(sentry, door::pass))
}
