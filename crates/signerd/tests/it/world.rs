//! A platform in memory: one founder, three endorsers, a key of each form, and a clock in the test's hand.

use std::sync::Arc;
use std::time::Duration;

use keystore::{Cost, KeyStore, Passphrase, SoftwareStore, Stores};
use model::{
    Algorithm, Class, Clock, Content, Digest, Disclosure, Disk, FileClaim, Form, Hex16, Hex32, Instant, Item,
    ItemKey, Items, KeyId, Kind, Parameters, PersonId, PrincipalId, Proven, PublicKey, Purpose, Request,
    RequestId, Requester, Signing, Space, Subject, to_canonical,
};
use quorum::{Change, Entry, KeyRecord, Rate, Registry};
use signer::{AdminAnswer, AdminMessage, Answer, Head, Order, Orders, Refusal, SignOrder, Signed, Signer};
use signerd::{InProcess, KeyProcess, KeyProcessError, Parts};
pub(crate) use testkit::founding::{LOG_ORIGIN as ORIGIN, space};
use testkit::founding::{key_record, rule};
use testkit::{HandClock, MemoryDisk, Person, Seeded};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// All that outlives the process.
pub(crate) struct World {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) key_disk: Arc<MemoryDisk>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) founder: Person,
    pub(crate) endorsers: [Person; 3],
    pub(crate) segment_bytes: usize,
    /// Key stores beside the sealed files.
    pub(crate) more: Vec<(Space, Arc<dyn KeyStore>)>,
    starts: std::cell::Cell<u64>,
}

/// A process over a world, with a platform begun.
pub(crate) struct Platform {
    pub(crate) world: World,
    pub(crate) process: InProcess,
}

/// The key of a process's journal, as it tells it.
pub(crate) fn journal_key(process: &dyn Signer) -> PublicKey {
    PublicKey::from_spki(&process.state().unwrap().journal_key).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryDisk::new()))
    }

    pub(crate) fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            key_disk: Arc::new(MemoryDisk::new()),
            clock: Arc::new(HandClock::default()),
            founder: Person::new(1),
            endorsers: [2, 3, 4].map(Person::new),
            segment_bytes: 64 * 1024,
            more: Vec::new(),
            starts: std::cell::Cell::new(0),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Starts a process on what the disks hold.
    pub(crate) fn start(&self) -> Result<InProcess, KeyProcessError> {
        self.starts.set(self.starts.get() + 1);
        let mut seeded = Seeded::new(self.starts.get());
        let passphrase = Passphrase::from_file_content(b"correct horse".to_vec().into()).unwrap();
        let key_disk = Arc::<MemoryDisk>::clone(&self.key_disk);
        let files = Stores::new(Arc::new(SoftwareStore::new(key_disk, passphrase, Cost::LEAST)));
        let process = KeyProcess::open(Parts {
            disk: Arc::clone(&self.disk),
            keys: self
                .more
                .iter()
                .fold(files, |stores, (name, more)| stores.with(name.clone(), Arc::clone(more))),
            clock: Arc::<HandClock>::clone(&self.clock),
            random: Box::new(move |bytes| seeded.fill(bytes)),
            segment_bytes: self.segment_bytes,
        })?;
        Ok(InProcess::new(process))
    }

    /// The genesis at a key process whose journal has this key.
    pub(crate) fn genesis_entry(&self, journal: &PublicKey) -> Vec<u8> {
        let genesis = self.founder.genesis(&self.endorsers, journal, self.now());
        self.founder.found(genesis, self.now()).encode()
    }
}

impl Platform {
    /// A platform with the keys of `avouch init`, a governed and a rated one.
    pub(crate) fn new() -> Self {
        Self::begin(World::new())
    }

