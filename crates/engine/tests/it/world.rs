//! A platform in memory, a store in a temporary folder, and everything between them that a test may bend.

use std::collections::HashMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authority::TimestampAuthority;
use engine::{
    Decision, Engine, Moment, Parts, PolicyEngine, Question, Repeat, Submission, SubmitError, View, found_log,
};
use identity::{Caller, PrincipalRecord};
use keystore::{Cost, KeyStore, Passphrase, SoftwareStore, Stores};
use model::{
    Algorithm, Class, Clock, Content, Digest, Disclosure, FileClaim, Form, Hex16, Hex32, Item, Items, KeyId,
    Kind, Logging, Parameters, PersonId, PrincipalId, Profile, ProfileKey, Proven, PublicKey, Purpose,
    Request, RequestId, Signing, Subject, Timestamping,
};
use quorum::{Change, KeyRecord};
use signer::{
    AdminAnswer, AdminMessage, Answer, Answers, JournalProof, Order, Orders, Signer, SignerError, State,
};
use signerd::{InProcess, KeyProcess};
use store::Store;
pub(crate) use testkit::founding::space;
use testkit::founding::{key_record, rule};
use testkit::{HandClock, MemoryDisk, Person, Seeded, SlowStore, TempFolder, temp_folder};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// How the transport to the key process behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Honest,
    /// Nothing arrives, neither there nor back.
    Cut,
    /// The order arrives, the answer is lost.
    LosesAnswers,
    /// Every signature of an item comes back with one bit changed.
    SpoilsSignatures,
    /// The proof of every signature that has one comes back so.
    Proofs(Proofs),
    /// Orders for items do not arrive.
    CutsItems,
    /// Checkpoint orders do not arrive.
    CutsCheckpoints,
}

/// What becomes of the proofs that intents are in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proofs {
    Missing,
    /// One hash of the path has one bit changed.
    OtherPath,
    /// A checkpoint that the journal signed before it had the intent.
    EarlierCheckpoint,
    /// One bit of the checkpoint's signature is changed.
    OtherSignature,
    /// The same checkpoint, under another origin.
    OtherOrigin,
}

impl Proofs {
    fn bend(self, proof: &mut Option<JournalProof>, earlier: &str) {
        let Some(JournalProof { path, checkpoint, .. }) = proof else { return };
        match self {
            Self::Missing => *proof = None,
            Self::OtherPath => path[0] = Digest::of(path[0].as_bytes()),
            Self::EarlierCheckpoint => earlier.clone_into(checkpoint),
            Self::OtherSignature => {
                // The signature is the last 64 bytes in base64, with its padding.
                let at = checkpoint.len() - 8;
                let other = if &checkpoint[at..=at] == "A" { "B" } else { "A" };
                checkpoint.replace_range(at..=at, other);
            }
            Self::OtherOrigin => *checkpoint = checkpoint.replace("/journal/one", "/journal/two"),
        }
    }
}

/// The signature of each request and item.
type Signatures = HashMap<(Vec<u8>, Vec<u8>), Vec<u8>>;

/// The way to the key process. It remembers which signature each item got.
pub(crate) struct Line {
    process: InProcess,
    pub(crate) transport: Mutex<Transport>,
    /// The journal's checkpoint when the transport came to behave so.
    earlier: Mutex<String>,
    signatures: Mutex<Signatures>,
}

impl Line {
    pub(crate) fn set(&self, transport: Transport) {
        *self.transport.lock().unwrap() = transport;
        *self.earlier.lock().unwrap() = self.process.state().unwrap().journal_checkpoint;
    }

    /// How many different items were ever signed. Two signatures of one item are a panic.
    pub(crate) fn signed(&self) -> usize {
        self.signatures.lock().unwrap().len()
    }
}

