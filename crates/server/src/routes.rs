//! Which paths there are, on which listener.

pub(crate) mod ct;
pub(crate) mod development;
pub(crate) mod fulcio;
pub(crate) mod log;
pub(crate) mod monitor;
pub(crate) mod profiles;
pub(crate) mod rekor_v1;
pub(crate) mod requests;
pub(crate) mod timestamp;
pub(crate) mod trust_root;
pub(crate) mod tuf;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use crate::door::{self, Access, Sentry, Visitors};
use crate::openapi::{self, Paths};
use crate::signing::Signing;
use crate::turnstile::{self, Reads};

use ct::CertificateLogReader;
use fulcio::CertificateCounter;
use log::LogReader;
use log::entries::EntryCounter;
use log::search::SearchCounter;
use monitor::Monitor;
use rekor_v1::RekorV1Counter;
use timestamp::TimestampCounter;
use trust_root::TrustRootShelf;

/// The listener for requests: a credential for everything but health.
pub(crate) fn api(signing: Signing, sentry: Sentry) -> Router {
    behind_door(signing_paths().into_router(signing).merge(open_paths().into_router(())), sentry)
}

/// The listener for the public: no credential for anything.
pub(crate) fn public(
    logs: Logs,
    counter: TimestampCounter,
    keyless: Keyless,
    shelf: Arc<TrustRootShelf>,
    reads: Reads,
    sentry: Sentry,
) -> Router {
    let Keyless { certificates, log: certificate_log } = keyless;
    let certificates = certificate_paths().into_router(certificates);
    let certificates = certificates.merge(certificate_log_paths().into_router(certificate_log));
    let Logs { reader, rekor_v1 } = logs;
    let log = log_paths().into_router(reader).merge(entry_paths().into_router(rekor_v1.entries.clone()));
    let log = log.merge(search_paths().into_router(SearchCounter::over(Arc::clone(&rekor_v1.store))));
    let log = log.merge(rekor_v1_paths().into_router(rekor_v1));
    let timestamp = timestamp_paths().into_router(counter);
    let trust_root = trust_root_paths().into_router(shelf);
    // INVARIANT: whatever anybody may ask is bounded, but for two paths that look nothing up. What only reads, is here; what
    // brings something, before its body is read.
    let router = log.merge(timestamp).merge(certificates).merge(trust_root);
    let router = router.route_layer(from_fn_with_state(reads, turnstile::reading));
    behind_door(router.merge(open_paths().into_router(())), sentry)
}

/// What serves the logs of signatures.
pub(crate) struct Logs {
    pub(crate) reader: LogReader,
    pub(crate) rekor_v1: RekorV1Counter,
}

/// What serves holders of ID tokens, and monitors of their certificates.
pub(crate) struct Keyless {
    pub(crate) certificates: CertificateCounter,
    pub(crate) log: CertificateLogReader,
}

fn signing_paths() -> Paths<Signing> {
    use openapi::signing as says;
    Paths::new()
        .get("/v1/requests", requests::list, says::list())
        .post("/v1/requests", requests::submit, says::submit())
        .get("/v1/requests/{id}", requests::look, says::look())
        .get("/v1/requests/{id}/content", requests::content, says::content())
        .post("/v1/requests/{id}/endorsements", requests::endorse, says::endorse())
        .post("/v1/requests/{id}/withdrawal", requests::withdraw, says::withdraw())
        .get("/v1/profiles/{*name}", profiles::profile, says::profile())
        .get("/v1/whoami", profiles::whoami, says::whoami())
}

fn log_paths() -> Paths<LogReader> {
    use openapi::public as says;
    Paths::new()
        .get("/api/v2/checkpoint", log::checkpoint, says::checkpoint())
        .get("/api/v2/tile/{*path}", log::tile, says::tile())
        .get("/shards/{origin}/api/v2/checkpoint", log::shard_checkpoint, says::shard_checkpoint())
        .get("/shards/{origin}/api/v2/tile/{*path}", log::shard_tile, says::shard_tile())
}

fn entry_paths() -> Paths<EntryCounter> {
    Paths::new().post("/api/v2/log/entries", log::entries::log_entry, openapi::public::log_entry())
}

