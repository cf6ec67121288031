//! The structure around a signature: `compose → ToBeSigned`, `seal(signature)`, `open`.
//!
//! **In scope**: which bytes a key signs for an item of a request ([`compose`]); detached CMS ([`cms`], RFC 5652
//! and RFC 5035), timestamp tokens ([`timestamp`], RFC 3161 and RFC 5816), SSH signatures ([`sshsig`],
//! PROTOCOL.sshsig of OpenSSH), minisign ([`minisign`]), OpenPGP ([`openpgp`], RFC 9580), DSSE ([`dsse`], the DSSE specification v1.0) and the in-toto statements in it
//! ([`in_toto`]), Sigstore bundles v0.3 ([`bundle`]), bodies of the transparency log ([`rekor`], `hashedrekord` 0.0.2;
//! [`rekor_v1`], for clients that know no later one), Sigstore trusted roots ([`trusted_root`]) and signing configs
//! ([`signing_config`]), what clients ask a certificate authority for ([`fulcio`]), TUF metadata ([`tuf`]).
//!
//! **Out of scope**: calling a signer, certificate paths (the room `pki`), where a signature lives in a file (the
//! room `formats`), whether a signature is to be believed (the room `verify`). Nothing here reads a clock, draws a
//! random number or touches a file.
//!
//! Whatever comes from outside is bounded, strict (DER that does not re-encode to itself is refused) and checked
//! before it becomes a value; what is composed is a pure function of its arguments, so a re-run signs the same bytes.

mod algorithms;
mod chosen;
mod compose;
mod der_set;
mod oids;
mod protojson;
mod to_be_signed;

pub mod bundle;
pub mod cms;
pub mod detached;
pub mod dsse;
pub mod fulcio;
pub mod in_toto;
pub mod minisign;
pub mod openpgp;
pub mod rekor;
pub mod rekor_v1;
pub mod signing_config;
pub mod sshsig;
pub mod timestamp;
pub mod trusted_root;
pub mod tuf;

pub use chosen::{Chosen, ChosenError};
pub use compose::{ComposeError, compose};
pub use der_set::{Malformation, NotDer};
pub use to_be_signed::{ToBeSigned, countersigned};
