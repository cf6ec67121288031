//! The public wire types of `/v1`: what clients send and what they get.
//!
//! **In scope**: the JSON of every path, what OpenAPI says of it, and the problems of RFC 9457 with their stable codes.
//!
//! **Out of scope**: transport, authentication, what happens to a request.

mod admin;
mod log;
mod problem;
mod profile;
mod request;
mod schema;

pub use admin::{
    ApiKeyView, CertificateView, IssuedApiKey, NewApiKey, NewCertificate, NewPrincipal, Page, PrincipalView,
    ProfileVersion, RegistryView,
};
pub use log::{FoundEntry, LogSearch};
pub use problem::{Code, Problem};
pub use profile::{KeyView, ProfileView, Whoami, WhoamiProfile};
pub use request::{EndorsementSubmission, RequestContent, RequestLine, RequestView, Submission};

/// Where a request stands.
pub use model::RequestState;
