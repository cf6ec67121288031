//! `GET /v1/trust-root`: what verifiers start from, composed of what the key process tells of itself. Clients of Sigstore
//! read the same below `/sigstore`, by the names that they have for it.

use std::sync::Arc;
use std::time::Duration;

use authority::TufRepository;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use model::{Clock, Instant};
use signer::{Signer, SignerError};
use tokio::sync::Mutex;
use verify::{RootError, RootParts, TrustRoot};

use crate::blocking::blocking;
use crate::problem::Refusal;

/// How long verifiers may go by a trust root without looking for a newer one.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3_600);
const DAY_S: u64 = 24 * 3_600;
/// How long a trust root is given out before the key process is asked again: strangers must not reach it at will.
const AGE_MAX: Duration = Duration::from_secs(5);

/// Composes trust roots, and keeps the newest for a moment.
pub(crate) struct TrustRootShelf {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    public_url: String,
    repository: Arc<TufRepository>,
    kept: Mutex<Option<(Duration, Arc<Papers>)>>,
}

/// What is given out.
struct Papers {
    trust_root: Vec<u8>,
    /// `trusted_root.json`.
    sigstore: Vec<u8>,
    /// `signing_config.v0.2.json`.
    signing_config: Vec<u8>,
}

/// Why there is no trust root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
enum TrustRootError {
    #[error("the key process cannot be reached")]
    Signer(#[source] SignerError),
    #[error("what the key process tells makes no trust root")]
    Root(#[source] RootError),
}

impl TrustRootShelf {
    pub(crate) fn new(
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        public_url: String,
        repository: Arc<TufRepository>,
    ) -> Self {
        Self { signer, clock, public_url, repository, kept: Mutex::new(None) }
    }

    /// The same for clients of TUF.
    pub(crate) fn repository(&self) -> Arc<TufRepository> {
        Arc::clone(&self.repository)
    }

    /// Keeps none: what is given out from now on says what the key process says now.
    pub(crate) async fn forget(&self) {
        *self.kept.lock().await = None;
        let repository = self.repository();
        // It may be at work with the key process, and whoever waits for that is no thread that serves connections.
        let _ = tokio::task::spawn_blocking(move || repository.forget()).await;
    }

    async fn newest(&self) -> Result<Arc<Papers>, Refusal> {
        // Held while it is composed, so that a crowd asks the key process once.
        let mut kept = self.kept.lock().await;
        let now = self.clock.boot();
        if let Some((_, papers)) = kept.as_ref().filter(|(made, _)| now.saturating_sub(*made) < AGE_MAX) {
            return Ok(Arc::clone(papers));
        }
        let (signer, url, expires) =
            (Arc::clone(&self.signer), self.public_url.clone(), expiry(self.clock.now()));
        let papers = Arc::new(blocking(move || compose(&*signer, &url, expires)).await?);
        *kept = Some((now, Arc::clone(&papers)));
        Ok(papers)
    }
}

pub(crate) async fn trust_root(State(shelf): State<Arc<TrustRootShelf>>) -> Result<Response, Refusal> {
    Ok(given(shelf.newest().await?.trust_root.clone()))
}

/// `GET /sigstore/trusted_root.json`.
pub(crate) async fn sigstore(State(shelf): State<Arc<TrustRootShelf>>) -> Result<Response, Refusal> {
    Ok(given(shelf.newest().await?.sigstore.clone()))
}

/// `GET /sigstore/signing_config.v0.2.json`.
pub(crate) async fn signing_config(State(shelf): State<Arc<TrustRootShelf>>) -> Result<Response, Refusal> {
    Ok(given(shelf.newest().await?.signing_config.clone()))
}

fn given(json: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=60")], json).into_response()
}

/// To the day, so that the file does not change with every look at it.
fn expiry(now: Instant) -> Instant {
    let at = now.after(VALIDITY).seconds();
    Instant::from_seconds(at - at % DAY_S)
}

fn compose(signer: &dyn Signer, public_url: &str, expires: Instant) -> Result<Papers, TrustRootError> {
    let state = signer.state().map_err(TrustRootError::Signer)?;
    let certificates: Vec<_> =
        state.certificates.iter().map(|own| (own.key, own.certificate.clone())).collect();
    let parts = RootParts { registry: &state.registry, certificates: &certificates, public_url, expires };
    let root = TrustRoot::compose(&parts).map_err(TrustRootError::Root)?;
    let signing_config = root.signing_config(root.public_url().unwrap_or(public_url)).to_json();
    Ok(Papers { trust_root: root.encode(), sigstore: root.sigstore().to_json(), signing_config })
}

impl From<TrustRootError> for Refusal {
    fn from(error: TrustRootError) -> Self {
        match error {
            TrustRootError::Signer(_) => Self::unavailable("the trust root cannot be composed now", error),
            error => Self::internal(error),
        }
    }
}
