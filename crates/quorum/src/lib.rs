//! What an endorsement is, byte for byte, how it is counted, and the registry that says who counts.
//!
//! **In scope**: key records and rules, issuers of ID tokens, witnesses, endorsements and their message, counting, the chain of
//! registry entries and its replay from genesis. All of it is pure and is run by the engine, the key process and the
//! verifier alike, so that none of them takes another's word for a quorum.
//!
//! **Out of scope**: where entries are kept, what a key signs once its quorum is there, certificates.
//!
//! Specifications: RFC 8785 for entries, OpenSSH's PROTOCOL.sshsig for endorsements with SSH keys.

mod asking;
mod count;
mod endorsement;
mod entry;
mod issuers;
mod people;
mod record;
mod registry;
mod tuf;
mod witnesses;

pub use asking::{Asked, Asking};
pub use count::{Counted, Exclusion, Shortfall, count, count_anybody, examine};
pub use endorsement::{Decision, Endorsement, Proof, SSH_NAMESPACE, message};
pub use entry::{
    Administrators, Adoption, Change, Credential, Entry, EntryError, Genesis, Governance, Group, Principal,
    Touch,
};
pub use issuers::{Issuer, IssuerState, Issuers, IssuersError};
pub use record::{
    CertificateSubject, IdentityProof, KeyRecord, KeyState, Rate, RecordError, RequesterProof, Requirement,
    Rule,
};
pub use registry::{Key, Moment, Registry, RegistryError};
pub use tuf::{Tuf, TufRoot, TufTargets};
pub use witnesses::{Book, WITNESSES_MAX, Witness, Witnesses};
