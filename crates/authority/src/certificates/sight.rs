//! What the authority sees of the platform: its keys, its chain, the issuers that count.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Clock, Form, KeyId, PublicKey};
use pki::Certificate;
use pki::token::TokenIssuer;
use quorum::{IssuerState, Registry};
use signer::{Platform, Signer, State};
use tlog::VerifierKey;

use super::CertificateError;

/// How long a view is gone by. The key process decides for itself, so that an old one can at worst send it an order that
/// it refuses; and strangers must not reach it at will.
const AGE_MAX: Duration = Duration::from_secs(1);

/// The platform, as it was a moment ago.
pub(super) struct Sight {
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    asked: Duration,
    state: State,
    view: Arc<View>,
}

/// All that issuing looks at.
pub(super) struct View {
    pub(super) registry: Registry,
    /// The key that certifies.
    pub(super) authority: KeyId,
    pub(super) public_key: PublicKey,
    // INVARIANT: not empty. The authority's certificate, and what stands above it where that is no root.
    pub(super) chain: Vec<Certificate>,
    /// The key of the log, and how its notes are checked.
    pub(super) log_key: KeyId,
    pub(super) log: VerifierKey,
    pub(super) log_public_key: PublicKey,
}

impl Sight {
    pub(super) const fn new(signer: Arc<dyn Signer>, clock: Arc<dyn Clock>) -> Self {
        Self { signer, clock, kept: Mutex::new(None) }
    }

    pub(super) fn view(&self) -> Result<Arc<View>, CertificateError> {
        // Held while it is asked, so that a crowd asks the key process once.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.boot();
        if let Some(kept) = kept.as_ref().filter(|kept| now.saturating_sub(kept.asked) < AGE_MAX) {
            return Ok(Arc::clone(&kept.view));
        }
        let state = self.signer.state()?;
        let same = kept.as_ref().filter(|kept| {
            kept.state.registry == state.registry && kept.state.certificates == state.certificates
        });
        let view = match same {
            Some(kept) => Arc::clone(&kept.view),
            None => Arc::new(View::of(&state)?),
        };
        *kept = Some(Kept { asked: now, state, view: Arc::clone(&view) });
        Ok(view)
    }
}

impl View {
    fn of(state: &State) -> Result<Self, CertificateError> {
        let platform =
            Platform::replay(state).map_err(|source| CertificateError::Platform(Arc::new(source)))?;
        let registry = platform.registry();
        let key = |form| registry.platform_key(form).ok_or(CertificateError::NoKey { form });
        let (authority, log) = (key(Form::Certificate)?, key(Form::Sct)?);
        let unusable = |name: &model::Space| CertificateError::Unusable { key: name.to_string() };
        let own = platform.certificate(&authority.record.id());
        let chain = vec![own.cloned().ok_or_else(|| unusable(&authority.record.name))?];
        let origin = log.record.origin.as_deref().ok_or_else(|| unusable(&log.record.name))?;
        let verifier = VerifierKey::of_certificate_log(origin, &log.record.public_key)
            .map_err(|_| unusable(&log.record.name))?;
        Ok(Self {
            authority: authority.record.id(),
            public_key: authority.record.public_key.clone(),
            chain,
            log_key: log.record.id(),
            log: verifier,
            log_public_key: log.record.public_key.clone(),
            registry: registry.clone(),
        })
    }

    /// The certificate that stands above those that are issued.
    pub(super) fn issuer(&self) -> &Certificate {
        self.chain.first().expect("a chain begins with the authority's own certificate")
    }

    pub(super) fn issuers(&self) -> Vec<TokenIssuer> {
        let active = self.registry.issuers().iter().filter(|issuer| issuer.state == IssuerState::Active);
        active.map(|issuer| issuer.record.clone()).collect()
    }
}
