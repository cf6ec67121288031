//! The logs and timestamp authorities of a Sigstore trusted root, ready to verify with.

use envelope::trusted_root::{Authority, Log, TrustedRoot, Window};
use model::{Instant, PublicKey};
use pki::Certificate;
use tlog::VerifierKey;

/// The logs and authorities that can be verified with. Those of other kinds are left out: what they signed cannot be
/// checked, which is said where it comes up.
#[derive(Debug, Clone)]
pub(crate) struct Anchors {
    pub(crate) logs: Vec<TrustedLog>,
    pub(crate) authorities: Vec<TrustedAuthority>,
    pub(crate) certificate_authorities: Vec<TrustedAuthority>,
    pub(crate) certificate_logs: Vec<TrustedCertificateLog>,
}

/// A certificate-transparency log with its key and its window.
#[derive(Debug, Clone)]
pub(crate) struct TrustedCertificateLog {
    pub(crate) key: PublicKey,
    pub(crate) window: Window,
}

/// A log with its key and its window.
#[derive(Debug, Clone)]
pub(crate) struct TrustedLog {
    pub(crate) key: VerifierKey,
    pub(crate) window: Window,
}

/// A timestamp authority with its certificates and its window.
#[derive(Debug, Clone)]
pub(crate) struct TrustedAuthority {
    /// The signer's certificate and those above it, without the root; may be empty.
    pub(crate) chain: Vec<Certificate>,
    pub(crate) root: Certificate,
    pub(crate) window: Window,
}

impl Anchors {
    pub(crate) fn of(root: &TrustedRoot) -> Self {
        Self {
            logs: root.tlogs.iter().filter_map(TrustedLog::of).collect(),
            authorities: root.timestamp_authorities.iter().filter_map(TrustedAuthority::of).collect(),
            certificate_authorities: root
                .certificate_authorities
                .iter()
                .filter_map(TrustedAuthority::of)
                .collect(),
            certificate_logs: root.ctlogs.iter().filter_map(TrustedCertificateLog::of).collect(),
        }
    }

    /// The logs whose checkpoints have this origin.
    pub(crate) fn logs_named<'a>(&'a self, origin: &'a str) -> impl Iterator<Item = &'a TrustedLog> {
        self.logs.iter().filter(move |log| log.key.name() == origin)
    }
}

impl TrustedLog {
    fn of(log: &Log) -> Option<Self> {
        let key = VerifierKey::of_log(log.origin()?, &log.key().ok()?).ok()?;
        // A trusted root whose log id is not that of its own key and origin is of no use to anybody.
        let same = log.log_id.key_id.0 == key.log_id().as_bytes();
        same.then_some(Self { key, window: log.public_key.valid_for })
    }
}

impl TrustedCertificateLog {
    fn of(log: &Log) -> Option<Self> {
        let key = log.key().ok()?;
        let same = log.log_id.key_id.0 == key.id().digest().as_bytes();
        same.then_some(Self { key, window: log.public_key.valid_for })
    }
}

impl TrustedAuthority {
    fn of(authority: &Authority) -> Option<Self> {
        let mut chain: Vec<Certificate> =
            authority.certificates().map(Certificate::from_der).collect::<Result<_, _>>().ok()?;
        let root = chain.pop()?;
        Some(Self { chain, root, window: authority.valid_for })
    }
}

/// Says of a window, in words, when it is.
pub(crate) fn window_text(window: &Window) -> String {
    let until = |end: Instant| format!(" until {end}");
    format!("from {}{}", window.start, window.end.map_or_else(String::new, until))
}
