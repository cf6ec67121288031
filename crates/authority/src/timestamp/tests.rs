#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it stands, and a fake that is misused should say so"
)]

use std::fs;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use envelope::timestamp::{Authority, Stamped, open, verify};
use model::journal::Intent;
use model::{Form, PublicKey};
use pki::{CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, Validity};
use quorum::{Change, Registry};
use signer::{Answers, Certified, Head, Refusal, SignerError, State};
use testkit::founding::{key_record, no_journal};
use testkit::{HandClock, Person};

use super::*;

const NOW: Instant = Instant::from_seconds(1_795_165_602);

/// What the fake key process does with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Signs,
    SignsOtherBytes,
    Refuses(RefusalCode),
    IsGone,
}

/// A key process with one timestamp key, and nothing of what makes a key process.
struct Fake {
    key: EcdsaKeyPair,
    certificate: Certificate,
    state: State,
    mood: Mutex<Mood>,
    orders: Mutex<Vec<usize>>,
}

struct Empty;

impl Ledger for Empty {
    fn head(&self) -> Result<Head, engine::StoreError> {
        Ok(Head { size: 0, root: Digest::ZERO })
    }

    fn root_at(&self, _: u64) -> Result<Option<Digest>, engine::StoreError> {
        Ok(None)
    }

    fn leaves(&self, _: u64, _: u32) -> Result<Vec<engine::Leaf>, engine::StoreError> {
        Ok(Vec::new())
    }
}

impl Signer for Fake {
    fn order(&self, orders: &Orders) -> Result<Answers, SignerError> {
        self.orders.lock().unwrap().push(orders.orders.len());
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::IsGone {
            return Err(gone());
        }
        let answers = orders.orders.iter().zip(1..).map(|(order, serial)| self.answer(order, serial, mood));
        Ok(Answers { journal: Head { size: 0, root: Digest::ZERO }, answers: answers.collect() })
    }

    fn state(&self) -> Result<State, SignerError> {
        Ok(self.state.clone())
    }
}

impl Fake {
    fn answer(&self, order: &Order, serial: u64, mood: Mood) -> signer::Answer {
        let Order::Timestamp(order) = order else { panic!("only timestamps are ordered here") };
        if let Mood::Refuses(code) = mood {
            return signer::Answer::Refused(Refusal { code, text: "no".to_owned() });
        }
        let (hash, digest) = match &order.imprint {
            Imprint::Sha256(digest) => (Hash::Sha256, digest.to_vec()),
            Imprint::Sha384(digest) => (Hash::Sha384, digest.to_vec()),
            Imprint::Sha512(digest) => (Hash::Sha512, digest.to_vec()),
        };
        let imprint = RequestImprint::from_digest(hash, digest).unwrap();
        let certificate = CertificateWish::Omitted;
        let request = Request { imprint, policy: None, nonce: order.nonce.clone(), certificate };
        let tst_info = TstInfo::answer(&request, NOW, serial).unwrap().encode().unwrap();
        let ToBeSigned::Message(mut message) = compose(&tst_info, &self.certificate, NOW).unwrap() else {
            panic!("a token's attributes are signed as they are")
        };
        if mood == Mood::SignsOtherBytes {
            message.push(0);
        }
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec();
        let chosen = Chosen::Stamp { time: NOW, serial }.encode();
        let leaf = Leaf::Intent(Intent {
            sequence: 0,
            time: NOW,
            key: self.key_id(),
            record: Digest::ZERO,
            registry: Digest::ZERO,
            request: Digest::ZERO,
            item: 0,
            to_be_signed: Digest::of(&message),
            endorsements: Digest::ZERO,
            chosen: chosen.clone(),
        });
        signer::Answer::Signed(Signed { signature, chosen, index: 0, leaf: leaf.encode(), journal: None })
    }
}

impl Fake {
    fn key_id(&self) -> model::KeyId {
        self.certificate.public_key().unwrap().id()
    }
}

fn gone() -> SignerError {
    SignerError::Unreachable { socket: "run/signerd.sock".into(), source: io::Error::other("gone") }
}

