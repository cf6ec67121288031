//! In which words a refusal is told: as a problem (RFC 9457), or as clients of Sigstore read it.

use api::Code;
use axum::http::StatusCode;
use serde::Serialize;

/// How refusals are told on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `application/problem+json`.
    Problem,
    /// The JSON of `google.rpc.Status`, as gRPC gateways write it.
    Status,
    /// The same, of a log: one that takes nothing in is frozen.
    Log,
    /// The JSON of Rekor v1, whose numbers are those of HTTP.
    RekorV1,
}

/// Paths whose clients know the words of gRPC alone.
const STATUS_PATHS: [&str; 5] = [
    "/api/v2/signingCert",
    "/api/v2/trustBundle",
    "/api/v2/configuration",
    "/api/v1/signingCert",
    "/api/v1/rootCert",
];

/// What stands below is said by a log.
const LOG_PATHS: &str = "/api/v2/log/";

/// What begins so is said by the log of Rekor v1.
const REKOR_V1_PATHS: [&str; 2] = ["/api/v1/log", "/api/v1/index/"];

/// What Rekor says of a log that takes nothing in any more; clients show it.
pub(crate) const FROZEN: &str = "This log has been frozen, please switch to the latest log.";

/// `google.rpc.Status`.
#[derive(Serialize)]
pub(crate) struct Status<'a> {
    code: u16,
    message: &'a str,
    details: [(); 0],
}

impl Dialect {
    /// How refusals are told on this path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            path if path.starts_with(LOG_PATHS) => Self::Log,
            path if REKOR_V1_PATHS.iter().any(|begin| path.starts_with(begin)) => Self::RekorV1,
            path if STATUS_PATHS.contains(&path) => Self::Status,
            _ => Self::Problem,
        }
    }
}

impl<'a> Status<'a> {
    /// A refusal in these words, with its status of HTTP. A server that only reads is a frozen log to who would write.
    pub(crate) fn of(dialect: Dialect, code: Code, detail: &'a str) -> (StatusCode, Self) {
        let (status, number, message) = match code {
            Code::ReadOnly if dialect == Dialect::Log => (405, 12, FROZEN),
            Code::ReadOnly if dialect == Dialect::RekorV1 => (405, 405, FROZEN),
            code if dialect == Dialect::RekorV1 => (code.status(), code.status(), detail),
            code => (code.status(), number(code.status()), detail),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Self { code: number, message, details: [] })
    }
}

/// The number that gRPC has for what HTTP says by this status.
const fn number(status: u16) -> u16 {
    match status {
        400 | 413 | 415 => 3,
        408 => 4,
        404 => 5,
        409 => 6,
        403 => 7,
        429 => 8,
        405 | 501 => 12,
        503 => 14,
        401 => 16,
        _ => 13,
    }
}
