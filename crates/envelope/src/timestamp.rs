//! Timestamp tokens (RFC 3161, with signing-certificate-v2 as RFC 5816 has it).
//!
//! A [`Request`] is read, [`TstInfo::answer`] says what the token will say, [`compose`] gives the bytes that the
//! authority's key signs, [`seal`] makes the response. All of it is a pure function of the request, the time and the
//! serial number, so a re-run signs the same bytes. [`open`] and [`verify`] are for whoever holds a token, [`verify_alike`] for
//! whoever holds many of one authority.
//!
//! | part of a token | covered by |
//! |---|---|
//! | TSTInfo, signed attributes, signature, the signer's name and certificate | [`verify`] |
//! | status of the response | nothing: a response that does not say `granted` is refused |
//! | certificates beside the signer's, unsigned attributes | nothing; the path check takes what it needs of the former |

mod asn1;
mod error;
mod gen_time;
mod request;
mod response;
mod token;
mod tst_info;

pub use error::{FailureInfo, TimestampError};
pub use request::{CertificateWish, Imprint, Request};
pub use response::{rejection, seal, token_of};
pub use token::{Authority, OpenedToken, Stamped, VerifiedTimestamp, open, verify, verify_alike};
pub use tst_info::{TstInfo, compose, integer_octets};

/// The policy of avouch's own tokens: the default of Sigstore's timestamp authority.
pub const POLICY: &str = "1.3.6.1.4.1.57264.2";

/// A request: an imprint, a nonce and a policy.
pub const REQUEST_BYTES_MAX: usize = 1_024;

/// A response: a token with the authority's certificates.
pub const RESPONSE_BYTES_MAX: usize = crate::cms::CMS_BYTES_MAX;

/// A nonce or a serial number: RFC 3161 §2.4.2 asks for 160 bits at least.
pub const INTEGER_BYTES_MAX: usize = 32;
