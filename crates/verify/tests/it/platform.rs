//! A whole platform in a test's hand: its keys, its registry, its log and its timestamp authority, without a process.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use envelope::rekor::{Body, Verifier};
use envelope::timestamp::{self, CertificateWish, TstInfo};
use envelope::{Chosen, ToBeSigned, compose, countersigned, openpgp};
use model::journal::{Intent, Leaf, endorsements_digest};
use model::receipt::{JournalEntry, LogEntry, Receipt, SignedItem};
use model::{
    Base64, Carried, Class, Content, Digest, Disclosure, FileClaim, Form, HashState, Hashed, Hex16, Hex32,
    Instant, Item, ItemKey, Items, Kind, Parameters, Proven, PublicKey, Purpose, Request, RequestId,
    Requester, SignatureOf, Signing, Subject, merkle, to_canonical,
};
use pki::{Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};
use quorum::{Change, Endorsement, Genesis, KeyRecord, KeyState, Moment, Registry};
use testkit::Person;
pub(crate) use testkit::founding::space as name;
use testkit::founding::{HOST, LOG_ORIGIN, key_record, rule};
use tlog::{Checkpoint, VerifierKey};
use verify::{RootParts, TrustRoot};

pub(crate) const FILE: &[u8] = b"what the organisation ships\n";

/// What is said of it in minisign signatures.
pub(crate) const COMMENT: &str = "timestamp:1795165602\tfile:firmware.bin\thashed";

/// 2026-11-20T09:06:42Z, and seconds after it.
pub(crate) fn at(seconds: u64) -> Instant {
    Instant::from_seconds(1_795_165_602 + seconds)
}

/// A private key of one of the two kinds.
pub(crate) enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn public(&self) -> PublicKey {
        match self {
            Self::P256(pair) => {
                let prefix = [
                    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
                    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
                ];
                PublicKey::from_spki(&[&prefix, pair.public_key().as_ref()].concat()).unwrap()
            }
            Self::Ed25519(pair) => PublicKey::from_ed25519(pair.public_key().as_ref().try_into().unwrap()),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn sign_these(&self, bytes: &ToBeSigned) -> Vec<u8> {
        match (self, bytes) {
            (_, ToBeSigned::Message(message)) => self.sign(message),
            // A test knows the bytes behind the digest.
            (_, ToBeSigned::Hashed(hashed)) => {
                assert_eq!(*hashed, Hashed::Sha256(Digest::of(FILE)));
                self.sign(FILE)
            }
            (_, ToBeSigned::Twice { message, comment }) => {
                let first = self.sign(message);
                let second = self.sign(&countersigned(&first, comment));
                [first, second].concat()
            }
        }
    }
}

/// A platform that signs in this process.
pub(crate) struct Platform {
    pub(crate) founder: Person,
    pub(crate) endorsers: Vec<Person>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) registry: Registry,
    ca: (Pair, Certificate),
    tsa: (Pair, Certificate),
    log: (Pair, VerifierKey),
    journal: (Pair, VerifierKey),
    pub(crate) cms: (Pair, Certificate),
    pub(crate) blob: Pair,
    /// A blob key that asks for one of the endorsers.
    pub(crate) governed: Pair,
    /// The root that follows the first.
    next_root: Option<Certificate>,
    /// A key that signs claims.
    attest: Pair,
    /// Keys of minisign and of SSH.
    pub(crate) minisign: Pair,
    pub(crate) sshsig: Pair,
    /// A key of OpenPGP, and what it says of itself.
    pub(crate) openpgp: (Pair, Vec<u8>),
}

fn certificate(
    subject: &str,
    profile: &CertificateProfile,
    key: &PublicKey,
    issuer: Issuer<'_>,
    signer: &Pair,
) -> Certificate {
    let subject = DistinguishedName::new("Example", subject).unwrap();
    let new = NewCertificate {
        profile,
        subject: &subject,
        public_key: key,
        serial: Serial::from_random([7; 16]),
        validity: Validity::new(at(0).before(Duration::from_secs(86_400)), at(86_400 * 300)).unwrap(),
        issuer,
    };
    let tbs = new.compose().unwrap();
    tbs.seal(&signer.sign(tbs.der())).unwrap()
}

