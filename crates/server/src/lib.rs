//! The server: avouch over HTTP. It is thin: it proves who calls, bounds what they send, and words what comes back.
//!
//! **In scope**: listeners and TLS, credentials at the door, the paths of `/v1`, the log and the timestamp authority
//! as the world reads them, administration on a local socket, problems, the trace, metrics, health, and the wiring of
//! all other rooms into one process.
//!
//! **Out of scope**: what happens to a request (`engine`), who may do what (`policy`), private keys (`signerd`),
//! reading the configuration file (`cli`).
//!
//! Specifications: RFC 9110 (HTTP), RFC 9457 (problems), RFC 3161 §3.4 (timestamps over HTTP), C2SP tlog-tiles.

mod accept;
mod admin;
mod agreement;
mod blocking;
mod body;
mod bounds;
mod caller;
mod config;
mod cosigned;
mod development;
mod dialect;
mod door;
mod found;
mod issuer_feed;
mod logs;
mod metrics;
mod openapi;
mod problem;
mod routes;
mod run;
mod signing;
mod sources;
mod strangers;
mod telemetry;
mod tls;
mod tls_authority;
mod turnstile;
mod views;
mod walls;
mod wiring;
mod witness;

pub use agreement::AgreementError;
pub use config::{Addresses, Config, Limits, LogSubmissions};
pub use cosigned::COSIGNED;
pub use development::{Development, DevelopmentError};
pub use found::{FirstClient, FirstCredential, Founding, FoundingError, found};
pub use issuer_feed::{ISSUERS, IssuerFeedError, run_issuer_feed};
pub use logs::{LogError, LogFormat, set_filter as set_log_filter, start as start_logs};
pub use run::{Reloads, ServerError, run, told_to_end};
pub use tls::{TlsError, check_tls};
pub use tls_authority::{Credential, TlsAuthority, TlsAuthorityError, validity};
pub use walls::Walls;
pub use wiring::WiringError;
pub use witness::run_witness;
