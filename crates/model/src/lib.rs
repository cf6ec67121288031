//! The nouns of avouch: what every other room talks about, and nothing that any room does.
//!
//! **In scope**: ids and names, digests and their tags, instants, public keys and signature checks, forms and
//! purposes, the canonical signing request with its items, signing profiles, the receipt, RFC 6962 hashes and
//! paths, leaves of the journal, fixed layouts, limits, guarantees, and the two traits through which the world is seen:
//! [`Clock`] and [`Disk`].
//!
//! **Out of scope**: private keys, parsing of artifacts and certificates, any input or output.
//!
//! Specifications: RFC 8785 (canonical JSON), RFC 6962 §2 (Merkle trees), RFC 3339 (instants).

mod canonical;
mod clock;
mod digest;
mod disk;
mod encoding;
mod fingerprint;
mod form;
mod guarantee;
mod hash;
mod hash_state;
mod hashed;
mod ids;
mod instant;
mod item;
pub mod journal;
mod key;
pub mod layout;
pub mod limits;
pub mod merkle;
mod profile;
pub mod receipt;
mod request;
mod request_state;
mod told;

pub use canonical::{CanonicalError, from_canonical, to_canonical};
pub use clock::Clock;
pub use digest::{Digest, Hasher, Tag};
pub use disk::{Disk, DiskError};
pub use encoding::{Base64, Hex16, Hex32};
pub use fingerprint::Fingerprint;
pub use form::{Algorithm, Carried, Class, Form, Purpose, SignatureOf, TufRole, UnknownWord};
pub use guarantee::{Force, Guarantee, GuaranteesError};
pub use hash::Hash;
pub use hash_state::{HashState, NotAHashState};
pub use hashed::{Digest384, Digest512, DigestBlake2b, Digests, Hashed, Hashing, NotALongDigest};
pub use ids::{IdError, KeyId, PersonId, PlatformId, PrincipalId, RequestId, Space};
pub use instant::{Instant, InstantError};
pub use item::{Content, FileClaim, Item, ItemError, ItemKey, Items, Parameters, RequestedItem};
pub use key::{BadSignature, KeyError, PublicKey};
pub use profile::{Logging, Profile, ProfileKey, Timestamping};
pub use request::{
    Disclosure, ItemTree, Kind, Proven, Request, RequestError, Requester, Signing, SourceContext, Subject,
};
pub use request_state::RequestState;
pub use told::told;