/// A key of OpenPGP with its certificate, by its record's times.
fn with_certificate(pair: Pair) -> (Pair, Vec<u8>) {
    let KeyRecord { not_before, not_after, .. } = record("default/openpgp", Form::OpenPgp, pair.public());
    let new = openpgp::NewCertificate::new(&pair.public(), not_before, not_after, "Releases").unwrap();
    let certificate = new.seal(&pair.sign_these(&new.to_be_signed())).unwrap();
    (pair, certificate)
}

fn record(key: &str, form: Form, public_key: PublicKey) -> KeyRecord {
    key_record(key, form, public_key, at(0))
}

impl Platform {
    pub(crate) fn new() -> Self {
        let founder = Person::new(1);
        let endorsers = vec![Person::new(2), Person::new(3)];
        // Two of these are two platforms.
        let nonce = Hex32(aws_lc_rs::rand::generate(&SystemRandom::new()).unwrap().expose());
        let journal = Pair::ed25519();
        let genesis = Genesis { nonce, ..founder.genesis(&endorsers, &journal.public(), at(0)) };
        let entry = founder.found(genesis, at(0)).encode();
        let registry = Registry::begin(&entry).unwrap();
        let (ca, tsa, log) = (Pair::p256(), Pair::p256(), Pair::ed25519());
        let (cms, blob, governed) = (Pair::p256(), Pair::p256(), Pair::p256());
        let attest = Pair::p256();
        let (minisign, sshsig, openpgp) = (Pair::ed25519(), Pair::ed25519(), Pair::ed25519());
        let root = certificate("platform ca", &CertificateProfile::Root, &ca.public(), Issuer::Itself, &ca);
        let issued = Issuer::Certificate(&root);
        let tsa_certificate =
            certificate("platform timestamp", &CertificateProfile::Timestamping, &tsa.public(), issued, &ca);
        let cms_certificate =
            certificate("default cms", &CertificateProfile::CodeSigning, &cms.public(), issued, &ca);
        let records = vec![
            Change::Key(record("platform/ca", Form::Ca, ca.public())),
            Change::Key(record("platform/timestamp", Form::Timestamp, tsa.public())),
            Change::Key(record("platform/log", Form::Checkpoint, log.public())),
            Change::Key(record("default/cms", Form::Cms, cms.public())),
            Change::Key(record("default/blob", Form::Blob, blob.public())),
            Change::Key(record("default/attest", Form::Dsse, attest.public())),
            Change::Key(record("default/minisign", Form::Minisign, minisign.public())),
            Change::Key(record("default/sshsig", Form::SshSig, sshsig.public())),
            Change::Key(record("default/openpgp", Form::OpenPgp, openpgp.public())),
            Change::Key(KeyRecord {
                rule: Some(rule("endorsers", 1)),
                ..record("default/governed", Form::Blob, governed.public())
            }),
            Change::Policy { digest: Digest::of(b"policy") },
        ];
        let verifier = |origin: &str, pair: &Pair| VerifierKey::of_log(origin, &pair.public()).unwrap();
        let log_key = verifier(LOG_ORIGIN, &log);
        let journal_key = verifier(&format!("{HOST}/journal/one"), &journal);
        let mut platform = Self {
            founder,
            endorsers,
            entries: vec![entry],
            registry,
            ca: (ca, root),
            tsa: (tsa, tsa_certificate),
            log: (log, log_key),
            journal: (journal, journal_key),
            cms: (cms, cms_certificate),
            blob,
            governed,
            next_root: None,
            attest,
            minisign,
            sshsig,
            openpgp: with_certificate(openpgp),
        };
        platform.change(records, at(1));
        platform
    }

    /// Appends an entry that the founder asks for and endorses.
    pub(crate) fn change(&mut self, changes: Vec<Change>, now: Instant) {
        let bytes = self.founder.enter(&self.registry, changes, now).encode();
        self.registry.append(&bytes, Moment::Live(now)).unwrap();
        self.entries.push(bytes);
    }

    pub(crate) fn set_state(&mut self, key: &Pair, state: KeyState, since: Instant) {
        let change = Change::KeyState { key: key.public().id(), state, since, reason: "a test".to_owned() };
        self.change(vec![change], since);
    }

    /// Takes the platform's key of a form away.
    pub(crate) fn revoke(&mut self, form: Form, state: KeyState, since: Instant) {
        let key = self.registry.platform_key(form).unwrap().record.id();
        self.change(vec![Change::KeyState { key, state, since, reason: "stolen".to_owned() }], since);
    }

