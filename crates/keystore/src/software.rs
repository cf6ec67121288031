//! The software store: private keys in sealed files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use model::{Algorithm, Disk, KeyId, PublicKey};

use crate::material::OpenKey;
use crate::sealed::{Cost, Hashing, SealedKey, Sealing};
use crate::{Key, KeyStore, KeyStoreError, Passphrase};

/// How the names of key files end.
const SUFFIX: &str = ".sealed";

/// Keeps keys in files `KEYID.sealed`, each sealed with AES-256-GCM under a key that follows from a passphrase.
///
/// A key is opened when it is first used and stays open while the store lives.
pub struct SoftwareStore {
    disk: Arc<dyn Disk>,
    passphrase: Passphrase,
    cost: Cost,
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    sealings: Vec<Sealing>,
    keys: HashMap<KeyId, Arc<OpenKey>>,
}

impl SoftwareStore {
    /// A store over a folder of key files, which may be empty. `cost` is for files to come; each file names its own.
    pub fn new(disk: Arc<dyn Disk>, passphrase: Passphrase, cost: Cost) -> Self {
        Self { disk, passphrase, cost, opened: Mutex::new(Opened::default()) }
    }

    /// The keys that are here, by the names of their files.
    pub fn list(&self) -> Result<Vec<KeyId>, KeyStoreError> {
        let names = self.disk.list()?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok()).collect())
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        // Whatever panicked, what is in here is whole: each key and each sealing is put in at once.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, id: &KeyId, opened: &mut Opened) -> Result<OpenKey, KeyStoreError> {
        let name = file_name(id);
        if !self.disk.list()?.contains(&name) {
            return Err(KeyStoreError::NoKey { key: *id });
        }
        let file = SealedKey::parse(&name, &self.disk.read(&name)?)?;
        let (algorithm, sealed_id) = (file.header.algorithm, file.header.key);
        let damaged = |reason| KeyStoreError::Damaged { name: name.clone(), reason };
        if sealed_id != *id {
            return Err(damaged("it holds another key"));
        }
        let sealing = self.sealing(file.header.hashing, opened)?;
        let pkcs8 = sealing.open(&name, file)?;
        let key = OpenKey::open(algorithm, &pkcs8).ok_or_else(|| damaged("what it seals is no key"))?;
        // The name is what the registry knows; a file that was sealed for another public key is not that key.
        if key.public().id() != *id {
            return Err(damaged("it holds another key"));
        }
        opened.remember(sealing);
        Ok(key)
    }

    fn sealing(&self, hashing: Hashing, opened: &Opened) -> Result<Sealing, KeyStoreError> {
        match opened.sealings.iter().find(|sealing| sealing.hashing == hashing) {
            Some(known) => Ok(known.clone()),
            None => Sealing::derive(&self.passphrase, hashing),
        }
    }

    /// New files share salt and sealing key with those that are there, so that a start hashes the passphrase once.
    fn newest_sealing(&self, opened: &mut Opened) -> Result<Sealing, KeyStoreError> {
        if opened.sealings.is_empty()
            && let Some(id) = self.list()?.first()
        {
            // A passphrase that does not open what is there must not seal what is new.
            let key = self.load(id, opened)?;
            opened.keys.insert(*id, Arc::new(key));
        }
        if let Some(sealing) = opened.sealings.last() {
            return Ok(sealing.clone());
        }
        let sealing = Sealing::derive(&self.passphrase, Hashing { cost: self.cost, salt: random()? })?;
        opened.remember(sealing.clone());
        Ok(sealing)
    }
}

impl Opened {
    /// Keeps a sealing key that is known to be the right one: it opened a file, or is about to seal the first.
    fn remember(&mut self, sealing: Sealing) {
        if self.sealings.iter().all(|known| known.hashing != sealing.hashing) {
            self.sealings.push(sealing);
        }
    }
}

impl KeyStore for SoftwareStore {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        let (key, pkcs8) = OpenKey::generate(algorithm)?;
        let public = key.public().clone();
        let mut opened = self.opened();
        let file = self.newest_sealing(&mut opened)?.seal(algorithm, public.id(), &pkcs8, random()?)?;
        self.disk.replace(&file_name(&public.id()), &file)?;
        opened.keys.insert(public.id(), Arc::new(key));
        Ok(public)
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        let mut opened = self.opened();
        if let Some(key) = opened.keys.get(id) {
            return Ok(Arc::<OpenKey>::clone(key));
        }
        let key = Arc::new(self.load(id, &mut opened)?);
        opened.keys.insert(*id, Arc::clone(&key));
        Ok(key)
    }
}

fn file_name(id: &KeyId) -> String {
    format!("{id}{SUFFIX}")
}

fn random<const N: usize>() -> Result<[u8; N], KeyStoreError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| KeyStoreError::Library { action: "draw random bytes" })?;
    Ok(bytes)
}