fn key() -> (EcdsaKeyPair, PublicKey) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let spki = key.public_key().as_der().unwrap();
    let public_key = PublicKey::from_spki(spki.as_ref()).unwrap();
    (key, public_key)
}

fn issue(
    by: &EcdsaKeyPair,
    profile: &CertificateProfile,
    public_key: &PublicKey,
    issuer: Issuer<'_>,
) -> Certificate {
    let name = if *profile == CertificateProfile::Root { "root" } else { "timestamps" };
    let subject = DistinguishedName::new("localhost", name).unwrap();
    let validity =
        Validity::new(NOW.before(Duration::from_secs(60)), NOW.after(Duration::from_secs(60))).unwrap();
    let serial = Serial::from_random([7; 16]);
    let new = NewCertificate { profile, subject: &subject, public_key, serial, validity, issuer };
    let to_be_signed = new.compose().unwrap();
    let signature = by.sign(&SystemRandom::new(), to_be_signed.der()).unwrap();
    to_be_signed.seal(signature.as_ref()).unwrap()
}

struct World {
    fake: Arc<Fake>,
    authority: TimestampAuthority,
    leaf: Certificate,
    root: Certificate,
}

/// What a key process tells of a platform with these keys.
fn platform(keys: &[(Form, &PublicKey, &Certificate)]) -> State {
    let (ada, journal) = (Person::new(1), no_journal());
    let genesis = ada.found(ada.genesis(&[], &journal, NOW), NOW).encode();
    let record = |form: Form, key: &PublicKey| {
        Change::Key(key_record(&format!("platform/{form}"), form, key.clone(), NOW))
    };
    let changes = keys.iter().map(|(form, key, _)| record(*form, key)).collect();
    let entry = ada.enter(&Registry::begin(&genesis).unwrap(), changes, NOW).encode();
    let root = keys.first().map(|(_, key, _)| key.id()).unwrap();
    let certified = |(_, key, certificate): &(Form, &PublicKey, &Certificate)| Certified {
        key: key.id(),
        issuer: root,
        certificate: certificate.der().to_vec(),
    };
    State {
        registry: vec![genesis, entry],
        certificates: keys.iter().map(certified).collect(),
        journal: Head::empty(),
        journal_key: journal.spki().to_vec(),
        journal_checkpoint: String::new(),
        anchor: signer::Anchor::Unanchored,
        ledger: Head::empty(),
        checkpoints: Vec::new(),
        tuf: Vec::new(),
        stores: Vec::new(),
    }
}

fn world() -> World {
    let (root_key, root_public) = key();
    let root = issue(&root_key, &CertificateProfile::Root, &root_public, Issuer::Itself);
    let (own_key, own_public) = key();
    let leaf = issue(&root_key, &CertificateProfile::Timestamping, &own_public, Issuer::Certificate(&root));
    let state = platform(&[(Form::Ca, &root_public, &root), (Form::Timestamp, &own_public, &leaf)]);
    let (mood, orders) = (Mutex::new(Mood::Signs), Mutex::default());
    let fake = Arc::new(Fake { key: own_key, certificate: leaf.clone(), state, mood, orders });
    let clock = Arc::new(HandClock::at(NOW));
    let authority = TimestampAuthority::new(fake.clone(), Arc::new(Empty), clock);
    World { fake, authority, leaf, root }
}

fn request(certificate: CertificateWish) -> Request {
    Request {
        imprint: RequestImprint::of(Hash::Sha256, b"a signature"),
        policy: None,
        nonce: Some(vec![0x9a, 7]),
        certificate,
    }
}

#[test]
fn every_imprint_of_a_batch_gets_its_own_token_in_frames_of_at_most_256() {
    let world = world();
    let imprints: Vec<Digest> = (0_u32..300).map(|n| Digest::of(&n.to_be_bytes())).collect();
    let tokens = world.authority.stamp(&imprints);
    assert_eq!(tokens.len(), 300);
    assert_eq!(*world.fake.orders.lock().unwrap(), [256, 44]);
    let roots = [world.root.clone()];
    for (imprint, token) in imprints.iter().zip(tokens) {
        let token = open(&token.unwrap()).unwrap();
        let by = Authority { certificates: &[], roots: &roots };
        assert_eq!(verify(&token, Stamped::Sha256(*imprint), by).unwrap().time(), NOW);
        assert!(verify(&token, Stamped::Sha256(Digest::of(b"other")), by).is_err());
    }
}

