//! Issuers of ID tokens, over the network: what they publish of themselves, and which keys they sign with.
//!
//! An issuer is called where it says it is and nowhere else: over TLS unless it is on loopback, without following
//! redirects, never at an address of this host or of its link from an issuer elsewhere, and within bounds of time and
//! size. What tokens say is `pki::token`'s to read.
//!
//! Specifications: OpenID Connect Discovery 1.0 §4, RFC 8414 (where the endpoints stand), RFC 7517 (sets of keys).

mod address;
mod discovery;
mod fetch;
mod shelf;

pub use address::Address;
pub use discovery::Discovered;
pub use fetch::{Fetcher, Limits};
pub use shelf::{FRESH, IssuerShelf, PAUSE, STALE_MAX};

use pki::token::{JwkError, TokenRefused};

/// Why an issuer tells nothing, or its token is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// An address that is not called.
    #[error("`{url}` is not called: {fault}")]
    Address {
        /// The address.
        url: String,
        /// Why not.
        fault: &'static str,
    },
    /// TLS could not be set up on this machine.
    #[error("connections to issuers of ID tokens cannot be set up on this machine")]
    Setup(#[source] reqwest::Error),
    /// It could not be asked, or did not answer in time.
    #[error("the issuer cannot be asked at `{url}`")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that is none.
    #[error("`{url}` answered {status}; redirects are not followed")]
    Status {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
    },
    /// A longer answer than is read.
    #[error("`{url}` answered with more than {limit} bytes")]
    TooLong {
        /// What was asked.
        url: String,
        /// How many are read.
        limit: usize,
    },
    /// Not the document that it should be.
    #[error("`{url}` is not the document of an issuer of ID tokens")]
    Document {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A document about another issuer.
    #[error("the issuer `{asked}` says that it is `{said}`: name it exactly as it names itself")]
    OtherIssuer {
        /// Who was asked.
        asked: String,
        /// Who it says it is.
        said: String,
    },
    /// Something that the issuer does not offer.
    #[error("the issuer `{url}` offers no `{endpoint}`")]
    NotOffered {
        /// The issuer.
        url: String,
        /// What is missing.
        endpoint: &'static str,
    },
    /// Keys that are none.
    #[error("the keys of the issuer `{url}` cannot be taken")]
    Keys {
        /// The issuer.
        url: String,
        /// Why.
        #[source]
        source: JwkError,
    },
    /// It was asked a moment ago, in vain.
    #[error("the issuer `{url}` did not answer a moment ago, and is asked again in {wait_s} s")]
    Resting {
        /// The issuer.
        url: String,
        /// When it is asked again.
        wait_s: u64,
    },
    /// Too many issuers are being asked.
    #[error("too many issuers of ID tokens are being asked at a time: come back")]
    Busy,
    /// A token that is not believed.
    #[error(transparent)]
    Refused(#[from] TokenRefused),
}

impl OidcError {
    /// Is it the token that is refused, rather than its issuer that cannot be asked?
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
