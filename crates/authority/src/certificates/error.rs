//! Why there is no certificate.

use std::sync::Arc;

use engine::StoreError;
use model::KeyError;
use pki::token::{NamesError, TokenError, TokenRefused};
use pki::{ComposeError, LintFault, PossessionError, WeakKey};
use signer::{Refusal, RefusalCode, SignerError};
use tlog::LogError;

/// Why there is no certificate. What stops a whole batch is told to each member of it, so sources are shared.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not an ID token.
    #[error("the ID token cannot be read")]
    NotAToken(#[source] Arc<TokenError>),
    /// A token of somebody whom the registry does not know, or not any more.
    #[error("the registry knows no issuer `{issuer}` whose tokens count: ask an administrator to add it")]
    UnknownIssuer {
        /// Whom it names.
        issuer: String,
    },
    /// A token that is not believed.
    #[error("the ID token is not believed")]
    Token(#[source] TokenRefused),
    /// A token that names nobody.
    #[error("the ID token names nobody who can be certified")]
    Names(#[source] NamesError),
    /// A key that is not certified here.
    #[error("the key cannot be certified")]
    Key(#[source] KeyError),
    /// A key that nobody should have.
    #[error("the key is too weak to be certified")]
    Weak(#[source] WeakKey),
    /// Possession of the key is not proven.
    #[error("it is not proven that whoever asks has the key")]
    Possession(#[source] Arc<PossessionError>),
    /// The key process refused.
    #[error("the key process refuses the certificate")]
    Refused(#[source] Refusal),
    /// The platform certifies nobody.
    #[error("this platform certifies no holders of ID tokens: it has no active key of form `{form}`")]
    NoKey {
        /// What it lacks.
        form: model::Form,
    },
    /// The key process could not be reached, or did not answer in time.
    #[error("the key process cannot be reached")]
    Unreachable(#[source] Arc<SignerError>),
    /// What the key process tells of the platform cannot be believed.
    #[error("what the key process tells of the platform does not hold together")]
    Platform(#[source] Arc<signer::PlatformError>),
    /// The key of the authority, or of its log, cannot be used.
    #[error("the key `{key}` cannot certify: it has no certificate, or its log no origin")]
    Unusable {
        /// Its name.
        key: String,
    },
    /// The ledger cannot be read or written: nothing leaves that is not recorded.
    #[error("the audit ledger cannot be read or written")]
    Ledger(#[source] Arc<StoreError>),
    /// The log of certificates cannot be written.
    #[error("the log of certificates cannot be written")]
    Log(#[source] Arc<LogError>),
    /// Store and key process do not know the same log of certificates.
    #[error(
        "the store knows {stored} entries of the log of certificates `{origin}`, and the key process signed for {signed}: one of the two was put back; bring its newest folder back, or begin a new log with a new key of form `sct`"
    )]
    Disagreement {
        /// The log.
        origin: String,
        /// The size that is stored.
        stored: u64,
        /// The size that was signed last.
        signed: u64,
    },
    /// A log that the registry does not know.
    #[error(
        "the store holds the log of certificates `{stored}`, which the registry does not know: is this the folder of another platform?"
    )]
    OtherLog {
        /// The stored one.
        stored: String,
    },
    /// What the key process chose is no certificate's.
    #[error("the key process chose something that is no certificate's")]
    Chosen(#[source] Option<envelope::ChosenError>),
    /// Not one answer to each order.
    #[error("the key process did not answer each order")]
    Answers,
    /// No certificate can be made of the answer.
    #[error("no certificate can be made of the key process's answer")]
    Compose(#[source] Arc<ComposeError>),
    /// The signature is bad: it never leaves.
    #[error("the key process's signature does not verify")]
    Signature,
    /// A certificate that does not hold to its profile never leaves.
    #[error("the certificate was held back")]
    Lint(#[source] LintFault),
    /// An entry that no log takes.
    #[error("the certificate is too large for the log")]
    Entry,
}

/// Whose it is to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Whoever asked: the same again will not help.
    Asker,
    /// An administrator: there is no such thing here.
    Administrator,
    /// Nobody: the same again may help.
    Nobody,
    /// avouch itself.
    Ours,
}

impl CertificateError {
    /// Whose it is to do something about it.
    pub fn blame(&self) -> Blame {
        match self {
            Self::NotAToken(_)
            | Self::UnknownIssuer { .. }
            | Self::Token(_)
            | Self::Names(_)
            | Self::Key(_)
            | Self::Weak(_)
            | Self::Possession(_) => Blame::Asker,
            Self::Refused(refusal) => match refusal.code {
                RefusalCode::Token => Blame::Asker,
                // A key that was rotated or suspended a moment ago is not the one that is looked at next.
                RefusalCode::Key => Blame::Nobody,
                code if code.is_transient() => Blame::Nobody,
                _ => Blame::Ours,
            },
            Self::NoKey { .. } => Blame::Administrator,
            Self::Unreachable(_) | Self::Ledger(_) | Self::Log(_) | Self::Disagreement { .. } => {
                Blame::Nobody
            }
            _ => Blame::Ours,
        }
    }

    /// Is it about a holder whose token was believed? Whoever proves nothing is counted, and not recorded by name.
    pub(super) const fn is_of_a_holder(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Weak(_) | Self::Possession(_) | Self::Refused(_) | Self::Lint(_))
    }
}

impl From<LogError> for CertificateError {
    fn from(source: LogError) -> Self {
        Self::Log(Arc::new(source))
    }
}

impl From<ComposeError> for CertificateError {
    fn from(source: ComposeError) -> Self {
        Self::Compose(Arc::new(source))
    }
}

impl From<SignerError> for CertificateError {
    fn from(source: SignerError) -> Self {
        Self::Unreachable(Arc::new(source))
    }
}

impl From<signer::PlatformError> for CertificateError {
    fn from(source: signer::PlatformError) -> Self {
        Self::Platform(Arc::new(source))
    }
}

impl From<StoreError> for CertificateError {
    fn from(source: StoreError) -> Self {
        Self::Ledger(Arc::new(source))
    }
}
