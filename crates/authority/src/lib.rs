//! The authorities of a platform that vouch for something other than code: for time, and for who holds a key.
//!
//! **In scope**: the timestamp authority: it answers requests of RFC 3161, from the engine and from outside, with
//! tokens that the key process signs. The certificate authority for holders of ID tokens, with the log that its
//! certificates stand in. The TUF repository, from which clients know whom the platform trusts.
//!
//! **Out of scope**: HTTP, the clock (the key process has the one that counts), the keys, where tiles are kept.
//!
//! Specifications: RFC 3161 and RFC 5816 (timestamp tokens), RFC 6962 (certificate transparency), C2SP `static-ct-api`,
//! The Update Framework 1.0.

mod certificates;
mod error;
mod own;
mod promised;
mod sight;
mod timestamp;
mod tuf;

pub use certificates::{
    Blame, CertificateAuthority, CertificateError, CertificateNumbers, CertificateParts, Claim, Issued, Proof,
};
pub use error::AuthorityError;
pub use promised::{
    Appended, PromiseStore, Promised, PromisedError, PromisedHead, PromisedLog, PromisedParts,
};
pub use timestamp::{Answer, TimestampAuthority};
pub use tuf::{Renewal, RoleStanding, TufRepository, TufRepositoryError, TufStanding};
