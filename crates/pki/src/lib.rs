//! X.509 certificates: composed, sealed, read, and checked as a path at a given time.
//!
//! **In scope**: the certificate profiles of the platform's own keys ([`NewCertificate`] composes the bytes that a
//! key signs, [`TbsCertificate::seal`] puts the signature to them); reading certificates strictly
//! ([`Certificate`]); path validation for code signing and timestamping ([`verify_path`]); the algorithm
//! identifiers that certificates and CMS share ([`algorithm`]); ID tokens and what they say of their holders
//! ([`token`]), proof that a holder has a key ([`Possessed`]) and that it is none of the weak ones
//! ([`check_strength`]), the certificates for them ([`HolderCertificate`], and [`Linted`] before they leave) and the
//! timestamps of certificate-transparency logs ([`sct`]).
//!
//! **Out of scope**: private keys and signing; fetching revocation lists or the keys of issuers; paths of TLS
//! peers, which rustls checks. No clock and no randomness: times and serial numbers are brought by the caller, so the
//! same inputs give the same bytes.
//!
//! *Paths* are held to the test suite of NIST (PKITS): all 224 of its messages, each with its certificates and revocation
//! lists. None that must be refused is accepted. Supported are validity, names that are equal to the byte, key usage and
//! extended key usage, basic constraints with their path length, name constraints of hosts and addresses, and whole
//! revocation lists by the key that issued ([`verify_unrevoked_path`]; nobody else is asked about revocation). What
//! is not supported makes a path that cannot be checked, with the feature named: certificate policies where an
//! authority asks for them, constraints of other names, names in several spellings, unique identifiers, self-issued
//! certificates below a path length, DSA, and revocation lists that are deltas, indirect, split by reasons or by other
//! keys of the issuer. `tests/vectors/pkits.exceptions` lists the valid paths of the suite that are refused so.
//!
//! Specifications: RFC 5280 (certificates and paths), RFC 3161 §2.3 (timestamp authorities), RFC 5754, 5758 and
//! 8410 (algorithm identifiers), RFC 7093 (key identifiers), RFC 7468 (PEM), RFC 2986 (certificate requests), RFC 6962
//! (certificate transparency), OpenID Connect Core 1.0.

pub mod algorithm;
mod certificate;
mod compose;
mod encoding;
mod extensions;
mod holder;
mod issuer;
mod lint;
mod name;
mod path;
mod pem;
mod possession;
mod profile;
mod revocation;
pub mod sct;
mod strength;
pub mod token;
mod usage;

pub use certificate::{
    CERTIFICATE_BYTES_MAX, Certificate, CertificateError, IssuerAndSerial, Malformation, SignatureError,
};
pub use compose::{ComposeError, Issuer, NewCertificate, Serial, TbsCertificate, Validity};
pub use holder::{HOLDER_PERIOD, HolderCertificate};
pub use issuer::IssuerFault;
pub use lint::{LintFault, Linted};
pub use name::{DistinguishedName, DnsName, NameError, ServerName};
pub use path::{INTERMEDIATES_MAX, PathError, VerifiedPath, verify_path, verify_unrevoked_path};
pub use pem::{CHAIN_MAX, PemError, pem_block, public_key_pem};
pub use possession::{Possessed, PossessionError};
pub use profile::CertificateProfile;
pub use revocation::{REVOCATION_LIST_BYTES_MAX, RevocationListError, RevocationLists};
pub use sct::SctError;
pub use strength::{WeakKey, check_strength};
pub use usage::{Usage, UsageFault};
