//! Why an authority has no answer.

use std::sync::Arc;

use engine::{StampError, StoreError};
use envelope::timestamp::TimestampError;
use model::{BadSignature, KeyId};
use signer::{Refusal, SignerError};

/// Why there is no timestamp token. Refusals for what a *request* asks are no errors: they are answers.
///
/// What stops a whole batch is told to each request of it, so sources are shared.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The key process could not be reached, or did not answer in time.
    #[error("the key process cannot be reached")]
    Unreachable(#[source] Arc<SignerError>),
    /// The ledger's head, which goes with every order, cannot be read.
    #[error("the head of the audit ledger cannot be read")]
    Ledger(#[source] Arc<StoreError>),
    /// What the key process tells of the platform cannot be believed.
    #[error("what the key process tells of the platform does not hold together")]
    Platform(#[source] Arc<signer::PlatformError>),
    /// There is no key for timestamps.
    #[error("the platform has no active timestamp key: add one with `avouch key create`")]
    NoKey,
    /// The timestamp key has no certificate.
    #[error(
        "timestamp key `{key}` has no certificate by a root that is in use: `avouch trust show` says how they stand"
    )]
    NoCertificate {
        /// The key.
        key: KeyId,
    },
    /// The key process refused the order.
    #[error("the key process refused")]
    Refused(#[source] Refusal),
    /// What the key process chose is not a time and a number.
    #[error("the key process chose something that is no stamp")]
    NotAStamp(#[source] Option<envelope::ChosenError>),
    /// No token can be made of the answer.
    #[error("no token can be made of the key process's answer")]
    Token(#[source] Arc<TimestampError>),
    /// The signature is bad: it never leaves.
    #[error("the key process's signature does not verify")]
    Signature(#[source] BadSignature),
}

impl From<SignerError> for AuthorityError {
    fn from(source: SignerError) -> Self {
        Self::Unreachable(Arc::new(source))
    }
}

impl From<signer::PlatformError> for AuthorityError {
    fn from(source: signer::PlatformError) -> Self {
        Self::Platform(Arc::new(source))
    }
}

impl From<AuthorityError> for StampError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Refused(refusal) => Self::Refused(refusal),
            AuthorityError::Unreachable(_) | AuthorityError::Ledger(_) => {
                Self::Unreachable { source: Box::new(error) }
            }
            _ => Self::Unusable { source: Box::new(error) },
        }
    }
}
