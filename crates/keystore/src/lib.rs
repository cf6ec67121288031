//! Where private keys are.
//!
//! **In scope**: the traits [`KeyStore`] and [`Key`], the software store, which keeps each key in a sealed file of its
//! own, the PKCS #11 store, which keeps them in a hardware token behind a module in a process of its own, and
//! [`Stores`], the stores of one process by their names. Keys are made inside a store and never leave it.
//!
//! **Out of scope**: what a key may sign (that is `signerd`, by its registry), certificates, what a lane process may
//! reach (that is `signerd`, too), cloud services (they come behind the same two traits).
//!
//! Specifications: RFC 5958 (PKCS #8), RFC 9106 (Argon2id), NIST SP 800-38D (AES-GCM), FIPS 186-5 (ECDSA), RFC 8032
//! (Ed25519), PKCS #11 3.0 (OASIS), RFC 7512 (`pkcs11:` URIs), RFC 8017 (RSA).

mod error;
mod material;
mod passphrase;
mod pkcs11;
mod sealed;
mod software;
mod store;
mod stores;

pub use error::{KeyStoreError, Retry};
pub use passphrase::{Keep, Kept, Passphrase, PassphraseError};
pub use pkcs11::{
    Called, CalledError, HardwareToken, LaneFault, LaneProgram, LaneReply, Pkcs11Store, Pkcs11Uri,
    Pkcs11UriError, Pkcs11Wiring, look,
};
pub use sealed::Cost;
pub use software::SoftwareStore;
pub use store::{Key, KeyStore, Signable};
pub use stores::{SOFTWARE, Stores};