fn search_paths() -> Paths<SearchCounter> {
    Paths::new().get("/v1/log/search", log::search::search, openapi::public::search())
}

fn rekor_v1_paths() -> Paths<RekorV1Counter> {
    use openapi::rekor_v1 as says;
    Paths::new()
        .get("/api/v1/log", rekor_v1::log::head, says::head())
        .get("/api/v1/log/proof", rekor_v1::log::proof, says::proof())
        .get("/api/v1/log/publicKey", rekor_v1::log::public_key, says::public_key())
        .get("/api/v1/log/entries", rekor_v1::at_index, says::at_index())
        .post("/api/v1/log/entries", rekor_v1::create, says::create())
        .get("/api/v1/log/entries/{id}", rekor_v1::named, says::named())
        .post("/api/v1/log/entries/retrieve", rekor_v1::search::retrieve, says::retrieve())
        .post("/api/v1/index/retrieve", rekor_v1::search::index, says::index())
}

fn timestamp_paths() -> Paths<TimestampCounter> {
    use openapi::public as says;
    Paths::new().post("/api/v1/timestamp", timestamp::stamp, says::stamp()).get(
        "/api/v1/timestamp/certchain",
        timestamp::chain,
        says::chain(),
    )
}

fn certificate_paths() -> Paths<CertificateCounter> {
    use openapi::keyless as says;
    Paths::new()
        .post("/api/v2/signingCert", fulcio::signing_certificate, says::signing_certificate())
        .get("/api/v2/trustBundle", fulcio::trust_bundle, says::trust_bundle())
        .get("/api/v2/configuration", fulcio::configuration, says::configuration())
        .post("/api/v1/signingCert", fulcio::signing_certificate_before, says::signing_certificate_before())
        .get("/api/v1/rootCert", fulcio::root_certificate, says::root_certificate())
}

fn certificate_log_paths() -> Paths<CertificateLogReader> {
    use openapi::keyless as says;
    Paths::new()
        .get("/ctlog/{shard}/checkpoint", ct::checkpoint, says::log_checkpoint())
        .get("/ctlog/{shard}/tile/{*path}", ct::tile, says::log_tile())
        .get("/ctlog/{shard}/issuer/{fingerprint}", ct::issuer, says::log_issuer())
}

fn trust_root_paths() -> Paths<Arc<TrustRootShelf>> {
    use openapi::public as says;
    Paths::new()
        .get("/v1/trust-root", trust_root::trust_root, says::trust_root())
        .get("/sigstore/trusted_root.json", trust_root::sigstore, says::trusted_root())
        .get("/sigstore/signing_config.v0.2.json", trust_root::signing_config, says::signing_config())
        .get("/tuf/{file}", tuf::metadata, says::tuf_metadata())
        .get("/tuf/targets/{file}", tuf::target, says::tuf_target())
}

/// What both have, for anybody.
fn open_paths() -> Paths<()> {
    use openapi::public as says;
    Paths::new().get("/healthz", monitor::health, says::health()).get(
        openapi::PATH,
        async || openapi::serve(&DOCUMENT),
        says::document(),
    )
}

/// The OpenAPI document of both.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let description = signing_paths()
        .into_description()
        .and(log_paths().into_description())
        .and(entry_paths().into_description())
        .and(search_paths().into_description())
        .and(rekor_v1_paths().into_description())
        .and(timestamp_paths().into_description())
        .and(certificate_paths().into_description())
        .and(certificate_log_paths().into_description())
        .and(trust_root_paths().into_description())
        .and(open_paths().into_description());
    openapi::text(&openapi::document(description))
});

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_the_paths_say() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
        if std::env::var_os("AVOUCH_GEN").is_some() {
            std::fs::write(page, DOCUMENT.as_str()).expect("the page of the document can be written");
        }
        let checked_in = std::fs::read_to_string(page).unwrap_or_default();
        assert!(checked_in == *DOCUMENT, "`cargo xtask gen` writes docs/reference/openapi.json anew");
    }

    #[test]
    fn whatever_the_document_refers_to_is_in_it() {
        let document: serde_json::Value = serde_json::from_str(&DOCUMENT).expect("it is JSON");
        let references: Vec<&str> =
            DOCUMENT.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(references.len() > 100);
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
