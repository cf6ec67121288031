//! A platform that certifies holders of the tokens of one issuer, with a line to the key process that a test may cut.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authority::{CertificateAuthority, CertificateError, CertificateParts, Claim, Issued, Proof};
use engine::Ledger as _;
use keystore::{Cost, Passphrase, SoftwareStore, Stores};
use model::{Algorithm, Clock as _, Digest, Form, Instant, PublicKey};
use pki::sct;
use pki::token::{IssuerKind, TokenIssuer, Verification, parse_jwks};
use quorum::{Change, KeyRecord};
use serde_json::{Value, json};
use signer::{AdminAnswer, AdminMessage, Answer, Answers, Orders, Signer, SignerError, State};
use signerd::{InProcess, KeyProcess};
use store::{CertificateLog, Store};
use testkit::founding::{CERTIFICATE_LOG_ORIGIN, key_record};
use testkit::{HandClock, IdentityProvider, Key, MemoryDisk, Person, Seeded, TempFolder, temp_folder};
use tlog::{SignedCheckpoint, TileStore as _, VerifierKey};

pub(crate) const ISSUER: &str = "https://issuer.example.com";

/// What becomes of the frames to the key process, from the one of this number on, counted from the last setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Honest,
    /// That frame does not arrive, nor do later ones.
    CutAt(usize),
    /// That frame arrives, and its answer is lost; so are later ones.
    LosesAnswerTo(usize),
    /// The last bit of every signature in that frame is changed.
    SpoilsAnswerTo(usize),
}

pub(crate) struct Line {
    process: InProcess,
    transport: Mutex<Transport>,
    frames: AtomicUsize,
    /// Held while the key process keeps whoever orders waiting.
    pub(crate) gate: Mutex<()>,
}

impl Line {
    pub(crate) fn set(&self, transport: Transport) {
        *self.transport.lock().unwrap() = transport;
        self.frames.store(0, Ordering::SeqCst);
    }

    pub(crate) fn frames(&self) -> usize {
        self.frames.load(Ordering::SeqCst)
    }
}

impl Signer for Line {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        let frame = self.frames.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.lock().unwrap());
        let transport = *self.transport.lock().unwrap();
        if matches!(transport, Transport::CutAt(at) if frame >= at) {
            return Err(SignerError::Stopped);
        }
        let mut answers = self.process.order(orders)?;
        if matches!(transport, Transport::LosesAnswerTo(at) if frame >= at) {
            return Err(SignerError::Stopped);
        }
        if transport == Transport::SpoilsAnswerTo(frame) {
            for answer in &mut answers.answers {
                let Answer::Signed(signed) = answer else { continue };
                *signed.signature.last_mut().unwrap() ^= 1;
            }
        }
        Ok(answers)
    }

    fn state(&self) -> Result<State, SignerError> {
        self.process.state()
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<HandClock>,
    pub(crate) line: Arc<Line>,
    pub(crate) provider: IdentityProvider,
    store: Option<Arc<Store>>,
    folder: TempFolder,
    founder: Person,
}

/// A holder: who they are, and their key.
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) key: Key,
}

