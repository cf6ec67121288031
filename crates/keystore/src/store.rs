//! The two traits behind which every kind of key store stands.

use std::num::NonZeroUsize;
use std::sync::Arc;

use model::{Algorithm, Hashed, KeyId, PublicKey};

use crate::KeyStoreError;

/// A place that holds private keys.
///
/// *Durability*: keys come into being inside and stay there; one that `generate` returned is there after a crash.
/// *Concurrency*: calls come from several threads at once. *Time*: a call may wait for a device as long as the store
/// itself allows, and ends by itself then, with an error; nobody calls with a lock in hand, so that whoever waits here
/// holds nobody else up. *Errors*: each says by [`KeyStoreError::retry`] whether the same call may succeed later.
pub trait KeyStore: Send + Sync {
    /// Makes a key and keeps it.
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError>;

    /// The key of this id, ready to sign, for as long as somebody holds it. Asked for before every signature, so it
    /// is cheap after the first call for a key.
    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError>;

    /// How many of its keys get on at the same time: whoever has many signatures to make uses no more threads than
    /// this. A store that computes them itself is one, because its caller has the processor that it needs.
    fn at_once(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }
}

/// One private key.
///
/// `sign` has no effect but its result: after an error nothing was signed, and signing twice is harmless. ECDSA
/// signatures are randomised, so the same bytes give other signatures each time; Ed25519 and RSA give the same. Calls from
/// several threads are allowed. Whether the signature verifies is for the caller to check where it matters.
pub trait Key: Send + Sync {
    /// The public half.
    fn public(&self) -> &PublicKey;

    /// Signs: DER for ECDSA, 64 bytes for Ed25519, PKCS #1 v1.5 for RSA.
    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError>;
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signable<'a> {
    /// Bytes, which the algorithm hashes or takes as they are.
    Message(&'a [u8]),
    /// The digest of bytes that are elsewhere. Algorithms that hash otherwise, or not at all, cannot sign it.
    Hashed(&'a Hashed),
}
