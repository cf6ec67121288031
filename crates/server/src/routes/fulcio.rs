//! The certificate authority over HTTP, as clients of Sigstore know it: Fulcio's API, version 2 and what is still used of
//! version 1.
//!
//! Whatever a client says that it accepts, it is answered in JSON on the paths of version 2: clients ask for PEM there, and
//! read JSON.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use api::Code;
use authority::{Blame, CertificateAuthority, CertificateError, Claim, Issued, Proof};
use axum::Extension;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use envelope::fulcio::{AskedCertificate, AskedError, AskedProof, Version};
use pki::Certificate;
use pki::token::{IssuerKey, IssuerKind, TokenIssuer, Verification};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::accept::Peer;
use crate::blocking::blocking;
use crate::body;
use crate::config::Limits;
use crate::issuer_feed::{self, IssuerFeedError};
use crate::problem::{Refusal, words};
use crate::sources::Sources;
use crate::turnstile::{Place, Turnstile};

/// Claims that are decided together.
const BATCH_MAX: usize = 255;

/// A claim in JSON: a token, and a certificate request of the largest key, each in base64.
pub(crate) const CLAIM_BYTES_MAX: usize = 64 * 1024;

const NO_TOKEN: &str =
    "there is no ID token: bring one as `Authorization: Bearer …`, or as `credentials.oidcIdentityToken`";

const PEM_CHAIN: &str = "application/pem-certificate-chain";

/// Takes claims from outside, and brings what has gathered to the authority as one batch.
#[derive(Clone)]
pub(crate) struct CertificateCounter {
    authority: Arc<CertificateAuthority>,
    queue: mpsc::Sender<Waiting>,
    sources: Arc<Sources>,
    turnstile: Arc<Turnstile>,
    /// Where the process listens that asks issuers for keys.
    issuers: Arc<Path>,
    limits: Limits,
}

struct Waiting {
    claim: Claim,
    reply: oneshot::Sender<Result<Issued, CertificateError>>,
}

impl CertificateCounter {
    /// Opens the counter; it closes when the last clone of it is dropped.
    pub(crate) fn open(
        authority: Arc<CertificateAuthority>,
        sources: Arc<Sources>,
        issuers: Arc<Path>,
        limits: Limits,
    ) -> Self {
        // Whoever has a place at the turnstile has one in the queue.
        let (queue, waiting) = mpsc::channel(limits.certificates_max.max(1));
        tokio::spawn(gather(Arc::clone(&authority), waiting));
        let turnstile = Arc::new(Turnstile::of_claims(&limits));
        Self { authority, queue, sources, turnstile, issuers, limits }
    }

    /// Has a claim decided that one may bring now who finds a place for it.
    async fn issue(&self, peer: Peer, request: Request, version: Version) -> Result<Issued, Refusal> {
        let mut place = self.admit(peer)?;
        let claim = self.read(&mut place, request, version).await?;
        let (reply, answer) = oneshot::channel();
        let down = || Refusal::new(Code::Unavailable, "the certificate authority is going down: try again");
        self.queue.send(Waiting { claim, reply }).await.map_err(|_| down())?;
        answer.await.map_err(|_| down())?.map_err(Refusal::from)
    }

    fn admit(&self, peer: Peer) -> Result<Place, Refusal> {
        let source = peer.source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.sources.admit(source).map_err(|after| {
            Refusal::new(Code::TooMany, "this address asks for more certificates than one is given")
                .after(after)
        })?;
        self.turnstile.admit_from(peer.source)
    }

    /// Reads a claim, with the token of the body or else of the header.
    async fn read(&self, place: &mut Place, request: Request, version: Version) -> Result<Claim, Refusal> {
        let (parts, body) = request.into_parts();
        let bytes = body::within(place, &parts.headers, body, CLAIM_BYTES_MAX, self.limits.body).await?;
        let AskedCertificate { token, proof } = AskedCertificate::parse(&bytes, version)?;
        let token = token.as_deref().or(bearer(&parts.headers)).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Refusal::new(Code::BadRequest, NO_TOKEN))?.as_bytes().to_vec();
        let proof = match proof {
            AskedProof::Request(request) => Proof::Request(request),
            AskedProof::Challenge { key, signature } => Proof::Challenge { key, signature },
        };
        let published = self.published(&token).await?;
        Ok(Claim { token, proof, published })
    }

    /// The keys of the token's issuer, where the registry has none. They are asked for before anybody else waits for this.
    async fn published(&self, token: &[u8]) -> Result<Vec<IssuerKey>, Refusal> {
        let (authority, token) = (Arc::clone(&self.authority), token.to_vec());
        match blocking(move || authority.asks_for_keys(&token)).await? {
            Some((issuer, key)) => Ok(issuer_feed::keys(&self.issuers, &issuer, key.as_deref()).await?),
            None => Ok(Vec::new()),
        }
    }

    async fn chain(&self) -> Result<Vec<Certificate>, Refusal> {
        let authority = Arc::clone(&self.authority);
        blocking(move || authority.chain()).await
    }
}