#[test]
fn a_signature_over_other_bytes_never_leaves() {
    let world = world();
    *world.fake.mood.lock().unwrap() = Mood::SignsOtherBytes;
    let stamped = world.authority.stamp(&[Digest::of(b"a signature")]).remove(0);
    assert!(matches!(stamped, Err(StampError::Unusable { .. })));
    let answered = world.authority.answer(&[request(CertificateWish::Embedded)]).remove(0);
    assert!(matches!(answered, Err(AuthorityError::Signature(_))));
}

#[test]
fn a_key_process_that_is_gone_is_no_refusal_and_a_refusal_is_no_token() {
    let world = world();
    *world.fake.mood.lock().unwrap() = Mood::IsGone;
    for stamped in world.authority.stamp(&[Digest::of(b"1"), Digest::of(b"2")]) {
        assert!(matches!(stamped, Err(StampError::Unreachable { .. })));
    }
    *world.fake.mood.lock().unwrap() = Mood::Refuses(RefusalCode::Journal);
    assert!(matches!(world.authority.stamp(&[Digest::of(b"1")]).remove(0), Err(StampError::Refused(_))));
}

#[test]
fn what_is_not_offered_is_rejected_for_itself_and_the_rest_of_the_batch_stands() {
    let world = world();
    let other = Request { policy: Some("1.2.3".to_owned()), ..request(CertificateWish::Embedded) };
    let mut answers = world.authority.answer(&[other, request(CertificateWish::Embedded)]).into_iter();
    let Ok(Answer::Rejected(der)) = answers.next().unwrap() else { panic!("the policy is not offered") };
    let text = open(&der).unwrap_err().to_string();
    assert!(text.contains("the policy 1.2.3 is asked for"), "{text}");
    assert!(matches!(answers.next().unwrap(), Ok(Answer::Granted(_))));
    assert_eq!(*world.fake.orders.lock().unwrap(), [1]);
}

#[test]
fn a_clock_that_the_key_process_does_not_believe_is_time_not_available() {
    let world = world();
    *world.fake.mood.lock().unwrap() = Mood::Refuses(RefusalCode::Clock);
    let Ok(Answer::Rejected(der)) = world.authority.answer(&[request(CertificateWish::Embedded)]).remove(0)
    else {
        panic!("without a time there is no token")
    };
    assert_eq!(
        der,
        rejection(FailureInfo::TimeNotAvailable, "the authority has no time that it can vouch for now")
    );
}

#[test]
fn openssl_accepts_the_tokens_with_and_without_certificates_and_refuses_tampered_ones() {
    let Some(openssl) = testkit::tool("openssl") else { return };
    let world = world();
    let folder = testkit::temp_folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("root.pem"), world.root.to_pem()).unwrap();
    fs::write(path("leaf.pem"), world.leaf.to_pem()).unwrap();
    let accepts = |wish: CertificateWish, response: &[u8]| {
        fs::write(path("query.tsq"), request(wish).encode().unwrap()).unwrap();
        fs::write(path("reply.tsr"), response).unwrap();
        let mut command = openssl.command();
        command.current_dir(folder.path()).args([
            "ts",
            "-verify",
            "-queryfile",
            "query.tsq",
            "-in",
            "reply.tsr",
        ]);
        command.args([
            "-CAfile",
            "root.pem",
            "-untrusted",
            "leaf.pem",
            "-attime",
            &NOW.seconds().to_string(),
        ]);
        command.output().unwrap().status.success()
    };
    for wish in [CertificateWish::Embedded, CertificateWish::Omitted] {
        let Ok(Answer::Granted(response)) = world.authority.answer(&[request(wish)]).remove(0) else {
            panic!("the request is a good one")
        };
        assert!(accepts(wish, &response), "openssl refuses a token that is {wish:?}");
        let last = response.len() - 1;
        let mut tampered = response.clone();
        tampered[last] ^= 1;
        assert!(!accepts(wish, &tampered), "openssl accepts a tampered token");
    }
}
