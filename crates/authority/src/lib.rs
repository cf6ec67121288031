//! The authorities of a platform that vouch for something other than code. So far there is one: for time.
//!
//! **In scope**: the timestamp authority: it answers requests of RFC 3161, from the engine and from outside, with
//! tokens that the key process signs.
//!
//! **Out of scope**: HTTP, the clock (the key process has the one that counts), the key. The certificate authority
//! for holders of ID tokens and its log are to come.
//!
//! Specifications: RFC 3161 and RFC 5816 (timestamp tokens).

mod error;
mod own;
mod timestamp;

pub use error::AuthorityError;
pub use timestamp::{Answer, TimestampAuthority};
