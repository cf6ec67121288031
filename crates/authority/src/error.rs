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
    /// The key process tells of a registry that does not hold together.
    #[error("the registry that the key process tells of does not hold together")]
    Registry(#[source] Arc<quorum::RegistryError>),
    /// There is no key for timestamps.
    #[error("the platform has no active timestamp key: add one with `avouch key create`")]
    NoKey,
    /// The timestamp key has no certificate, or one that cannot be read.
    #[error("timestamp key `{key}` has no certificate that can be read")]
    NoCertificate {
        /// The key.
        key: KeyId,
        /// What is wrong with it, where there is one.
        #[source]
        source: Option<Arc<pki::CertificateError>>,
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