    /// Another root follows the one that there is, which retires. The timestamp authority has its certificate by the new one,
    /// and `default/cms` by the old one.
    pub(crate) fn retire_the_root(&mut self, now: Instant, since: Instant) {
        let (new, old) = (Pair::p256(), self.ca.0.public().id());
        let profile = &CertificateProfile::Root;
        let root = certificate("platform ca, generation 2", profile, &new.public(), Issuer::Itself, &new);
        let record = record("platform/ca", Form::Ca, new.public());
        let second = KeyRecord { generation: 2, takes_over: Some(now), ..record };
        let (state, reason) = (KeyState::Retired, "rotation".to_owned());
        self.change(vec![Change::Key(second), Change::KeyState { key: old, state, since, reason }], now);
        let (profile, issuer) = (&CertificateProfile::Timestamping, Issuer::Certificate(&root));
        self.tsa.1 = certificate("platform timestamp", profile, &self.tsa.0.public(), issuer, &new);
        self.next_root = Some(root);
    }

    /// A proof that this body stands in the log.
    pub(crate) fn log_entry(&self, body: &[u8]) -> LogEntry {
        let (path, checkpoint) = published((&self.log.0, &self.log.1), body, 1);
        LogEntry { index: 1, body: Base64(body.to_vec()), path, checkpoint }
    }

    /// The same, where somebody else signed the checkpoint under the log's name.
    pub(crate) fn log_entry_by(&self, pair: &Pair, body: &[u8]) -> LogEntry {
        let key = VerifierKey::of_log(self.log.1.name(), &pair.public()).unwrap();
        let (path, checkpoint) = published((pair, &key), body, 1);
        LogEntry { index: 1, body: Base64(body.to_vec()), path, checkpoint }
    }

    /// Gives the keys `default/blob` and `default/cms` a second generation.
    pub(crate) fn renew_keys(&mut self, now: Instant) {
        let (blob, cms) = (Pair::p256(), Pair::p256());
        let (profile, issuer) = (&CertificateProfile::CodeSigning, Issuer::Certificate(&self.ca.1));
        let certificate = certificate("default cms", profile, &cms.public(), issuer, &self.ca.0);
        let second = |record: KeyRecord| Change::Key(KeyRecord { generation: 2, ..record });
        let changes = vec![
            second(record("default/blob", Form::Blob, blob.public())),
            second(record("default/cms", Form::Cms, cms.public())),
        ];
        self.change(changes, now);
        (self.blob, self.cms) = (blob, (cms, certificate));
    }

    pub(crate) fn trust_root(&self) -> TrustRoot {
        let certificates: Vec<_> = [&self.ca.1, &self.tsa.1, &self.cms.1]
            .into_iter()
            .chain(&self.next_root)
            .map(|one| (one.public_key().unwrap().id(), one.der().to_vec()))
            .chain([(self.openpgp.0.public().id(), self.openpgp.1.clone())])
            .collect();
        TrustRoot::compose(&RootParts {
            registry: &self.entries,
            certificates: &certificates,
            public_url: "https://localhost:7444",
            expires: at(86_400 * 90),
        })
        .unwrap()
    }

    fn request(&self, who: &Person, proven: Proven, now: Instant) -> Request {
        Request {
            version: 1,
            id: RequestId::new([9; 16]),
            space: name("default"),
            platform: self.registry.platform(),
            registry: self.registry.head(),
            policy: self.registry.policy(),
            nonce: Hex32([4; 32]),
            created: now,
            deadline: now.after(Duration::from_secs(600)),
            requester: Requester { principal: who.principal, person: who.person, proven },
            reason: String::new(),
            kind: Kind::Admin { changes: Digest::ZERO },
        }
    }

    /// Signs [`FILE`] with these keys: one item for each.
    pub(crate) fn sign(&self, keys: &[&str], now: Instant) -> Receipt {
        let items: Vec<Item> = keys.iter().zip(0..).map(|(key, index)| self.item(key, index)).collect();
        let items = Items::parse(items.iter().map(Item::encode).collect()).unwrap();
        self.sign_items(&items, now)
    }

