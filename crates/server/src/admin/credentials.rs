//! Credentials: API keys and client certificates.

use api::{ApiKeyView, CertificateView, IssuedApiKey, NewApiKey, NewCertificate, Page};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use identity::{ApiKey, ApiKeyId, ApiKeyRecord, CertificateRecord, KeySet as _};
use model::{KeyId, PrincipalId};
use pki::Certificate;

use super::{BODY_LIMIT, Desk, after, bad, not_found, page, random};
use crate::blocking::blocking;
use crate::body;
use crate::problem::{Refusal, words};

pub(super) async fn list_api_keys(
    State(desk): State<Desk>,
    uri: Uri,
) -> Result<Json<Page<ApiKeyView>>, Refusal> {
    let records = blocking(move || desk.store.api_keys()).await?;
    Ok(Json(page(records.into_iter().map(api_key).collect(), after(&uri), |view| view.id.to_string())))
}

pub(super) async fn issue_api_key(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<IssuedApiKey>, Refusal> {
    let new: NewApiKey = body::json(&headers, body, body::SMALL_BYTES_MAX, BODY_LIMIT).await?;
    let now = desk.now();
    if new.expires <= now {
        return Err(bad(format!("the key would expire at {}, and it is {now}", new.expires)));
    }
    let key = ApiKey::from_random(&random()?);
    let record = ApiKeyRecord {
        id: key.id(),
        digest: key.digest(),
        principal: new.principal,
        spaces: new.spaces,
        profiles: new.profiles,
        created: now,
        expires: new.expires,
        revoked: None,
    };
    let kept = record.clone();
    blocking(move || {
        known(&desk, &kept.principal)?;
        desk.store.add_api_key(&kept).map_err(Refusal::from)
    })
    .await?;
    Ok(Json(IssuedApiKey { key: key.expose(), view: api_key(record) }))
}

pub(super) async fn revoke_api_key(
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<ApiKeyView>, Refusal> {
    let id: ApiKeyId = id.parse().map_err(|_| not_found("API key", id))?;
    let found = blocking(move || {
        desk.store.revoke_api_key(&id)?;
        desk.store.api_key(&id).map_err(Refusal::internal)
    })
    .await?;
    found.map(|(record, _)| Json(api_key(record))).ok_or_else(|| not_found("API key", id))
}

pub(super) async fn add_certificate(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<CertificateView>, Refusal> {
    let principal: PrincipalId = id.parse().map_err(bad)?;
    let new: NewCertificate = body::json(&headers, body, body::SMALL_BYTES_MAX, BODY_LIMIT).await?;
    let read = Certificate::from_pem(&new.certificate).map_err(|error| bad(words(&error)))?;
    let key = read.public_key().map_err(|error| bad(words(&error)))?.id();
    let record = CertificateRecord { key, principal, created: desk.now(), revoked: None };
    let kept = record.clone();
    blocking(move || {
        known(&desk, &kept.principal)?;
        desk.store.add_certificate(&kept).map_err(Refusal::from)
    })
    .await?;
    Ok(Json(certificate(record)))
}

pub(super) async fn revoke_certificate(
    State(desk): State<Desk>,
    Path(key): Path<String>,
) -> Result<Json<CertificateView>, Refusal> {
    let key: KeyId = key.parse().map_err(|_| not_found("client certificate", key))?;
    let found = blocking(move || {
        desk.store.revoke_certificate(&key)?;
        desk.store.certificate(&key).map_err(Refusal::internal)
    })
    .await?;
    found.map(|(record, _)| Json(certificate(record))).ok_or_else(|| not_found("client certificate", key))
}

fn known(desk: &Desk, principal: &PrincipalId) -> Result<(), Refusal> {
    desk.store.principal(principal)?.map(|_| ()).ok_or_else(|| not_found("principal", principal))
}

fn api_key(record: ApiKeyRecord) -> ApiKeyView {
    let ApiKeyRecord { id, digest: _, principal, spaces, profiles, created, expires, revoked } = record;
    ApiKeyView { id, principal, spaces, profiles, created, expires, revoked }
}

fn certificate(record: CertificateRecord) -> CertificateView {
    let CertificateRecord { key, principal, created, revoked } = record;
    CertificateView { key, principal, created, revoked }
}