async fn gather(authority: Arc<CertificateAuthority>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (claims, replies): (Vec<_>, Vec<_>) = batch.drain(..).map(|one| (one.claim, one.reply)).unzip();
        let authority = Arc::clone(&authority);
        let decided = tokio::task::spawn_blocking(move || authority.issue(&claims)).await;
        for (reply, answer) in replies.into_iter().zip(decided.into_iter().flatten()) {
            // Whoever has gone away asks again with the same token, and gets the same.
            let _ = reply.send(answer);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SigningCertificate {
    signed_certificate_embedded_sct: Chained,
}

#[derive(Serialize)]
struct Chained {
    chain: Chain,
}

#[derive(Serialize)]
struct Chain {
    certificates: Vec<String>,
}

#[derive(Serialize)]
struct TrustBundle {
    chains: Vec<Chain>,
}

impl Chain {
    fn of(certificates: &[Certificate]) -> Self {
        Self { certificates: certificates.iter().map(Certificate::to_pem).collect() }
    }
}

/// `POST /api/v2/signingCert`.
pub(crate) async fn signing_certificate(
    State(counter): State<CertificateCounter>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let issued = counter.issue(peer, request, Version::V2).await?;
    let chain = Chain::of(&issued.chain);
    let answer = SigningCertificate { signed_certificate_embedded_sct: Chained { chain } };
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// `POST /api/v1/signingCert`: the log's timestamp is in the certificate, and so in no header.
pub(crate) async fn signing_certificate_before(
    State(counter): State<CertificateCounter>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Refusal> {
    let issued = counter.issue(peer, request, Version::V1).await?;
    let pem: String = issued.chain.iter().map(Certificate::to_pem).collect();
    Ok((StatusCode::CREATED, [(CONTENT_TYPE, PEM_CHAIN), (CACHE_CONTROL, "no-store")], pem).into_response())
}

/// `GET /api/v2/trustBundle`.
pub(crate) async fn trust_bundle(State(counter): State<CertificateCounter>) -> Result<Response, Refusal> {
    let believed = blocking(move || counter.authority.believed()).await?;
    let bundle = TrustBundle { chains: believed.chunks(1).map(Chain::of).collect() };
    Ok(([(CACHE_CONTROL, "max-age=60")], Json(bundle)).into_response())
}

/// `GET /api/v1/rootCert`.
pub(crate) async fn root_certificate(State(counter): State<CertificateCounter>) -> Result<Response, Refusal> {
    let pem: String = counter.chain().await?.iter().map(Certificate::to_pem).collect();
    Ok(([(CONTENT_TYPE, PEM_CHAIN), (CACHE_CONTROL, "max-age=60")], pem).into_response())
}

#[derive(Serialize)]
struct Configuration {
    issuers: Vec<Issuer>,
}

/// An issuer of ID tokens, in Fulcio's words.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Issuer {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wildcard_issuer_url: Option<String>,
    audience: String,
    challenge_claim: &'static str,
    issuer_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spiffe_trust_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_email_verification: Option<bool>,
}

impl Issuer {
    fn of(record: TokenIssuer) -> Self {
        let (mut spiffe_trust_domain, mut subject_domain, mut skip_email_verification) = (None, None, None);
        let (issuer_type, challenge_claim) = match &record.kind {
            IssuerKind::Email { verification } => {
                skip_email_verification = (*verification == Verification::Skipped).then_some(true);
                ("email", "email")
            }
            IssuerKind::Username { domain } => {
                subject_domain = Some(domain.clone());
                ("username", "sub")
            }
            IssuerKind::Uri { domain } => {
                subject_domain = Some(domain.clone());
                ("uri", "sub")
            }
            IssuerKind::Spiffe { trust_domain } => {
                spiffe_trust_domain = Some(trust_domain.clone());
                ("spiffe", "sub")
            }
            IssuerKind::Kubernetes => ("kubernetes", "sub"),
            _ => ("ci-provider", "sub"),
        };
        let is_pattern = record.is_pattern();
        let TokenIssuer { url, audience, .. } = record;
        let (issuer_url, wildcard_issuer_url) =
            if is_pattern { (None, Some(url)) } else { (Some(url), None) };
        Self {
            issuer_url,
            wildcard_issuer_url,
            audience,
            challenge_claim,
            issuer_type,
            spiffe_trust_domain,
            subject_domain,
            skip_email_verification,
        }
    }
}

/// `GET /api/v2/configuration`.
pub(crate) async fn configuration(State(counter): State<CertificateCounter>) -> Result<Response, Refusal> {
    let issuers = blocking(move || counter.authority.issuers()).await?;
    let configuration = Configuration { issuers: issuers.into_iter().map(Issuer::of).collect() };
    Ok(([(CACHE_CONTROL, "max-age=60")], Json(configuration)).into_response())
}

/// The ID token in the header, where the body has none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl From<AskedError> for Refusal {
    fn from(error: AskedError) -> Self {
        match error {
            AskedError::Json(error) => body::malformed(&error),
            error => Self::new(Code::BadRequest, error.to_string()),
        }
    }
}

impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        match error.blame() {
            Blame::Asker => Self::new(Code::BadRequest, words(&error)),
            Blame::Administrator => Self::new(Code::NotFound, error.to_string()),
            Blame::Nobody => Self::unavailable("there are no certificates now", error),
            Blame::Ours => Self::internal(error),
        }
    }
}

impl From<IssuerFeedError> for Refusal {
    fn from(error: IssuerFeedError) -> Self {
        match error {
            IssuerFeedError::Fault { .. } => Self::new(Code::Unavailable, words(&error)),
            error => Self::unavailable("the keys of the token's issuer cannot be asked for now", error),
        }
    }
}
