//! A key store that computes wrongly, by accident or because somebody sees to it: a faulty RSA signature gives the key
//! away to whoever gets to see it, so it goes nowhere and is kept nowhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use keystore::{Cost, Key, KeyStore, KeyStoreError, Passphrase, Signable, SoftwareStore};
use model::journal::Ending;
use model::{Algorithm, Disk, Form, KeyId, PublicKey};
use quorum::{Change, KeyRecord};
use signer::{AdminAnswer, AdminMessage, RefusalCode};
use testkit::MemoryDisk;
use testkit::founding::key_record;

use crate::world::{Platform, World, space};

/// A store whose signatures have one bit flipped while it is ill.
struct Flawed {
    inner: SoftwareStore,
    illness: Arc<Illness>,
}

#[derive(Default)]
struct Illness {
    is_ill: AtomicBool,
    /// What it gave while it was.
    gave: Mutex<Vec<Vec<u8>>>,
}

struct FlawedKey {
    inner: Arc<dyn Key>,
    illness: Arc<Illness>,
}

impl KeyStore for Flawed {
    fn generate(&self, algorithm: Algorithm) -> Result<PublicKey, KeyStoreError> {
        self.inner.generate(algorithm)
    }

    fn key(&self, id: &KeyId) -> Result<Arc<dyn Key>, KeyStoreError> {
        Ok(Arc::new(FlawedKey { inner: self.inner.key(id)?, illness: Arc::clone(&self.illness) }))
    }
}

impl Key for FlawedKey {
    fn public(&self) -> &PublicKey {
        self.inner.public()
    }

    fn sign(&self, what: Signable<'_>) -> Result<Vec<u8>, KeyStoreError> {
        let mut signature = self.inner.sign(what)?;
        if self.illness.is_ill.load(Ordering::SeqCst) {
            *signature.last_mut().unwrap() ^= 1;
            self.illness.gave.lock().unwrap().push(signature.clone());
        }
        Ok(signature)
    }
}

/// A platform with keys in a store that may fall ill.
fn platform(disk: &Arc<MemoryDisk>) -> (Platform, Arc<Illness>) {
    let illness = Arc::new(Illness::default());
    let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
    let inner = SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase, Cost::LEAST);
    let mut world = World::on(Arc::<MemoryDisk>::clone(disk));
    world.more = vec![(space("flawed"), Arc::new(Flawed { inner, illness: Arc::clone(&illness) }))];
    let platform = Platform::begin(world);
    let keys = [
        record(&platform, "flawed/blob", Form::Blob, Algorithm::Rsa3072),
        record(&platform, "flawed/cms", Form::Cms, Algorithm::Rsa3072),
        record(&platform, "flawed/ecdsa", Form::Blob, Algorithm::EcdsaP256),
    ];
    let entered = platform.enter(keys.map(Change::Key).into());
    assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
    (platform, illness)
}

fn record(platform: &Platform, name: &str, form: Form, algorithm: Algorithm) -> KeyRecord {
    let message = AdminMessage::Generate { store: "flawed".to_owned(), algorithm };
    let AdminAnswer::Generated { spki } = platform.administer(&message) else { panic!("no key") };
    let public_key = PublicKey::from_spki(&spki).unwrap();
    KeyRecord { store: space("flawed"), ..key_record(name, form, public_key, platform.world.now()) }
}

#[test]
fn an_rsa_fault_injected_in_the_key_store_leaves_no_signature_in_the_journal() {
    let disk = Arc::new(MemoryDisk::new());
    let (platform, illness) = platform(&disk);
    let orders: Vec<_> = ["flawed/blob", "flawed/cms", "flawed/ecdsa"]
        .map(|name| (platform.key(name), platform.asking(name, b"bytes").order()))
        .into();
    illness.is_ill.store(true, Ordering::SeqCst);
    for (_, order) in &orders {
        let refusal = platform.order(order.clone()).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::KeyStore);
        assert!(refusal.text.contains("does not verify"), "{refusal}");
    }
    let gave = illness.gave.lock().unwrap().clone();
    assert_eq!(gave.len(), orders.len());

    // A restart makes everything durable that was written, and nothing else is read from there.
    let platform = platform.restart();
    for name in disk.list().unwrap() {
        let bytes = disk.read(&name).unwrap();
        let holds = |signature: &Vec<u8>| bytes.windows(signature.len()).any(|window| window == signature);
        assert!(!gave.iter().any(holds), "`{name}` holds a faulty signature");
    }
    let journal: Arc<dyn Disk> = Arc::<MemoryDisk>::clone(&disk);
    let journal = signerd::inspect(&journal).unwrap().unwrap();
    for (key, _) in &orders {
        let known = journal.intents.values().find(|known| known.intent.key == *key).unwrap();
        assert!(known.signature.is_none() && matches!(known.ending, Some(Ending::Refused(_))), "{known:?}");
    }

    // The store recovers: the same order has its signature, under the intent that stood.
    illness.is_ill.store(false, Ordering::SeqCst);
    for (key, order) in &orders {
        let known = journal.intents.iter().find(|(_, known)| known.intent.key == *key).unwrap().0;
        let signed = platform.order(order.clone()).unwrap();
        assert_eq!(signed.index, *known, "one intent");
        assert_eq!(platform.order(order.clone()).unwrap().signature, signed.signature);
    }
}
