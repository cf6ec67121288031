//! OpenPGP (RFC 9580): signatures of files and texts, and certificates of the keys that make them, in version 4 of both.
//!
//! **In scope**: which bytes a key signs for an item, and the packet that comes of it ([`armored`], [`clearsigned`]); the
//! certificate of a key of one's own ([`NewCertificate`]); reading others' signatures ([`read_signatures`]),
//! certificates ([`Certificate`]) and clearsigned texts ([`Cleartext`]), and verifying them.
//!
//! **Out of scope**: encryption, compressed and literal data, webs of trust, whose key it is. Version 6 is not here yet:
//! no verifier that distributions ship reads it, and its salt would have to stand in the item.
//!
//! A signature is over the content, and after it over the part of itself that says when, by whom and of what. So a key
//! signs the hash of the content with such a trailer behind it, and the content does not travel: its
//! [`HashState`](model::HashState) does.

mod armor;
mod certificate;
mod cleartext;
mod error;
mod head;
mod key;
mod mpi;
mod packet;
mod seal;
mod signature;
mod subpacket;

pub use certificate::{
    CERTIFICATES_BYTES_MAX, Certificate, NewCertificate, Signer, armored_certificates, read_certificates,
};
pub use cleartext::{CLEARTEXT, CLEARTEXT_BYTES_MAX, Cleartext, canonical_text, clearsigned, is_clearsigned};
pub use error::OpenPgpError;
pub use head::Kind;
pub use key::{Key, KeyAlgorithm};
pub use seal::{Issuer, armored};
pub(crate) use seal::{compose, seal};
pub use signature::{Digesting, SIGNATURES_BYTES_MAX, Signature, read_signatures};