impl Signer for Line {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        let transport = *self.transport.lock().unwrap();
        let checkpoint = orders.orders.iter().any(|order| matches!(order, Order::Checkpoint(_)));
        let items = orders.orders.iter().any(|order| matches!(order, Order::Sign(_)));
        let is_cut = match transport {
            Transport::Cut => true,
            Transport::CutsItems => items,
            Transport::CutsCheckpoints => checkpoint,
            _ => false,
        };
        if is_cut {
            return Err(SignerError::Stopped);
        }
        let mut answers = self.process.order(orders)?;
        for (order, answer) in orders.orders.iter().zip(&mut answers.answers) {
            let (Order::Sign(order), Answer::Signed(signed)) = (order, answer) else { continue };
            let item = (order.request.clone(), order.item.clone());
            let first =
                self.signatures.lock().unwrap().entry(item).or_insert(signed.signature.clone()).clone();
            assert_eq!(first, signed.signature, "one item was signed twice");
            if transport == Transport::SpoilsSignatures {
                *signed.signature.last_mut().unwrap() ^= 1;
            }
            if let Transport::Proofs(proofs) = transport {
                proofs.bend(&mut signed.journal, &self.earlier.lock().unwrap());
            }
        }
        if transport == Transport::LosesAnswers { Err(SignerError::Stopped) } else { Ok(answers) }
    }

    fn state(&self) -> Result<State, SignerError> {
        self.process.state()
    }
}

/// A policy that says what the test tells it to.
pub(crate) struct Script {
    digest: Digest,
    pub(crate) says: Mutex<fn(&Question<'_>) -> Decision>,
    pub(crate) asked: Mutex<Vec<(RequestId, Moment)>>,
}

impl PolicyEngine for Script {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn decide(&self, questions: &[Question<'_>]) -> Vec<Decision> {
        let says = *self.says.lock().unwrap();
        self.asked.lock().unwrap().extend(questions.iter().map(|q| (q.request.id, q.moment)));
        questions.iter().map(says).collect()
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<HandClock>,
    pub(crate) process: InProcess,
    pub(crate) journal: Arc<MemoryDisk>,
    pub(crate) line: Arc<Line>,
    pub(crate) policy: Arc<Script>,
    store: Option<Arc<Store>>,
    folder: TempFolder,
    pub(crate) founder: Person,
    pub(crate) endorsers: [Person; 3],
    seeds: Mutex<Seeded>,
}

/// A key store with no keys yet.
fn software() -> Arc<dyn KeyStore> {
    let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
    Arc::new(SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase, Cost::LEAST))
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Stores::new(software()))
    }

    /// With a key in a token as well, which signs when it is let; a profile of that key alone, and one of keys in both
    /// stores.
    pub(crate) fn with_token() -> (Self, SlowStore) {
        let token = SlowStore::new(software());
        let world = Self::over(Stores::new(software()).with(space("token"), Arc::new(token.clone())));
        let record = world.record_in("token", "default/token", Form::Blob, Algorithm::EcdsaP256);
        world.enter(vec![Change::Key(record)]);
        let both = [(Form::Cms, "default/cms"), (Form::Blob, "default/token")];
        world.store().set_profile(&profile("default/both", &both)).unwrap();
        world.store().set_profile(&profile("default/token", &both[1..])).unwrap();
        (world, token)
    }

    fn over(keys: Stores) -> Self {
        let clock = Arc::new(HandClock::default());
        let mut seeded = Seeded::new(1);
        let journal = Arc::new(MemoryDisk::new());
        let process = KeyProcess::open(signerd::Parts {
            disk: Arc::<MemoryDisk>::clone(&journal),
            keys,
            clock: Arc::<HandClock>::clone(&clock),
            random: Box::new(move |bytes| seeded.fill(bytes)),
            segment_bytes: 1024 * 1024,
        });
        let process = InProcess::new(process.unwrap());
        let line = Line {
            process: process.clone(),
            transport: Mutex::new(Transport::Honest),
            earlier: Mutex::default(),
            signatures: Mutex::default(),
        };
        let policy = Script {
            digest: Digest::of(b"policy"),
            says: Mutex::new(|_| Decision::Permit { reasons: vec!["the script says so".to_owned()] }),
            asked: Mutex::default(),
        };
        let folder = temp_folder();
        let holder = Arc::<HandClock>::clone(&clock);
        let store = Arc::new(Store::create(folder.path(), "test", holder).unwrap());
        let world = Self {
            clock,
            process,
            journal,
            line: Arc::new(line),
            policy: Arc::new(policy),
            store: Some(store),
            folder,
            founder: Person::new(1),
            endorsers: [2, 3, 4].map(Person::new),
            seeds: Mutex::new(Seeded::new(2)),
        };
        world.found();
        world
    }

