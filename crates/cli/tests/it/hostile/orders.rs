//! Orders that no engine would give, from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Base64, Carried, Class, Clock as _, Content, Digest, Disclosure, FileClaim, Form, Hashed, Hex16, Hex32,
    Item, ItemKey, Items, KeyId, Kind, Parameters, PersonId, PlatformId, PrincipalId, Proven, Purpose,
    Request, RequestId, Requester, Signing, Space, Subject, merkle, to_canonical,
};
use quorum::{Key, Registry};
use signer::{
    Answer, CheckpointOrder, Head, HolderOrder, HolderStep, Imprint, Order, PromiseOrder, RecallOrder,
    SignOrder, TimestampOrder, TufOrder,
};
use signerd::SystemClock;
use testkit::{Person, Seeded};

/// How many of what was ordered are kept for replays.
const KEPT_MAX: usize = 256;

/// Somebody who owns the server, with all that it knows.
pub(super) struct Intruder {
    pub(super) registry: Registry,
    /// What would be something else, if a key for code signed it: what a certificate, a token, a checkpoint covers.
    pub(super) evil: Vec<Vec<u8>>,
    /// The entries of the log, as it goes on from what was signed last.
    pub(super) log: Vec<Digest>,
    /// What the log would be under a root that was ordered.
    extended: BTreeMap<Digest, Vec<Digest>>,
    ordered: Vec<Order>,
    /// Orders to sign that were done.
    signed: Vec<Order>,
    dice: Seeded,
}

/// A request that is still being bent.
struct Draft {
    request: Request,
    signing: Signing,
    items: Vec<Item>,
    endorsements: Vec<Vec<u8>>,
}

impl Intruder {
    pub(super) fn new(registry: Registry, evil: Vec<Vec<u8>>, seed: u64) -> Self {
        Self {
            registry,
            evil,
            log: Vec::new(),
            extended: BTreeMap::new(),
            ordered: Vec::new(),
            signed: Vec::new(),
            dice: Seeded::new(seed),
        }
    }

    /// The next order, and those to come are made up knowing of it.
    pub(super) fn order(&mut self) -> Order {
        let order = match self.dice.below(100) {
            0..50 => self.sign(),
            50..60 => self.stamp(),
            60..78 => self.checkpoint(),
            78..84 => self.holder(),
            84..88 => self.promise(),
            88..91 => self.recall(),
            91..93 => self.metadata(),
            _ => self.again().unwrap_or_else(|| self.sign()),
        };
        keep(&mut self.ordered, &order, &mut self.dice);
        order
    }

    /// What was signed of a log is what it goes on from.
    pub(super) fn hear(&mut self, order: &Order, answer: &Answer) {
        if let (Order::Checkpoint(order), Answer::Signed(_)) = (order, answer)
            && order.new.size > self.log.len() as u64
            && let Some(leaves) = self.extended.remove(&order.new.root)
        {
            self.log = leaves;
        }
        if let (Order::Sign(_), Answer::Signed(_)) = (order, answer) {
            keep(&mut self.signed, order, &mut self.dice);
        }
    }

    /// A frame with orders, some bytes of which are others.
    pub(super) fn spoil(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.dice.below(4) {
            let at = self.below(frame.len());
            frame[at] = self.dice.bytes::<1>()[0];
        }
        if self.dice.below(4) == 0 {
            frame.truncate(self.below(frame.len()));
        }
        frame
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.dice.below(end as u64) as usize
    }

    fn pick<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    fn digest(&mut self) -> Digest {
        Digest::of(&self.dice.bytes::<16>())
    }

    /// Any key of the platform, or none of it.
    fn any_key(&mut self) -> KeyId {
        let keys: Vec<KeyId> = self.registry.keys().map(|key| key.record.id()).collect();
        if self.dice.below(20) == 0 { KeyId::new(self.digest()) } else { self.pick(&keys) }
    }

    /// The key of a form more often than another.
    fn key_of(&mut self, form: Form) -> KeyId {
        let known = self.registry.keys().find(|key| key.record.form == form).map(|key| key.record.id());
        match known {
            Some(known) if self.dice.below(3) > 0 => known,
            _ => self.any_key(),
        }
    }

    fn again(&mut self) -> Option<Order> {
        let from = if self.dice.below(2) == 0 { &self.signed } else { &self.ordered };
        let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
        from.get(self.dice.below(count) as usize).cloned()
    }

    fn recall(&mut self) -> Order {
        let known = self.again().and_then(|order| match order {
            Order::Sign(order) => Some(Request::digest(&order.request)),
            _ => None,
        });
        let request = known.unwrap_or_else(|| self.digest());
        Order::Recall(RecallOrder { request, item: self.dice.below(2) as u32 })
    }

    fn metadata(&mut self) -> Order {
        let version = if self.dice.below(2) == 0 { self.dice.below(5) } else { self.dice.number() };
        Order::Tuf(TufOrder { key: self.key_of(Form::Tuf), version })
    }