    pub(crate) fn begin(world: World) -> Self {
        let process = world.start().unwrap();
        let platform = Self { world, process };
        let begun = platform.administer(&AdminMessage::Begin {
            entry: platform.world.genesis_entry(&journal_key(&platform.process)),
        });
        assert!(matches!(begun, AdminAnswer::Appended { .. }), "{begun:?}");
        let mut changes: Vec<Change> = [
            platform.record("platform/ca", Form::Ca, Algorithm::EcdsaP256),
            platform.record("platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256),
            platform.record("platform/log", Form::Checkpoint, Algorithm::Ed25519),
            platform.record("default/cms", Form::Cms, Algorithm::EcdsaP256),
            platform.record("default/blob", Form::Blob, Algorithm::EcdsaP256),
            KeyRecord {
                rule: Some(rule("endorsers", 2)),
                ..platform.record("default/governed", Form::Blob, Algorithm::EcdsaP256)
            },
            KeyRecord {
                rate: Some(Rate { signatures_max: 2, period_s: 600 }),
                ..platform.record("default/rated", Form::Blob, Algorithm::EcdsaP256)
            },
        ]
        .map(Change::Key)
        .into();
        changes.push(Change::Policy { digest: Digest::of(b"policy") });
        let entered = platform.enter(changes);
        assert!(matches!(entered, AdminAnswer::Appended { .. }), "{entered:?}");
        platform
    }

    /// The process ends, and another starts on what it left.
    pub(crate) fn restart(self) -> Self {
        let Self { world, process } = self;
        drop(process);
        let process = world.start().unwrap();
        Self { world, process }
    }

    pub(crate) fn administer(&self, message: &AdminMessage) -> AdminAnswer {
        self.process.administer(message).unwrap()
    }

    /// A record of a new key.
    pub(crate) fn record(&self, name: &str, form: Form, algorithm: Algorithm) -> KeyRecord {
        let message = AdminMessage::Generate { store: "software".to_owned(), algorithm };
        let AdminAnswer::Generated { spki } = self.administer(&message) else { panic!("no key") };
        key_record(name, form, PublicKey::from_spki(&spki).unwrap(), self.world.now())
    }

    pub(crate) fn registry(&self) -> Registry {
        let state = self.process.state().unwrap();
        state.replay().unwrap()
    }

    pub(crate) fn entry(&self, changes: Vec<Change>) -> Entry {
        self.world.founder.enter(&self.registry(), changes, self.world.now())
    }

    pub(crate) fn enter(&self, changes: Vec<Change>) -> AdminAnswer {
        self.administer(&AdminMessage::Append { entry: self.entry(changes).encode() })
    }

    pub(crate) fn key(&self, name: &str) -> KeyId {
        self.registry().active_key(&space(name)).unwrap().record.id()
    }

    pub(crate) fn public_key(&self, name: &str) -> PublicKey {
        self.registry().active_key(&space(name)).unwrap().record.public_key.clone()
    }

    fn blank_request(&self, registry: &Registry) -> Request {
        let now = self.world.now();
        Request {
            version: 1,
            id: RequestId::new([1; 16]),
            space: space("default"),
            platform: registry.platform(),
            registry: registry.head(),
            policy: registry.policy(),
            nonce: Hex32([2; 32]),
            created: now,
            deadline: now.after(10 * MINUTE),
            requester: Requester {
                principal: PrincipalId::new([9; 16]),
                person: PersonId::new([9; 16]),
                proven: Proven::ClientCertificate,
            },
            reason: String::new(),
            kind: Kind::Admin { changes: Digest::ZERO },
        }
    }

    /// A request for one item, to be bent before it is ordered.
    pub(crate) fn asking(&self, key: &str, content: &[u8]) -> Asking {
        let registry = self.registry();
        let known = registry.active_key(&space(key)).unwrap();
        let item = Item {
            index: 0,
            salt: Hex16([3; 16]),
            name: "app.tar.gz".to_owned(),
            format: space("raw"),
            form: known.record.form,
            parameters: Parameters::default(),
            key: ItemKey { name: space(key), generation: 1, record: known.digest },
            content: Content::Sha256 { digest: Digest::of(content), length: content.len() as u64 },
            file: FileClaim { sha256: Digest::of(content), size: content.len() as u64 },
        };
        let signing = Signing {
            profile: space("default"),
            profile_version: Digest::of(b"profile"),
            purpose: Purpose::Code,
            class: Class::Release,
            subject: Subject::default(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: Items::parse(vec![item.encode()]).unwrap().tree(),
        };
        Asking {
            request: self.blank_request(&registry),
            signing,
            items: vec![item],
            endorsements: Vec::new(),
        }
    }

    /// Orders, and says what came back for the one order.
    pub(crate) fn order(&self, order: Order) -> Result<Signed, Refusal> {
        let mut answers = self.order_all(vec![order]);
        match answers.pop().unwrap() {
            Answer::Signed(signed) => Ok(signed),
            Answer::Refused(refusal) => Err(refusal),
        }
    }

    pub(crate) fn order_all(&self, orders: Vec<Order>) -> Vec<Answer> {
        self.process.order(&Orders { ledger: Head::empty(), orders }).unwrap().answers
    }
}

/// A request that is still being composed.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) request: Request,
    pub(crate) signing: Signing,
    pub(crate) items: Vec<Item>,
    pub(crate) endorsements: Vec<Vec<u8>>,
}

impl Asking {
    /// Composes the tree over what the items are now.
    pub(crate) fn recompose(mut self) -> Self {
        self.signing.items = self.tree().tree();
        self
    }

    fn tree(&self) -> Items {
        Items::parse(self.items.iter().map(Item::encode).collect()).unwrap()
    }

    pub(crate) fn request_bytes(&self) -> Vec<u8> {
        Request { kind: Kind::Sign(self.signing.clone()), ..self.request.clone() }.encode()
    }

    pub(crate) fn digest(&self) -> Digest {
        Request::digest(&self.request_bytes())
    }

    /// Endorsed by these, now.
    pub(crate) fn endorsed(mut self, by: &[&Person], at: Instant) -> Self {
        let (platform, digest) = (self.request.platform, self.digest());
        self.endorsements =
            by.iter().map(|person| to_canonical(&person.endorse(&platform, &digest, at))).collect();
        self
    }

    /// The order for the first item.
    pub(crate) fn order(&self) -> Order {
        Order::Sign(self.sign_order(0))
    }

    pub(crate) fn sign_order(&self, index: u32) -> SignOrder {
        SignOrder {
            request: self.request_bytes(),
            item: self.items[index as usize].encode(),
            path: self.tree().path(index).unwrap(),
            endorsements: self.endorsements.clone(),
        }
    }
}
