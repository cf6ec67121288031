//! Offline verification: a file, a receipt, a trust root and a time go in; a proof or a reasoned refusal comes out.
//!
//! **In scope**: the trust root file ([`TrustRoot`]), receipts ([`verify_receipt`]), Sigstore bundles signed with a
//! managed key ([`verify_bundle`]) or by anybody ([`verify_sigstore`]), detached CMS with a timestamp token
//! ([`verify_cms`]), minisign ([`verify_minisig`]) and SSH signatures ([`verify_sshsig`]), what a verifier expects of what was signed ([`Expectations`])
//! and of what is claimed ([`StatementExpectations`]), and which metadata of a TUF repository
//! a client takes ([`TufTrust`]).
//!
//! **Out of scope**: any input or output. The caller brings the file's digest, all bytes, and the time together with
//! whose time it is. Revocations that are newer than the trust root cannot be known here.
//!
//! What comes out is [`Verified`], which only this room can make and which names what was proven and what was *not*
//! checked, or [`Refused`], which keeps "this is bad" apart from "this cannot be checked".
//!
//! Specifications: RFC 5652 §5.6 (CMS), RFC 3161 §2.4.2 (timestamp tokens), RFC 9162 §2.1.3 (inclusion), C2SP
//! tlog-checkpoint, Sigstore's client specification (bundles), TUF 1.0 §5. Receipts and trust roots are avouch's own.

mod anchors;
mod bare;
mod bundle;
mod cms;
mod expectations;
mod issued;
mod item;
mod key;
mod log;
mod minisign;
mod openpgp;
mod receipt;
mod refused;
mod root;
mod signing_config;
mod sigstore;
mod sshsig;
mod statement;
mod timestamp;
mod tuf;
mod verified;
mod witnesses;

pub use bundle::{BundleTrust, verify_bundle};
pub use cms::{CmsTrust, verify_cms};
pub use expectations::{Evidence, Expectations, KeyExpectation, QuorumExpectation, WitnessExpectation};
pub use minisign::{MinisignTrust, verify_minisig};
pub use openpgp::{OpenPgpTrust, verify_clearsigned, verify_openpgp};
pub use receipt::{Artifact, verify_receipt};
pub use refused::{Fault, Gap, Part, Refused};
pub use root::{RootError, RootParts, TRUST_ROOT_BYTES_MAX, TrustRoot};
pub use sigstore::{Identity, Pattern, PatternError, SignedBy, SigstoreRoot, verify_sigstore};
pub use sshsig::{SshTrust, verify_sshsig};
pub use statement::{StatementExpectations, Wanted};
pub use tuf::{
    Fetched, ROLES_VISITED_MAX, ROOTS_MAX, TufDelegate, TufRefused, TufSearch, TufSource, TufTrust,
};
pub use verified::{BelievedTime, NotChecked, Present, Proven, TimeSource, Verified, VerifiedItem, Whose};
