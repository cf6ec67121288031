//! A signature that may be made: what it is over, and the key that makes it, of which nothing was asked yet.

use std::num::NonZeroUsize;
use std::sync::Arc;

use envelope::{ToBeSigned, countersigned};
use keystore::{KeyStore, Signable, Stores};
use model::journal::{Intent, endorsements_digest};
use model::{Digest, Instant, PublicKey, Space, told};
use quorum::{Key, KeyRecord};
use signer::{Refusal, RefusalCode};

use crate::journal::Work;
use crate::standing::{refuse, registry};
use crate::state::{Signing, State};

/// How far an order came before anything was written.
pub(crate) enum Prepared {
    /// It was signed before: this is the same signature.
    Kept(Intent, Vec<u8>),
    /// A new intent, which stands where it is put into the journal.
    Intended(Work, Intended),
    /// An intent that is in the journal and has no signature.
    Resumed(Intended),
}

/// A signature that may be made once its intent is durable.
pub(crate) struct Intended {
    pub(crate) intent: Intent,
    pub(crate) to_be_signed: ToBeSigned,
    pub(crate) key: PrivateKey,
    pub(crate) recall: Recall,
}

/// Is the signature remembered, so that the same order gets it again?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recall {
    /// It is, until the deadline of its request.
    Remembered,
    /// It is, until the version after it stands.
    Standing,
    /// The leaf is enough: the order is for this signature or for another.
    Once,
    /// It is what the key said last, once more, which it may also where it was retired.
    Again,
}

/// A private key in the store that its record names. The store was not asked for it yet: it may keep whoever asks
/// waiting, and this is made while others wait for the journal.
pub(crate) struct PrivateKey {
    name: Space,
    public: PublicKey,
    store_name: Space,
    store: Arc<dyn KeyStore>,
}

/// The intent of what a key of the platform's own signs: nobody is asked to endorse it, and a digest stands for the request.
pub(crate) fn own_intent(
    state: &State,
    key: &Key,
    time: Instant,
    request: Digest,
    to_be_signed: Digest,
    chosen: Vec<u8>,
) -> Result<Intent, Refusal> {
    Ok(Intent {
        sequence: state.next(),
        time,
        key: key.record.id(),
        record: key.digest,
        registry: registry(state)?.head(),
        request,
        item: 0,
        to_be_signed,
        endorsements: endorsements_digest(&[]),
        chosen,
    })
}

impl Prepared {
    /// The answer of a signing that has its signature.
    pub(crate) fn kept(signing: &Signing) -> Option<Self> {
        Some(Self::Kept(signing.intent.clone(), signing.signature.clone()?))
    }
}

impl PrivateKey {
    /// The private half of a record's key, if there is such a store.
    pub(crate) fn of(record: &KeyRecord, stores: &Stores) -> Result<Self, Refusal> {
        let store = stores.named(&record.store).map_err(|error| failed(&record.name, &error))?;
        Ok(Self {
            name: record.name.clone(),
            public: record.public_key.clone(),
            store_name: record.store.clone(),
            store: Arc::clone(store),
        })
    }

    /// The name of its store.
    pub(crate) const fn store(&self) -> &Space {
        &self.store_name
    }

    /// How many keys of its store get on at the same time.
    pub(crate) fn at_once(&self) -> NonZeroUsize {
        self.store.at_once()
    }

    /// Asks the store for it. This may take its time.
    pub(crate) fn open(&self) -> Result<Arc<dyn keystore::Key>, Refusal> {
        self.store.key(&self.public.id()).map_err(|error| failed(&self.name, &error))
    }
}

impl Intended {
    /// Uses the key. The intent must be durable, and no lock may be held: a key store may take its time.
    pub(crate) fn sign(&self) -> Result<Vec<u8>, Refusal> {
        let key = self.key.open()?;
        let sign = |what: Signable<'_>| key.sign(what).map_err(|error| failed(&self.key.name, &error));
        let signature = match &self.to_be_signed {
            ToBeSigned::Message(message) => sign(Signable::Message(message))?,
            ToBeSigned::Hashed(hashed) => sign(Signable::Hashed(hashed))?,
            ToBeSigned::Twice { message, comment } => {
                let first = sign(Signable::Message(message))?;
                let second = sign(Signable::Message(&countersigned(&first, comment)))?;
                [first, second].concat()
            }
        };
        // INVARIANT: a signature that does not verify never leaves. The engine looks at every one; here it is looked
        // at before the journal says that it exists, because a faulty RSA signature would give the key away.
        self.to_be_signed.verify(&self.key.public, &signature).map_err(|_| {
            refuse(RefusalCode::KeyStore, "the key store gave a signature that does not verify")
        })?;
        Ok(signature)
    }
}

fn failed(key: &Space, error: &keystore::KeyStoreError) -> Refusal {
    refuse(RefusalCode::KeyStore, format!("key `{key}`: {}", told(error)))
}