    /// Signs these items, whatever they are.
    pub(crate) fn sign_items(&self, items: &Items, now: Instant) -> Receipt {
        let asker = Person::new(7);
        let request = Request {
            kind: Kind::Sign(Signing {
                profile: name("default"),
                profile_version: Digest::of(b"profile"),
                purpose: Purpose::Code,
                class: Class::Release,
                subject: Subject { product: "firmware".to_owned(), version: "1.2".to_owned(), source: None },
                evidence: Vec::new(),
                disclosure: Disclosure::Items,
                items: items.tree(),
            }),
            ..self.request(&asker, Proven::ClientCertificate, now)
        };
        self.sign_request(&request, items, now)
    }

    /// Signs what a request asks for, whatever it says.
    pub(crate) fn sign_request(&self, request: &Request, items: &Items, now: Instant) -> Receipt {
        let bytes = request.encode();
        let digest = Request::digest(&bytes);
        let governed = items.iter().any(|(_, item)| item.key.name.as_str() == "default/governed");
        let endorsements: Vec<Endorsement> = match (governed, self.endorsers.first()) {
            (true, Some(one)) => vec![one.endorse(&self.registry.platform(), &digest, now)],
            _ => Vec::new(),
        };
        let signed = items.iter().map(|(encoded, item)| {
            let path = items.path(item.index).unwrap();
            self.sign_item(&digest, encoded, item, path, &endorsements, now)
        });
        Receipt {
            version: 1,
            request: String::from_utf8(bytes).unwrap(),
            registry: self.registry.head(),
            endorsements: endorsements
                .iter()
                .map(|one| String::from_utf8(to_canonical(one)).unwrap())
                .collect(),
            items: signed.collect(),
        }
    }

    pub(crate) fn item(&self, key: &str, index: u32) -> Item {
        let newest = (1..=2).rev().find_map(|n| Some((n, self.registry.key_named(&name(key), n)?)));
        let (generation, known) = newest.unwrap();
        let length = u64::try_from(FILE.len()).unwrap();
        Item {
            index,
            salt: Hex16([5; 16]),
            name: "firmware.bin".to_owned(),
            format: name("blob"),
            form: known.record.form,
            parameters: Parameters {
                trusted_comment: (known.record.form == Form::Minisign).then(|| COMMENT.to_owned()),
                namespace: known.record.namespaces.first().cloned(),
                signature_of: (known.record.form == Form::OpenPgp).then_some(SignatureOf::Binary),
                ..Parameters::default()
            },
            key: ItemKey { name: name(key), generation, record: known.digest },
            content: match known.record.form.carries(known.record.public_key.algorithm()) {
                Carried::Digest(hash) => {
                    (Hashed::from_slice(hash, &hash.digest(FILE)).unwrap(), length).into()
                }
                Carried::State(hash) => {
                    let mut state = HashState::new(hash).unwrap();
                    state.update(FILE);
                    Content::State(state)
                }
                Carried::Inline => Content::Sha256 { digest: Digest::of(FILE), length },
            },
            file: FileClaim { sha256: Digest::of(FILE), size: length },
        }
    }

    fn pair(&self, key: &str) -> (&Pair, Option<&Certificate>) {
        match key {
            "default/cms" => (&self.cms.0, Some(&self.cms.1)),
            "default/blob" => (&self.blob, None),
            "default/attest" => (&self.attest, None),
            "default/minisign" => (&self.minisign, None),
            "default/sshsig" => (&self.sshsig, None),
            "default/openpgp" => (&self.openpgp.0, None),
            _ => (&self.governed, None),
        }
    }

    fn sign_item(
        &self,
        request: &Digest,
        encoded: &[u8],
        item: &Item,
        path: Vec<Digest>,
        endorsements: &[Endorsement],
        now: Instant,
    ) -> SignedItem {
        let (pair, certificate) = self.pair(item.key.name.as_str());
        let since = self.registry.key(&pair.public().id()).unwrap().record.not_before;
        let chosen = Chosen::for_item(item.form, &pair.public(), since, now);
        let to_be_signed = compose(item, &chosen, certificate).unwrap();
        let signature = pair.sign_these(&to_be_signed);
        let key = || Verifier::PublicKey(pair.public());
        let verifier = certificate.cloned().map_or_else(key, Verifier::Certificate);
        let body = Body::new(&to_be_signed, &signature, verifier).unwrap().encode();
        let intent = Leaf::Intent(Intent {
            sequence: 1,
            time: now,
            key: pair.public().id(),
            record: item.key.record,
            registry: self.registry.head(),
            request: *request,
            item: item.index,
            to_be_signed: to_be_signed.sha256(),
            endorsements: endorsements_digest(&endorsements.iter().map(to_canonical).collect::<Vec<_>>()),
            chosen: chosen.encode(),
        });
        let (journal_path, journal_checkpoint) = self.journalled(self.journal_origin(), &intent.encode(), 1);
        let (log_path, checkpoint) = published((&self.log.0, &self.log.1), &body, 1);
        SignedItem {
            item: String::from_utf8(encoded.to_vec()).unwrap(),
            path,
            public_key: pair.public(),
            chain: certificate.iter().map(|one| Base64(one.der().to_vec())).collect(),
            timestamp: Some(Base64(self.stamp(&signature, now))),
            signature: Base64(signature),
            chosen: Base64(chosen.encode()),
            log: Some(LogEntry { index: 1, body: Base64(body), path: log_path, checkpoint }),
            journal: Some(JournalEntry {
                index: 1,
                leaf: Base64(intent.encode()),
                path: journal_path,
                checkpoint: Some(journal_checkpoint),
                witnessed: Vec::new(),
            }),
        }
    }