    fn found(&self) {
        let now = self.clock.now();
        let journal = PublicKey::from_spki(&self.process.state().unwrap().journal_key).unwrap();
        let genesis = self.founder.found(self.founder.genesis(&self.endorsers, &journal, now), now);
        self.administer(&AdminMessage::Begin { entry: genesis.encode() });
        let mut changes: Vec<Change> = [
            ("platform/ca", Form::Ca, Algorithm::EcdsaP256),
            ("platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256),
            ("platform/log", Form::Checkpoint, Algorithm::Ed25519),
            ("default/cms", Form::Cms, Algorithm::EcdsaP256),
            ("default/blob", Form::Blob, Algorithm::EcdsaP256),
        ]
        .map(|(name, form, algorithm)| Change::Key(self.record(name, form, algorithm)))
        .into();
        let governed = self.record("default/governed", Form::Blob, Algorithm::EcdsaP256);
        changes.push(Change::Key(KeyRecord { rule: Some(rule("endorsers", 2)), ..governed }));
        changes.push(Change::Policy { digest: self.policy.digest });
        self.enter(changes);
        let store = self.store();
        let caller = self.caller();
        let principal = PrincipalRecord {
            id: caller.principal,
            person: caller.person,
            name: caller.name,
            spaces: caller.spaces,
            disabled: None,
        };
        store.add_principal(&principal).unwrap();
        store
            .set_profile(&profile("default", &[(Form::Cms, "default/cms"), (Form::Blob, "default/blob")]))
            .unwrap();
        store.set_profile(&profile("default/governed", &[(Form::Blob, "default/governed")])).unwrap();
        found_log(&engine::World::new(self.parts())).unwrap();
    }

    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The server ends, and another one opens the same folder.
    pub(crate) fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "somebody still holds the store");
        drop(store);
        let clock = Arc::<HandClock>::clone(&self.clock);
        self.store = Some(Arc::new(Store::open(self.folder.path(), "test", clock).unwrap()));
    }

    pub(crate) fn parts(&self) -> Parts {
        let (store, mut seeded) = (self.store(), Seeded::new(3));
        let line = Arc::<Line>::clone(&self.line);
        Parts {
            clock: Arc::<HandClock>::clone(&self.clock),
            random: Box::new(move |bytes| seeded.fill(bytes)),
            policy: Arc::<Script>::clone(&self.policy),
            timestamper: Arc::new(TimestampAuthority::new(line.clone(), store.clone(), self.clock.clone())),
            signer: line,
            requests: store.clone(),
            ledger: store.clone(),
            directory: store.clone(),
            tiles: store.clone(),
            lock: store.clone(),
            index: store,
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::start(self.parts()).unwrap()
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller {
            principal: PrincipalId::new([9; 16]),
            person: PersonId::new([9; 16]),
            name: "build".to_owned(),
            proven: Proven::ApiKey,
            spaces: vec![space("default")],
            profiles: None,
        }
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.seeds.lock().unwrap().bytes()
    }

    /// A request for these files, each in every form of the profile, as a client composes it.
    pub(crate) fn asking(&self, engine: &Engine, profile: &str, files: &[&str]) -> Asking {
        let view = engine.profile_view(&self.caller(), &space(profile)).unwrap();
        let mut items: Vec<Item> = Vec::new();
        for file in files {
            for key in &view.keys {
                items.push(Item {
                    index: items.len() as u32,
                    salt: Hex16(self.random()),
                    name: (*file).to_owned(),
                    format: space("raw"),
                    form: key.form,
                    parameters: Parameters::default(),
                    key: key.key.clone(),
                    content: Content::Sha256 {
                        digest: Digest::of(file.as_bytes()),
                        length: file.len() as u64,
                    },
                    file: FileClaim { sha256: Digest::of(file.as_bytes()), size: file.len() as u64 },
                });
            }
        }
        let request = Request {
            version: 1,
            id: RequestId::new(self.random()),
            space: view.space,
            platform: view.platform,
            registry: view.registry,
            policy: view.policy,
            nonce: Hex32(self.random()),
            created: view.now,
            deadline: view.now.after(10 * MINUTE),
            requester: view.requester,
            reason: String::new(),
            kind: Kind::Admin { changes: Digest::ZERO },
        };
        let signing = Signing {
            profile: view.profile.name,
            profile_version: view.version,
            purpose: Purpose::Code,
            class: Class::Release,
            subject: Subject::default(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: Items::parse(items.iter().map(Item::encode).collect()).unwrap().tree(),
        };
        Asking { request, signing, items, idempotency_key: None, repeat: Repeat::Same }
    }

    pub(crate) fn enter(&self, changes: Vec<Change>) {
        let state = self.process.state().unwrap();
        let registry = state.replay().unwrap();
        let entry = self.founder.enter(&registry, changes, self.clock.now());
        self.administer(&AdminMessage::Append { entry: entry.encode() });
    }

    pub(crate) fn record(&self, name: &str, form: Form, algorithm: Algorithm) -> KeyRecord {
        self.record_in("software", name, form, algorithm)
    }

    /// The record of a key that was made in a store.
    pub(crate) fn record_in(&self, store: &str, name: &str, form: Form, algorithm: Algorithm) -> KeyRecord {
        let message = AdminMessage::Generate { store: store.to_owned(), algorithm };
        let AdminAnswer::Generated { spki } = self.process.administer(&message).unwrap() else {
            panic!("no key")
        };
        let record = key_record(name, form, PublicKey::from_spki(&spki).unwrap(), self.clock.now());
        KeyRecord { store: space(store), ..record }
    }

    pub(crate) fn key(&self, name: &str) -> KeyId {
        let registry = self.process.state().unwrap().replay().unwrap();
        registry.active_key(&space(name)).unwrap().record.id()
    }

    fn administer(&self, message: &AdminMessage) {
        let answer = self.process.administer(message).unwrap();
        assert!(matches!(answer, AdminAnswer::Appended { .. }), "{answer:?}");
    }
}

pub(crate) fn profile(name: &str, keys: &[(Form, &str)]) -> Profile {
    Profile {
        name: space(name),
        class: Class::Release,
        keys: keys.iter().map(|(form, key)| ProfileKey { form: *form, key: space(key) }).collect(),
        timestamp: Timestamping::Rfc3161,
        log: Logging::Transparency,
    }
}

/// A request that is still being composed.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) request: Request,
    pub(crate) signing: Signing,
    pub(crate) items: Vec<Item>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) repeat: Repeat,
}

