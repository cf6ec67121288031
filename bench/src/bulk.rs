//! A log made long: entries that are brought past the server, under checkpoints that the key process signs all the same.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use engine::{IndexedEntry, Ledger as _, LogIndex as _};
use envelope::rekor::{Body, Terms};
use model::{Clock, Digest, Form, Instant, KeyId};
use signer::{Answer, CheckpointOrder, Client, Head, Order, Orders, Signer as _};
use store::Store;
use tlog::{ENTRIES_MAX, Log, SignedCheckpoint, VerifierKey};

use crate::failure::Failure;
use crate::platform::ORDERS;

/// What an entry looks like: all but its digest is the same in each.
pub(crate) struct Sample {
    before: String,
    after: String,
    terms: Terms,
}

/// Wall time; nothing here waits.
struct Wall;

impl Clock for Wall {
    fn now(&self) -> Instant {
        Instant::EPOCH.after(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    fn boot(&self) -> Duration {
        Duration::ZERO
    }
}

impl Sample {
    /// Like this one, which a log has.
    pub(crate) fn of(body: &[u8]) -> Result<Self, Failure> {
        let bad = Failure::bad("the body of an entry");
        let terms = Body::parse(body).map_err(|why| Failure::bad("the body of an entry")(&why))?.terms();
        let text = String::from_utf8_lossy(body);
        let (before, after) = text
            .split_once(&BASE64.encode(&terms.digest))
            .ok_or_else(|| bad(&"its digest stands nowhere"))?;
        Ok(Self { before: before.to_owned(), after: after.to_owned(), terms })
    }

    fn body(&self, digest: &Digest) -> Vec<u8> {
        [&self.before, BASE64.encode(digest.as_bytes()).as_str(), &self.after].concat().into_bytes()
    }

    fn terms(&self, digest: &Digest) -> Terms {
        Terms { digest: digest.as_bytes().to_vec(), ..self.terms.clone() }
    }
}

/// The log of a platform of which only the key process runs.
struct Bulk {
    store: Arc<Store>,
    log: Log,
    signer: Client,
    key: KeyId,
    origin: String,
}

/// Brings the log of this data folder to a size.
pub(crate) fn grow(dir: &Path, sample: &Sample, to: u64) -> Result<(), Failure> {
    let mut bulk = Bulk::open(dir)?;
    let most = u64::try_from(ENTRIES_MAX).unwrap_or(u64::MAX);
    loop {
        let size = bulk.log.checkpoint().map_or(0, SignedCheckpoint::size);
        if size >= to {
            return Ok(());
        }
        let digests: Vec<Digest> =
            (size..to.min(size + most)).map(|number| Digest::of(&number.to_be_bytes())).collect();
        bulk.append(sample, size, &digests)?;
    }
}

impl Bulk {
    fn open(dir: &Path) -> Result<Self, Failure> {
        let bad = || Failure::bad("the platform's log");
        let signer = Client::new(&dir.join(ORDERS));
        let told = signer.state().map_err(|why| bad()(&why))?;
        let registry = told.replay().map_err(|why| bad()(&why))?;
        let key = registry.in_use(Form::Checkpoint, Wall.now()).ok_or_else(|| bad()(&"it has no key"))?;
        let (key, public) = (key.record.id(), &key.record);
        let origin = public.origin.clone().ok_or_else(|| bad()(&"its key has no origin"))?;
        let verifier = VerifierKey::of_log(&origin, &public.public_key).map_err(|why| bad()(&why))?;
        let store = Store::open(&dir.join("server"), "bench", Arc::new(Wall)).map_err(|why| bad()(&why))?;
        let store = Arc::new(store);
        let log = Log::open(verifier, store.clone(), store.clone()).map_err(|why| bad()(&why))?;
        Ok(Self { store, log, signer, key, origin })
    }

    fn append(&mut self, sample: &Sample, size: u64, digests: &[Digest]) -> Result<(), Failure> {
        let bad = || Failure::bad("the platform's log");
        let bodies: Vec<Vec<u8>> = digests.iter().map(|digest| sample.body(digest)).collect();
        let staged = self.log.stage(&bodies).map_err(|why| bad()(&why))?;
        let entries: Vec<IndexedEntry> = staged
            .leaf_hashes()
            .iter()
            .zip(digests)
            .map(|(leaf, digest)| IndexedEntry { leaf: *leaf, terms: Some(sample.terms(digest)) })
            .collect();
        self.log.swap(staged).map_err(|why| bad()(&why))?;
        let signature = self.sign()?;
        self.log.seal(&signature).map_err(|why| bad()(&why))?;
        self.store.extend(&self.origin, size, &entries).map_err(|why| bad()(&why))
    }

    /// Has the pending checkpoint signed.
    fn sign(&self) -> Result<Vec<u8>, Failure> {
        let bad = || Failure::bad("the log's checkpoint");
        let pending = self.log.pending().ok_or_else(|| bad()(&"there is none to be signed"))?;
        let head = |of: &tlog::Checkpoint| Head { size: of.size(), root: *of.root() };
        let order = CheckpointOrder {
            key: self.key,
            old: head(pending.onto()),
            new: head(pending.checkpoint()),
            proof: pending.consistency().to_vec(),
        };
        let ledger = self.store.head().map_err(|why| bad()(&why))?;
        let orders = Orders { ledger, orders: vec![Order::Checkpoint(order)] };
        let answers = self.signer.order(&orders).map_err(|why| bad()(&why))?;
        match answers.answers.into_iter().next() {
            Some(Answer::Signed(signed)) => Ok(signed.signature),
            Some(Answer::Refused(refusal)) => Err(bad()(&refusal)),
            None => Err(bad()(&"nobody answered")),
        }
    }
}