    pub(crate) fn journal_origin(&self) -> &str {
        self.journal.1.name()
    }

    /// A journal's checkpoint over two leaves and this one at an index, under any origin, with the leaf's path.
    pub(crate) fn journalled(&self, origin: &str, leaf: &[u8], index: usize) -> (Vec<Digest>, String) {
        let key = VerifierKey::of_log(origin, &self.journal.0.public()).unwrap();
        published((&self.journal.0, &key), leaf, index)
    }

    pub(crate) fn stamp(&self, signature: &[u8], now: Instant) -> Vec<u8> {
        stamp(&self.tsa.0, std::slice::from_ref(&self.tsa.1), signature, now)
    }

    /// A token by a key whose certificate, of the same root, is one for code signing.
    pub(crate) fn stamp_by_a_code_key(&self, signature: &[u8], now: Instant) -> Vec<u8> {
        stamp(&self.cms.0, std::slice::from_ref(&self.cms.1), signature, now)
    }

    /// The same, with the certificate of the authority beside the signer's.
    pub(crate) fn stamp_beside_the_authority(&self, signature: &[u8], now: Instant) -> Vec<u8> {
        stamp(&self.cms.0, &[self.cms.1.clone(), self.tsa.1.clone()], signature, now)
    }

    /// A token by an authority of the same root that the trust root does not list.
    pub(crate) fn stamp_by_a_new_authority(&self, signature: &[u8], now: Instant) -> Vec<u8> {
        let pair = Pair::p256();
        let (profile, issuer) = (&CertificateProfile::Timestamping, Issuer::Certificate(&self.ca.1));
        let certificate = certificate("new timestamp", profile, &pair.public(), issuer, &self.ca.0);
        stamp(&pair, &[certificate], signature, now)
    }
}

/// The first of the certificates is the signer's.
fn stamp(pair: &Pair, chain: &[Certificate], signature: &[u8], now: Instant) -> Vec<u8> {
    let request = timestamp::Request {
        imprint: timestamp::Imprint::sha256(&Digest::of(signature)),
        policy: None,
        nonce: None,
        certificate: CertificateWish::Embedded,
    };
    let said = TstInfo::answer(&request, now, 1).unwrap().encode().unwrap();
    let ToBeSigned::Message(attributes) = timestamp::compose(&said, &chain[0], now).unwrap() else {
        unreachable!()
    };
    timestamp::seal(&said, &attributes, &pair.sign(&attributes), chain, CertificateWish::Embedded).unwrap()
}

/// A log of three leaves with this one at an index: its path, and the checkpoint.
fn published((pair, log): (&Pair, &VerifierKey), leaf: &[u8], index: usize) -> (Vec<Digest>, String) {
    let mut leaves = vec![merkle::leaf_hash(b"a"), merkle::leaf_hash(b"b"), merkle::leaf_hash(b"c")];
    leaves[index] = merkle::leaf_hash(leaf);
    let checkpoint = Checkpoint::new(log.name(), 3, merkle::root(&leaves)).unwrap();
    let text = checkpoint.text();
    let line = [&log.key_hash()[..], &pair.sign(text.as_bytes())].concat();
    let line = data_encoding::BASE64.encode(&line);
    (merkle::inclusion(&leaves, index).unwrap(), format!("{text}\n\u{2014} {} {line}\n", log.name()))
}
