//! ID tokens (OpenID Connect Core 1.0 §2), and what a certificate says of whoever holds one.
//!
//! A token is read ([`IdToken::parse`]), held against what the registry says of its issuer ([`TokenIssuer::verify`]),
//! and mapped to the names of a certificate ([`Verified::names`]). All three are pure: a clock's reading comes in, the
//! same token gives the same names wherever it is asked, in the server, in the key process and in tests.
//!
//! Specifications: RFC 7515 (JWS), RFC 7517 and 7518 (JWK, algorithms), RFC 7519 (JWT), OpenID Connect Core 1.0 §3.1.3.7
//! (validation), and the certificate extensions under 1.3.6.1.4.1.57264.1 (`oid-info` of Fulcio).

mod claims;
mod issuer;
mod jwk;
mod jws;
mod names;
mod providers;
mod read;
mod template;
mod verify;

pub use claims::{Claims, ClaimsError};
pub use issuer::{Challenge, IssuerError, IssuerKey, IssuerKind, TokenIssuer, Verification, Workflow};
pub use jwk::{JwkError, parse_jwks};
pub use jws::{IdToken, TokenError};
pub use names::{CertificateNames, NamesError, SubjectName, WorkflowExtension};
pub use providers::Provider;
pub use read::HolderError;
pub use template::{Template, TemplateError};
pub use verify::{LEEWAY_S, PERIOD_S_MAX, TokenRefused, Trust, Verified};