impl Asking {
    pub(crate) fn id(&self) -> RequestId {
        self.request.id
    }

    /// The same, composed once more: another id, nonce, time and salts.
    pub(crate) fn once_more(&self, world: &World) -> Self {
        let mut again = self.clone();
        again.request.id = RequestId::new(world.random());
        again.request.nonce = Hex32(world.random());
        again.request.created = world.clock.now();
        again.request.deadline = world.clock.now().after(9 * MINUTE);
        again.items.iter_mut().for_each(|item| item.salt = Hex16(world.random()));
        again.recompose()
    }

    pub(crate) fn recompose(mut self) -> Self {
        self.signing.items = Items::parse(self.items.iter().map(Item::encode).collect()).unwrap().tree();
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        Request { kind: Kind::Sign(self.signing.clone()), ..self.request.clone() }.encode()
    }

    pub(crate) fn digest(&self) -> Digest {
        Request::digest(&self.bytes())
    }

    pub(crate) fn submission(&self) -> Submission {
        Submission {
            request: self.bytes(),
            items: self.items.iter().map(Item::encode).collect(),
            idempotency_key: self.idempotency_key.clone(),
            repeat: self.repeat,
        }
    }

    pub(crate) fn submit(&self, world: &World, engine: &Engine) -> Result<View, SubmitError> {
        self.submit_later(world, engine).wait()
    }

    pub(crate) fn submit_later(&self, world: &World, engine: &Engine) -> Answered {
        let (reply, answered) = reply();
        engine.submit(world.caller(), self.submission(), reply);
        answered
    }
}

/// An answer that will come.
pub(crate) struct Answered(mpsc::Receiver<Result<View, SubmitError>>);

impl Answered {
    pub(crate) fn wait(self) -> Result<View, SubmitError> {
        self.0.recv_timeout(Duration::from_secs(60)).expect("an answer comes")
    }

    pub(crate) fn is_there(&self) -> Option<Result<View, SubmitError>> {
        self.0.try_recv().ok()
    }
}

pub(crate) fn reply() -> (engine::Reply, Answered) {
    let (sender, receiver) = mpsc::channel();
    let reply = Box::new(move |result| {
        let _ = sender.send(result);
    });
    (reply, Answered(receiver))
}
