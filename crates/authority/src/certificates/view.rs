//! What the authority sees of the platform: its keys, its chain, the issuers that count.

use model::{Form, Instant, KeyId, PublicKey};
use pki::Certificate;
use pki::token::TokenIssuer;
use quorum::{IssuerState, Key, Registry};
use signer::Platform;
use tlog::VerifierKey;

use super::CertificateError;
use crate::sight;

/// All that issuing looks at.
pub(super) struct View {
    pub(super) registry: Registry,
    /// The key that certifies.
    pub(super) authority: KeyId,
    pub(super) public_key: PublicKey,
    // INVARIANT: not empty. The authority's certificate, and what stands above it where that is no root.
    pub(super) chain: Vec<Certificate>,
    /// The log of what is issued.
    pub(super) log: LogKey,
    /// The authorities that are believed: those before this one and after it, too.
    pub(super) believed: Vec<Certificate>,
    /// The certificates of all authorities that there ever were: entries of logs name them.
    every: Vec<Certificate>,
}

/// The key of a log of certificates.
#[derive(Clone)]
pub(super) struct LogKey {
    pub(super) id: KeyId,
    /// How its notes are checked.
    pub(super) verifier: VerifierKey,
    pub(super) public_key: PublicKey,
}

impl sight::View for View {
    type Error = CertificateError;

    fn of(platform: &Platform, at: Instant) -> Result<Self, CertificateError> {
        let registry = platform.registry();
        let key = |form| registry.in_use(form, at).ok_or(CertificateError::NoKey { form });
        let (authority, log) = (key(Form::Certificate)?, key(Form::Sct)?);
        let own = platform.own(&authority.record.id());
        let chain = vec![own.cloned().ok_or_else(|| unusable(authority))?];
        let certificates = |keep: &dyn Fn(&Key) -> bool| {
            let kept = registry.keys().filter(|key| key.record.form == Form::Certificate && keep(key));
            kept.filter_map(|key| platform.own(&key.record.id())).cloned().collect()
        };
        Ok(Self {
            authority: authority.record.id(),
            public_key: authority.record.public_key.clone(),
            chain,
            log: LogKey::of(log)?,
            believed: certificates(&|key| key.is_active_at(at)),
            every: certificates(&|_| true),
            registry: registry.clone(),
        })
    }

    fn is_current(&self, platform: &Platform, at: Instant) -> bool {
        let in_use = |form| platform.registry().in_use(form, at).map(|key| key.record.id());
        in_use(Form::Certificate) == Some(self.authority) && in_use(Form::Sct) == Some(self.log.id)
    }
}

impl View {
    /// The certificate that stands above those that are issued.
    pub(super) fn issuer(&self) -> &Certificate {
        self.chain.first().expect("a chain begins with the authority's own certificate")
    }

    pub(super) fn issuers(&self) -> Vec<TokenIssuer> {
        let active = self.registry.issuers().iter().filter(|issuer| issuer.state == IssuerState::Active);
        active.map(|issuer| issuer.record.clone()).collect()
    }

    /// A certificate of an authority by its fingerprint.
    pub(super) fn certificate(&self, fingerprint: &model::Digest) -> Option<&Certificate> {
        self.every.iter().find(|one| one.fingerprint() == *fingerprint)
    }

    /// The log of an origin, whatever its key may still do.
    pub(super) fn log_named(&self, origin: &str) -> Result<LogKey, CertificateError> {
        let mut logs = self.registry.keys().filter(|key| key.record.form == Form::Sct);
        let other = || CertificateError::OtherLog { stored: origin.chars().take(200).collect() };
        LogKey::of(logs.find(|key| key.record.origin.as_deref() == Some(origin)).ok_or_else(other)?)
    }
}

impl LogKey {
    fn of(key: &Key) -> Result<Self, CertificateError> {
        let origin = key.record.origin.as_deref().ok_or_else(|| unusable(key))?;
        let public_key = key.record.public_key.clone();
        let verifier = VerifierKey::of_certificate_log(origin, &public_key).map_err(|_| unusable(key))?;
        Ok(Self { id: key.record.id(), verifier, public_key })
    }

    pub(super) fn origin(&self) -> &str {
        self.verifier.name()
    }
}

fn unusable(key: &Key) -> CertificateError {
    CertificateError::Unusable { key: key.record.name.to_string() }
}