impl Holder {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), key: Key::generate(Algorithm::EcdsaP256) }
    }

    /// A claim with this token, proven by a signature over the holder's own name.
    pub(crate) fn claim(&self, token: &str) -> Claim {
        self.claim_over(token, &self.name)
    }

    pub(crate) fn claim_over(&self, token: &str, text: &str) -> Claim {
        let (key, signature) = (self.key.public().spki().to_vec(), self.key.sign(text.as_bytes()));
        let proof = Proof::Challenge { key, signature };
        Claim { token: token.as_bytes().to_vec(), proof, published: Vec::new() }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(HandClock::default());
        let mut seeded = Seeded::new(1);
        let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
        let keys = SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase, Cost::LEAST);
        let process = KeyProcess::open(signerd::Parts {
            disk: Arc::new(MemoryDisk::new()),
            keys: Stores::new(Arc::new(keys)),
            clock: Arc::<HandClock>::clone(&clock),
            random: Box::new(move |bytes| seeded.fill(bytes)),
            segment_bytes: 1024 * 1024,
        });
        let process = InProcess::new(process.unwrap());
        let line = Line {
            process,
            transport: Mutex::new(Transport::Honest),
            frames: AtomicUsize::new(0),
            gate: Mutex::default(),
        };
        let folder = temp_folder();
        let holder = Arc::<HandClock>::clone(&clock);
        let store = Some(Arc::new(Store::create(folder.path(), "test", holder).unwrap()));
        let (provider, founder) = (IdentityProvider::new("k1"), Person::new(1));
        let world = Self { clock, line: Arc::new(line), provider, store, folder, founder };
        world.found();
        world
    }

    /// The same platform with an empty store.
    pub(crate) fn with_process_of(other: &Self) -> Self {
        let (clock, folder) = (Arc::clone(&other.clock), temp_folder());
        let holder = Arc::<HandClock>::clone(&clock);
        let store = Some(Arc::new(Store::create(folder.path(), "test", holder).unwrap()));
        let (line, founder) = (Arc::clone(&other.line), Person::new(1));
        Self { clock, line, provider: IdentityProvider::new("k1"), store, folder, founder }
    }

    fn found(&self) {
        let now = self.now();
        let journal = PublicKey::from_spki(&self.line.state().unwrap().journal_key).unwrap();
        let genesis = self.founder.found(self.founder.genesis(&[], &journal, now), now);
        self.administer(&AdminMessage::Begin { entry: genesis.encode() });
        let keys = [
            ("platform/ca", Form::Ca, Algorithm::EcdsaP256),
            ("platform/holders", Form::Certificate, Algorithm::EcdsaP256),
            ("platform/ct", Form::Sct, Algorithm::EcdsaP256),
        ];
        let keys = keys.map(|(name, form, algorithm)| Change::Key(self.record(name, form, algorithm)));
        self.enter(keys.into());
        self.enter(vec![Change::Issuer(self.issuer())]);
    }

    pub(crate) fn issuer(&self) -> TokenIssuer {
        TokenIssuer {
            version: 1,
            url: ISSUER.to_owned(),
            audience: "sigstore".to_owned(),
            kind: IssuerKind::Email { verification: Verification::Required },
            issuer_claim: None,
            keys: parse_jwks(self.provider.jwks().to_string().as_bytes()).unwrap(),
        }
    }

    pub(crate) fn enter(&self, changes: Vec<Change>) {
        let registry = self.line.state().unwrap().replay().unwrap();
        let entry = self.founder.enter(&registry, changes, self.now());
        self.administer(&AdminMessage::Append { entry: entry.encode() });
        // What is looked at is a second old at most.
        self.clock.advance(Duration::from_secs(1));
    }

    fn administer(&self, message: &AdminMessage) {
        let answer = self.line.process.administer(message).unwrap();
        assert!(matches!(answer, AdminAnswer::Appended { .. }), "{answer:?}");
    }

    fn record(&self, name: &str, form: Form, algorithm: Algorithm) -> KeyRecord {
        let message = AdminMessage::Generate { store: "software".to_owned(), algorithm };
        let AdminAnswer::Generated { spki } = self.line.process.administer(&message).unwrap() else {
            panic!("no key")
        };
        key_record(name, form, PublicKey::from_spki(&spki).unwrap(), self.now())
    }

    pub(crate) fn public_key(&self, name: &str) -> PublicKey {
        let registry = self.line.state().unwrap().replay().unwrap();
        let key = registry.active_key(&testkit::founding::space(name)).unwrap();
        key.record.public_key.clone()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// The server ends, and another one opens the same folder.
    pub(crate) fn reopen(&mut self) {
        drop(self.store.take());
        let clock = Arc::<HandClock>::clone(&self.clock);
        self.store = Some(Arc::new(Store::open(self.folder.path(), "test", clock).unwrap()));
    }

    pub(crate) fn authority(&self) -> CertificateAuthority {
        let (store, log) = (self.store(), Arc::new(CertificateLog::new(self.store())));
        CertificateAuthority::new(CertificateParts {
            signer: Arc::<Line>::clone(&self.line),
            ledger: store.clone(),
            requests: store,
            clock: Arc::<HandClock>::clone(&self.clock),
            random: |bytes| bytes.fill(7),
            tiles: log.clone(),
            lock: log,
        })
    }

    pub(crate) fn claims(&self, email: &str) -> Value {
        let now = self.now().seconds();
        json!({"iss": ISSUER, "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 300, "email": email,
            "email_verified": true})
    }

    pub(crate) fn token(&self, holder: &Holder) -> String {
        self.provider.token(&self.claims(&holder.name))
    }

    /// What the ledger says of certificates.
    pub(crate) fn records(&self) -> Vec<Value> {
        let leaves = self.store().leaves(0, 1_000).unwrap();
        leaves.iter().map(|leaf| serde_json::from_slice(&leaf.record).unwrap()).collect()
    }

    /// The log's newest checkpoint, as a monitor reads it.
    pub(crate) fn checkpoint(&self) -> SignedCheckpoint {
        let key = VerifierKey::of_certificate_log(CERTIFICATE_LOG_ORIGIN, &self.public_key("platform/ct"));
        let note = CertificateLog::new(self.store()).published().unwrap().unwrap();
        SignedCheckpoint::open(&note, &key.unwrap()).unwrap()
    }

    /// Holds the log against the certificates that were given out: each stands where its timestamp says.
    pub(crate) fn audit(&self, issued: &[Issued]) {
        let key = VerifierKey::of_certificate_log(CERTIFICATE_LOG_ORIGIN, &self.public_key("platform/ct"));
        let log = Arc::new(CertificateLog::new(self.store()));
        let log = tlog::Log::open(key.unwrap(), log.clone(), log).unwrap();
        for one in issued {
            let issuer = one.chain[1].public_key().unwrap();
            let [timestamp] = one.chain[0].signed_timestamps().unwrap().try_into().unwrap();
            assert_eq!(timestamp.extensions, sct::leaf_index(one.leaf).unwrap());
            let logged = one.chain[0].logged_tbs().unwrap();
            timestamp.verify(&self.public_key("platform/ct"), &issuer, &logged).unwrap();
            let signed = sct::to_be_signed(timestamp.time(), &issuer, &logged, &timestamp.extensions);
            let leaf = log.inclusion(one.leaf).unwrap();
            assert_eq!(leaf.leaf_hash, model::merkle::leaf_hash(&signed));
            let entry = log.entry(one.leaf).unwrap();
            let above = one.chain[1].fingerprint();
            assert!(entry.windows(32).any(|part| Digest::from_slice(part) == Some(above)));
        }
    }
}

/// The one result of one claim.
pub(crate) fn one(mut all: Vec<Result<Issued, CertificateError>>) -> Result<Issued, CertificateError> {
    assert_eq!(all.len(), 1);
    all.remove(0)
}
