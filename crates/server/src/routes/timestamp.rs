//! The timestamp authority over HTTP (RFC 3161 §3.4), and in the JSON that clients of Sigstore know.

use std::sync::Arc;

use api::Code;
use authority::{Answer, AuthorityError, TimestampAuthority};
use axum::Extension;
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use envelope::timestamp::{
    CertificateWish, Imprint, POLICY, REQUEST_BYTES_MAX, Request, integer_octets, rejection,
};
use model::Hash;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::body;
use crate::config::Limits;
use crate::problem::Refusal;
use crate::turnstile::Turnstile;

/// Requests that are answered together.
const BATCH_MAX: usize = 256;
/// A request in JSON: a digest and a few short fields.
const JSON_BYTES_MAX: usize = 4 * 1_024;

/// Takes requests from outside, and brings what has gathered to the authority as one batch.
#[derive(Clone)]
pub(crate) struct TimestampCounter {
    authority: Arc<TimestampAuthority>,
    queue: mpsc::Sender<Waiting>,
    turnstile: Arc<Turnstile>,
    limits: Limits,
}

struct Waiting {
    request: Request,
    reply: oneshot::Sender<Result<Answer, AuthorityError>>,
}

impl TimestampCounter {
    /// Opens the counter; it closes when the last clone of it is dropped.
    pub(crate) fn open(authority: Arc<TimestampAuthority>, limits: Limits) -> Self {
        // Whoever has a place at the turnstile has one in the queue.
        let (queue, waiting) = mpsc::channel(limits.timestamps_max.max(1));
        tokio::spawn(gather(Arc::clone(&authority), waiting));
        let turnstile = Arc::new(Turnstile::of_timestamps(&limits));
        Self { authority, queue, turnstile, limits }
    }

    async fn answer(&self, request: Request) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        let down = || Refusal::new(Code::Unavailable, "the timestamp authority is going down: try again");
        self.queue.send(Waiting { request, reply }).await.map_err(|_| down())?;
        answer.await.map_err(|_| down())?.map_err(Refusal::from)
    }
}

async fn gather(authority: Arc<TimestampAuthority>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (requests, replies): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|one| (one.request, one.reply)).unzip();
        let authority = Arc::clone(&authority);
        let answers = tokio::task::spawn_blocking(move || authority.answer(&requests)).await;
        for (reply, answer) in replies.into_iter().zip(answers.into_iter().flatten()) {
            // Whoever has gone away needs no answer.
            let _ = reply.send(answer);
        }
    }
}

/// In which a request is written.
enum Language {
    Der,
    Json,
}

/// `POST /api/v1/timestamp`.
pub(crate) async fn stamp(
    State(counter): State<TimestampCounter>,
    Extension(peer): Extension<Peer>,
    request: HttpRequest,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let mut place = counter.turnstile.admit_from(peer.source)?;
    let (language, bytes_max) = match body::content_type(&parts.headers) {
        "application/timestamp-query" => (Language::Der, REQUEST_BYTES_MAX),
        "application/json" => (Language::Json, JSON_BYTES_MAX),
        other => return Err(body::wrong_type(other, "`application/timestamp-query` or `application/json`")),
    };
    let bytes = body::within(&mut place, &parts.headers, body, bytes_max, counter.limits.body).await?;
    let answer = match language {
        Language::Der => match Request::parse(&bytes) {
            Ok(request) => counter.answer(request).await?,
            Err(error) => Answer::Rejected(rejection(error.failure(), &error.to_string())),
        },
        Language::Json => counter.answer(body::parse::<JsonRequest>(&bytes)?.read()?).await?,
    };
    let headers = [(CONTENT_TYPE, "application/timestamp-reply"), (CACHE_CONTROL, "no-store")];
    Ok((headers, answer.into_der()).into_response())
}

/// `GET /api/v1/timestamp/certchain`.
pub(crate) async fn chain(State(counter): State<TimestampCounter>) -> Result<Response, Refusal> {
    let chain = blocking(move || counter.authority.chain()).await?;
    let pem: String = chain.iter().map(pki::Certificate::to_pem).collect();
    let headers = [(CONTENT_TYPE, "application/pem-certificate-chain"), (CACHE_CONTROL, "max-age=60")];
    Ok((headers, pem).into_response())
}

/// A request as Sigstore's timestamp authority takes it in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonRequest {
    artifact_hash: String,
    hash_algorithm: String,
    #[serde(default)]
    certificates: bool,
    #[serde(default)]
    nonce: Option<u64>,
    #[serde(default, rename = "tsaPolicyOID")]
    policy: Option<String>,
}

impl JsonRequest {
    fn read(self) -> Result<Request, Refusal> {
        let bad = |detail: String| Refusal::new(Code::BadRequest, detail);
        let hash = match self.hash_algorithm.as_str() {
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            other => {
                let other: String = other.chars().take(64).collect();
                return Err(bad(format!(
                    "`hashAlgorithm` is `{other}`; known are sha256, sha384 and sha512"
                )));
            }
        };
        let digest = BASE64.decode(self.artifact_hash.as_bytes());
        let digest = digest.ok().filter(|digest| digest.len() == hash.length()).ok_or_else(|| {
            bad(format!(
                "`artifactHash` is not the base64 of {} bytes, as {} has them",
                hash.length(),
                self.hash_algorithm
            ))
        })?;
        if let Some(policy) = self.policy.as_ref().filter(|policy| *policy != POLICY) {
            let policy: String = policy.chars().take(64).collect();
            return Err(bad(format!("`tsaPolicyOID` is `{policy}`; only {POLICY} is offered")));
        }
        let certificate =
            if self.certificates { CertificateWish::Embedded } else { CertificateWish::Omitted };
        let imprint = Imprint::from_digest(hash, digest).map_err(|error| bad(error.to_string()))?;
        Ok(Request { imprint, policy: self.policy, nonce: self.nonce.map(integer_octets), certificate })
    }
}

impl From<AuthorityError> for Refusal {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Unreachable(_)
            | AuthorityError::Ledger(_)
            | AuthorityError::Refused(_)
            | AuthorityError::NoKey => Self::unavailable("there are no timestamps now", error),
            error => Self::internal(error),
        }
    }
}
