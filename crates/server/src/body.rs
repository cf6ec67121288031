//! Bodies of requests: bounded in size and time, and of the kind that a path takes.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use api::Code;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::problem::{Refusal, json_words};
use crate::turnstile::Place;

/// A thousand items and their request, escaped into strings.
pub(crate) const SUBMISSION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Whatever else is sent to us as JSON.
pub(crate) const SMALL_BYTES_MAX: usize = 256 * 1024;

/// Reads a body of JSON.
pub(crate) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
) -> Result<T, Refusal> {
    json_growing(headers, body, bytes_max, limit, |_| Ok(())).await
}

/// Reads a body of JSON that takes its part of what all submissions may take together.
pub(crate) async fn json_within<T: DeserializeOwned>(
    place: &mut Place,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
) -> Result<T, Refusal> {
    json_growing(headers, body, bytes_max, limit, |bytes| place.grow(bytes)).await
}

async fn json_growing<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
    grow: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<T, Refusal> {
    match content_type(headers) {
        "application/json" => parse(&read_growing(headers, body, bytes_max, limit, grow).await?),
        other => Err(wrong_type(other, "`application/json`")),
    }
}

/// Reads a body of any type that takes its part of what all such bodies may take together.
pub(crate) async fn within(
    place: &mut Place,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
) -> Result<Vec<u8>, Refusal> {
    read_growing(headers, body, bytes_max, limit, |bytes| place.grow(bytes)).await
}

/// Reads JSON from bytes.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

pub(crate) fn malformed(error: &serde_json::Error) -> Refusal {
    Refusal::new(Code::Malformed, format!("the body is not the JSON of this path: {}", json_words(error)))
}

/// Reads a body, and stops as soon as it is too long or too slow.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
) -> Result<Vec<u8>, Refusal> {
    read_growing(headers, body, bytes_max, limit, |_| Ok(())).await
}

async fn read_growing(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    limit: Duration,
    grow: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > bytes_max)) {
        return Err(too_large(bytes_max));
    }
    timeout(limit, collect(body, bytes_max, grow)).await.map_err(|_| {
        Refusal::new(Code::TimedOut, format!("the body did not arrive within {} s", limit.as_secs()))
    })?
}

async fn collect(
    body: Body,
    bytes_max: usize,
    mut grow: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<Vec<u8>, Refusal> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::new(Code::Malformed, "the body broke off before its end"))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        grow(chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The media type, without its parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split_once(';').map_or(value, |(media_type, _)| media_type).trim()
}

pub(crate) fn wrong_type(found: &str, expected: &str) -> Refusal {
    let found: String = found.chars().take(64).collect();
    let detail = match found.as_str() {
        "" => format!("the body has no `Content-Type`; this path takes {expected}"),
        found => format!("the body is of type `{found}`; this path takes {expected}"),
    };
    Refusal::new(Code::UnsupportedMediaType, detail)
}

fn too_large(bytes_max: usize) -> Refusal {
    Refusal::new(
        Code::TooLarge,
        format!("the body is larger than the {bytes_max} bytes that this path takes"),
    )
}
