//! The store and its keys, for the key process.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Algorithm, Digest, Digest384, Disk, Hash, Hashed, KeyId, PublicKey};

use super::fault::LaneFault;
use super::lane::Lane;
use super::process::{self, Pkcs11Wiring};
use super::wire::{Call, INPUT_BYTES_MAX, Reply};
use crate::{Key, KeyStore, KeyStoreError, Signable};

/// How long making a key may take: some devices look for RSA primes for a minute.
const GENERATE: Duration = Duration::from_secs(120);

/// What stands before a SHA-256 digest in a DigestInfo (RFC 8017 §9.2).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// Keeps keys in a hardware token behind a PKCS #11 module, which runs in a lane process of its own.
///
/// A key is made in the token, cannot be read or wrapped out of it, and does nothing but sign; whatever the module
/// says of that is read back, and a key that is otherwise is refused. The token's `CKA_ID` is the digest of our key id.
pub struct Pkcs11Store {
    lane: Arc<Lane>,
    found: Mutex<HashMap<KeyId, Arc<LaneKey>>>,
}

/// A key of the token.
struct LaneKey {
    lane: Arc<Lane>,
    public: PublicKey,
}

impl Pkcs11Store {
    /// Starts the lane process, and waits for nothing. `disk` is a folder of this store's own, in which it remembers
    /// that a PIN was refused.
    pub fn start(wiring: Pkcs11Wiring, disk: Arc<dyn Disk>) -> Result<Self, KeyStoreError> {
        Ok(Self { lane: Arc::new(Lane::start(wiring, disk)?), found: Mutex::new(HashMap::new()) })
    }

    fn found(&self) -> MutexGuard<'_, HashMap<KeyId, Arc<LaneKey>>> {
        // Each key is put in at once, so whatever panicked left a whole map.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, public: PublicKey) -> Arc<LaneKey> {
        let id = public.id();
        let key = Arc::new(LaneKey { lane: Arc::clone(&self.lane), public });
        self.found().insert(id, Arc::clone(&key));
        key
    }

    /// A public key, as the lane process says it is.
    fn public(&self, call: &Call, deadline: Duration) -> Result<PublicKey, KeyStoreError> {
        let Reply::Public(spki) = self.lane.call(call, deadline)? else {
            return Err(KeyStoreError::LaneEnded);
        };
        PublicKey::from_spki(&spki).map_err(|_| KeyStoreError::Library { action: "read the key it made" })
    }
}

impl KeyStore for Pkcs11Store {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        // Verified, never made; whatever else a module does not do, it says itself.
        if algorithm == Algorithm::Rsa2048 {
            return Err(KeyStoreError::Algorithm { algorithm });
        }
        let made = self.public(&Call::Generate { algorithm }, GENERATE);
        let public = made.map_err(|error| match error {
            KeyStoreError::Lane(LaneFault::Unable { algorithm }) => KeyStoreError::Algorithm { algorithm },
            error => error,
        })?;
        if public.algorithm() != algorithm {
            return Err(KeyStoreError::Library { action: "make the key that was asked for" });
        }
        Ok(self.keep(public).public.clone())
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        if let Some(key) = self.found().get(id) {
            return Ok(Arc::<LaneKey>::clone(key));
        }
        let found = self.public(&Call::Find { key: *id }, self.lane.deadline());
        let public = found.map_err(|error| missing(error, id))?;
        if public.id() != *id {
            return Err(KeyStoreError::NoKey { key: *id });
        }
        Ok(self.keep(public))
    }

    fn at_once(&self) -> NonZeroUsize {
        process::sessions()
    }
}

fn missing(error: KeyStoreError, key: &KeyId) -> KeyStoreError {
    match error {
        KeyStoreError::Lane(LaneFault::NoKey) => KeyStoreError::NoKey { key: *key },
        error => error,
    }
}

impl Key for LaneKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        let key = self.public.id();
        let call = Call::Sign { key, input: input(self.public.algorithm(), what)? };
        match self.lane.call(&call, self.lane.deadline()).map_err(|error| missing(error, &key))? {
            Reply::Signature(signature) => Ok(signature),
            _ => Err(KeyStoreError::LaneEnded),
        }
    }
}

/// What the mechanism of an algorithm takes: the module hashes nothing, so that no message travels for it.
fn input(algorithm: Algorithm, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
    let hashed = match (what, algorithm.hash()) {
        (Signable::Message(message), None) if message.len() > INPUT_BYTES_MAX => {
            return Err(KeyStoreError::TooLong { length: message.len(), limit: INPUT_BYTES_MAX });
        }
        (Signable::Message(message), None) => return Ok(message.to_vec()),
        (Signable::Message(message), Some(Hash::Sha384)) => Hashed::Sha384(Digest384::of(message)),
        (Signable::Message(message), Some(_)) => Hashed::Sha256(Digest::of(message)),
        (Signable::Hashed(hashed), hash) if hash == Some(hashed.hash()) => *hashed,
        (Signable::Hashed(hashed), _) => {
            return Err(KeyStoreError::SignsNoDigest { algorithm, hash: hashed.hash() });
        }
    };
    Ok(match algorithm {
        Algorithm::Rsa3072 | Algorithm::Rsa4096 => [&SHA256_DIGEST_INFO, hashed.as_bytes()].concat(),
        _ => hashed.as_bytes().to_vec(),
    })
}
