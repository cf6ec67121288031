//! The timestamp authority, as the engine asks it.

use std::error::Error;

use model::Digest;
use signer::Refusal;

/// Makes timestamp tokens.
///
/// *Durability*: none is asked for; a token that was made and lost is made again. *Concurrency*: one caller.
/// Results are per imprint and in their order. *Trust*: none; every token is verified before it is believed, so that whoever
/// makes them need not.
pub trait Timestamper: Send + Sync {
    /// An RFC 3161 TimeStampResp in DER over each of these SHA-256 digests (of raw signatures).
    fn stamp(&self, imprints: &[Digest]) -> Vec<Result<Vec<u8>, StampError>>;
}

/// Why there is no timestamp token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// The authority could not be reached, or did not answer in time: a retry may help.
    #[error("the timestamp authority cannot be reached")]
    Unreachable {
        /// What the transport said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It refused.
    #[error("the timestamp authority refused")]
    Refused(#[source] Refusal),
    /// It granted something that is no answer to what was asked.
    #[error("the timestamp authority's answer cannot be used")]
    Unusable {
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StampError {
    /// Could the same imprint be stamped later?
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refusal) => refusal.code.is_transient(),
            Self::Unusable { .. } => false,
        }
    }
}