    fn stamp(&mut self) -> Order {
        let imprint = match self.dice.below(3) {
            0 => Imprint::Sha256(self.dice.bytes()),
            1 => Imprint::Sha384(self.dice.bytes()),
            _ => Imprint::Sha512(self.dice.bytes()),
        };
        let nonce = (self.dice.below(2) == 0).then(|| {
            let length = self.below(34);
            (0..length).map(|_| self.dice.bytes::<1>()[0]).collect()
        });
        Order::Timestamp(TimestampOrder { key: self.key_of(Form::Timestamp), imprint, nonce })
    }

    /// Now and then one that extends the log as it is, and otherwise any other.
    fn checkpoint(&mut self) -> Order {
        let old = self.below(self.log.len() + 1);
        let mut leaves = self.log.clone();
        let mut from = self.log.len();
        match self.dice.below(8) {
            0..3 => leaves.extend((0..=self.dice.below(3)).map(|_| Digest::of(&self.dice.bytes::<8>()))),
            3 => leaves.truncate(old),
            4 => {
                from = old;
                leaves.truncate(old);
                leaves.push(self.digest());
            }
            5 => leaves = (0..self.log.len()).map(|_| self.digest()).collect(),
            6 => from = old,
            _ => leaves = (0..self.below(9)).map(|_| self.digest()).collect(),
        }
        let mut proof =
            if from > 0 && from < leaves.len() { consistency(from, &leaves, true) } else { vec![] };
        if self.dice.below(6) == 0 {
            proof.push(self.digest());
        }
        let old = head(&self.log[..from.min(self.log.len())]);
        let mut new = head(&leaves);
        if self.extended.len() == KEPT_MAX {
            self.extended.pop_first();
        }
        self.extended.insert(new.root, leaves);
        match self.dice.below(12) {
            0 => new.root = self.digest(),
            1 => new.size += 1 + self.dice.below(1 << 40),
            _ => {}
        }
        Order::Checkpoint(CheckpointOrder { key: self.key_of(Form::Checkpoint), old, new, proof })
    }

    /// With a token that nobody gave: there is no issuer of any.
    fn holder(&mut self) -> Order {
        let claims = format!(
            "{{\"iss\":\"https://issuer.example\",\"aud\":\"sigstore\",\"sub\":\"a\",\"iat\":{0},\"exp\":{0}}}",
            SystemClock.now().seconds() + 300
        );
        let part = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        let signature = self.dice.bytes::<64>();
        let token = [part(b"{\"alg\":\"ES256\"}"), part(claims.as_bytes()), part(&signature)].join(".");
        let log = self.any_key();
        let step = match self.dice.below(3) {
            0 => HolderStep::Precertificate,
            1 => HolderStep::Timestamp { log, leaf: self.dice.below(9) },
            _ => HolderStep::Certificate { log, leaf: self.dice.below(9) },
        };
        let key = self.registry.keys().next().expect("a platform has keys").record.public_key.clone();
        let public_key = if self.dice.below(2) == 0 { key.spki().to_vec() } else { vec![0x30; 91] };
        Order::Holder(HolderOrder {
            authority: self.key_of(Form::Certificate),
            token: token.into_bytes(),
            public_key,
            step,
        })
    }

    fn promise(&mut self) -> Order {
        let size = self.log.len() as u64;
        let path = (0..self.below(4)).map(|_| self.digest()).collect();
        Order::Promise(PromiseOrder {
            key: self.key_of(Form::Set),
            body: self.dice.bytes::<40>().to_vec(),
            index: self.dice.below(size + 2),
            head: head(&self.log),
            path,
        })
    }

    fn sign(&mut self) -> Order {
        // Every other time one that signs requests, as far as its record goes.
        let any = self.dice.below(2) == 0;
        let keys = self.registry.keys().filter(|key| any || key.record.purpose == Purpose::Code);
        let names: Vec<(Space, u32)> =
            keys.map(|key| (key.record.name.clone(), key.record.generation)).collect();
        let at = self.below(names.len());
        let (name, generation) = &names[at];
        let key = self.registry.key_named(name, *generation).expect("it was just named").clone();
        let mut draft = self.draft(&key);
        // Half of them are as they should be, but for the key.
        let changes = self.dice.below(4).saturating_sub(1);
        let mut after = None;
        for _ in 0..changes {
            match self.dice.below(16) {
                what @ 0..13 => self.bend(&mut draft, what),
                what => after = Some(what),
            }
        }
        self.finish(draft, after)
    }

