//! Where private keys are.
//!
//! **In scope**: the traits [`KeyStore`] and [`Key`], the software store, which keeps each key in a sealed file of its
//! own, and [`Stores`], the stores of one process by their names. Keys are made inside a store and never leave it.
//!
//! **Out of scope**: what a key may sign (that is `signerd`, by its registry), certificates, hardware tokens and
//! cloud services (they come behind the same two traits).
//!
//! Specifications: RFC 5958 (PKCS #8), RFC 9106 (Argon2id), NIST SP 800-38D (AES-GCM), FIPS 186-5 (ECDSA), RFC 8032
//! (Ed25519).

mod error;
mod material;
mod passphrase;
mod sealed;
mod software;
mod store;
mod stores;

pub use error::{KeyStoreError, Retry};
pub use passphrase::{Keep, Kept, Passphrase, PassphraseError};
pub use sealed::Cost;
pub use software::SoftwareStore;
pub use store::{Key, KeyStore, Signable};
pub use stores::{SOFTWARE, Stores};