    fn draft(&mut self, key: &Key) -> Draft {
        let now = SystemClock.now();
        let content = match self.dice.below(2) {
            0 => self.dice.bytes::<24>().to_vec(),
            _ => {
                let at = self.below(self.evil.len());
                self.evil[at].clone()
            }
        };
        let file = FileClaim { sha256: Digest::of(&content), size: content.len() as u64 };
        let content = match self.dice.below(5) {
            0 => Content::Inline { bytes: Base64(content) },
            _ => match key.record.form.carries(key.record.public_key.algorithm()) {
                Carried::Digest(hash) => {
                    let hashed =
                        Hashed::from_slice(hash, &hash.digest(&content)).expect("as long as the hash");
                    (hashed, file.size).into()
                }
                _ => Content::Sha256 { digest: file.sha256, length: file.size },
            },
        };
        let trusted_comment = (key.record.form == Form::Minisign).then(|| "a newer release".to_owned());
        let namespace = key.record.namespaces.first().cloned();
        let item = Item {
            index: 0,
            salt: Hex16(self.dice.bytes()),
            name: "app.tar.gz".to_owned(),
            format: "blob".parse().expect("a word is a name"),
            form: key.record.form,
            parameters: Parameters { namespace, trusted_comment, ..Parameters::default() },
            key: ItemKey {
                name: key.record.name.clone(),
                generation: key.record.generation,
                record: key.digest,
            },
            content,
            file,
        };
        let requester = Requester {
            principal: PrincipalId::new(self.dice.bytes()),
            person: PersonId::new(self.dice.bytes()),
            proven: Proven::ClientCertificate,
        };
        let signing = Signing {
            profile: "default".parse().expect("a word is a name"),
            profile_version: self.digest(),
            purpose: Purpose::Code,
            class: Class::Release,
            subject: Subject::default(),
            evidence: Vec::new(),
            disclosure: Disclosure::Items,
            items: Items::parse(vec![item.encode()]).expect("one item is a tree").tree(),
        };
        let request = Request {
            version: 1,
            id: RequestId::new(self.dice.bytes()),
            space: "default".parse().expect("a word is a name"),
            platform: self.registry.platform(),
            registry: self.registry.head(),
            policy: self.registry.policy(),
            nonce: Hex32(self.dice.bytes()),
            created: now,
            deadline: now.after(Duration::from_secs(600)),
            requester,
            reason: String::new(),
            kind: Kind::Admin { changes: Digest::ZERO },
        };
        Draft { request, signing, items: vec![item], endorsements: Vec::new() }
    }

    /// One thing of it is another.
    fn bend(&mut self, draft: &mut Draft, what: u64) {
        let seconds = Duration::from_secs(1 + self.dice.below(100_000_000));
        let item = &mut draft.items[0];
        match what {
            0 => draft.request.platform = PlatformId::new(self.digest()),
            1 => draft.request.registry = self.digest(),
            2 => draft.request.policy = self.digest(),
            3 => draft.request.created = draft.request.created.before(seconds),
            4 => draft.request.created = draft.request.created.after(seconds),
            5 => draft.request.deadline = draft.request.deadline.after(seconds),
            6 => draft.signing.purpose = self.pick(Purpose::ALL),
            7 => draft.signing.class = self.pick(Class::ALL),
            8 => item.form = self.pick(Form::ALL),
            9 => item.key.record = self.digest(),
            10 => item.key.generation += 1,
            11 => item.parameters.namespace = Some("file".to_owned()),
            // Endorsed by people whom nobody knows.
            _ => {
                let person = Person::new(200);
                let (platform, now) = (draft.request.platform, draft.request.created);
                let endorsement = person.endorse(&platform, &self.digest(), now);
                draft.endorsements.push(to_canonical(&endorsement));
            }
        }
    }

    fn finish(&mut self, draft: Draft, after: Option<u64>) -> Order {
        let Draft { request, mut signing, mut items, endorsements } = draft;
        let tree = Items::parse(items.iter().map(Item::encode).collect()).expect("one item is a tree");
        signing.items = tree.tree();
        let mut request = Request { kind: Kind::Sign(signing), ..request }.encode();
        let mut path = tree.path(0).expect("there is one item");
        match after {
            // Another content than that in the request.
            Some(13) => items[0].file.sha256 = self.digest(),
            Some(14) => path.push(self.digest()),
            Some(_) => request = self.spoil(request),
            None => {}
        }
        let item = items.first().map(Item::encode).unwrap_or_default();
        Order::Sign(SignOrder { request, item, path, endorsements })
    }
}

/// Keeps an order, in the place of another where there are many.
fn keep(kept: &mut Vec<Order>, order: &Order, dice: &mut Seeded) {
    if kept.len() == KEPT_MAX {
        let at = dice.below(KEPT_MAX as u64) as usize;
        kept.swap_remove(at);
    }
    kept.push(order.clone());
}

pub(super) fn head(leaves: &[Digest]) -> Head {
    Head { size: leaves.len() as u64, root: merkle::root(leaves) }
}

/// The consistency proof from the first leaves to all of them (RFC 6962 §2.1.2).
fn consistency(old: usize, leaves: &[Digest], known: bool) -> Vec<Digest> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![merkle::root(leaves)] };
    }
    let split = 1 << (leaves.len() - 1).ilog2();
    let (left, right) = leaves.split_at(split);
    if old <= split {
        return [consistency(old, left, known), vec![merkle::root(right)]].concat();
    }
    [consistency(old - split, right, false), vec![merkle::root(left)]].concat()
}
