//! The founding administrator, with an SSH key as `ssh-keygen -Y sign` uses it, and the platform they found.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use model::layout::Writer;
use model::{
    Algorithm, Base64, Class, Clock, Digest, Form, Hash, Hex32, Instant, Kind, PersonId, PlatformId,
    PrincipalId, Proven, PublicKey, Purpose, Request, RequestId, Requester, Space, Tag,
};
use quorum::{
    CertificateSubject, Change, Credential, Decision, Endorsement, Entry, Genesis, Governance, Group,
    KeyRecord, Principal, Proof, Registry, Requirement, Rule, SSH_NAMESPACE, Touch,
};
use signer::{AdminAnswer, AdminClient, AdminMessage};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

pub(crate) struct Founder {
    principal: PrincipalId,
    person: PersonId,
    key: Ed25519KeyPair,
}

pub(crate) fn space(text: &str) -> Space {
    text.parse().unwrap()
}

impl Founder {
    pub(crate) fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        Self { principal: PrincipalId::new([1; 16]), person: PersonId::new([1; 16]), key }
    }

    /// Begins a platform at a key process that has none, with a key for each of the platform's purposes and two that
    /// sign code.
    pub(crate) fn found(&self, admin_socket: &Path, clock: &dyn Clock, policy: Digest) {
        let admin = AdminClient::new(admin_socket);
        let now = clock.now();
        let genesis = self.genesis(now);
        let mut registry = Registry::begin(&genesis).unwrap();
        append(&admin, AdminMessage::Begin { entry: genesis });
        let mut changes: Vec<Change> = [
            ("platform/ca", Form::Ca, Algorithm::EcdsaP256),
            ("platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256),
            ("platform/log", Form::Checkpoint, Algorithm::Ed25519),
            ("default/cms", Form::Cms, Algorithm::EcdsaP256),
            ("default/blob", Form::Blob, Algorithm::EcdsaP256),
        ]
        .map(|(name, form, algorithm)| Change::Key(record(&admin, name, form, algorithm, now)))
        .into();
        changes.push(Change::Policy { digest: policy });
        let entry = self.entry(&registry, changes, now);
        registry.append(&entry, quorum::Moment::Live(now)).unwrap();
        append(&admin, AdminMessage::Append { entry });
    }

    fn genesis(&self, now: Instant) -> Vec<u8> {
        let public_key = Base64(self.public_key());
        let group = Group { name: space("administrators"), persons: vec![self.person] };
        let genesis = Genesis {
            version: 1,
            host: "localhost".to_owned(),
            instance: space("one"),
            created: now,
            nonce: Hex32([7; 32]),
            governance: Governance::Solo,
            administration: Rule {
                requirements: vec![Requirement { group: space("administrators"), threshold: 1 }],
                independent: 0,
                period_s_max: 24 * 3_600,
            },
            principals: vec![Principal {
                principal: self.principal,
                person: self.person,
                name: Tag::Name.digest(&[b"founder"]),
                credentials: vec![Credential::Ssh { public_key, touch: Touch::NotRequired }],
            }],
            groups: vec![group],
        };
        let platform = genesis.platform();
        let endorsements = vec![self.endorse(&platform, platform.digest(), now)];
        let changes = vec![Change::Genesis(genesis)];
        Entry { version: 1, number: 0, previous: Digest::ZERO, request: None, changes, endorsements }.encode()
    }

    fn entry(&self, registry: &Registry, changes: Vec<Change>, now: Instant) -> Vec<u8> {
        let (principal, person) = (self.principal, self.person);
        let request = Request {
            version: 1,
            id: RequestId::new([1; 16]),
            space: space("platform"),
            platform: registry.platform(),
            registry: registry.head(),
            policy: registry.policy(),
            nonce: Hex32([2; 32]),
            created: now,
            deadline: now.after(Duration::from_secs(600)),
            requester: Requester { principal, person, proven: Proven::Endorsement },
            reason: String::new(),
            kind: Kind::Admin { changes: Entry::changes_digest(&changes) },
        };
        let endorsements = vec![self.endorse(&registry.platform(), &Request::digest(&request.encode()), now)];
        let (number, previous) = (registry.entries(), registry.head());
        Entry { version: 1, number, previous, request: Some(request), changes, endorsements }.encode()
    }

    fn endorse(&self, platform: &PlatformId, request: &Digest, time: Instant) -> Endorsement {
        let decision = Decision::Endorse;
        let message = quorum::message(platform, request, decision, &self.principal, None, time);
        let signature = Base64(self.sshsig(message.as_bytes()));
        Endorsement {
            principal: self.principal,
            decision,
            facet: None,
            time,
            proof: Proof::Ssh { signature },
        }
    }

    fn public_key(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(b"ssh-ed25519").bytes(self.key.public_key().as_ref());
        writer.finish()
    }

    /// PROTOCOL.sshsig of OpenSSH.
    fn sshsig(&self, message: &[u8]) -> Vec<u8> {
        let mut covered = Writer::new();
        covered.fixed(b"SSHSIG").bytes(SSH_NAMESPACE.as_bytes()).bytes(b"").bytes(b"sha512");
        covered.bytes(&Hash::Sha512.digest(message));
        let raw = self.key.sign(&covered.finish());
        let mut signature = Writer::new();
        signature.bytes(b"ssh-ed25519").bytes(raw.as_ref());
        let mut blob = Writer::new();
        blob.fixed(b"SSHSIG").word(1).bytes(&self.public_key()).bytes(SSH_NAMESPACE.as_bytes());
        blob.bytes(b"").bytes(b"sha512").bytes(&signature.finish());
        blob.finish()
    }
}

fn append(admin: &AdminClient, message: AdminMessage) {
    let answer = admin.send(&message).unwrap();
    assert!(matches!(answer, AdminAnswer::Appended { .. }), "{answer:?}");
}

fn record(admin: &AdminClient, name: &str, form: Form, algorithm: Algorithm, now: Instant) -> KeyRecord {
    let message = AdminMessage::Generate { store: "software".to_owned(), algorithm };
    let AdminAnswer::Generated { spki } = admin.send(&message).unwrap() else { panic!("no key") };
    let certified = matches!(form, Form::Ca | Form::Cms | Form::Timestamp);
    let subject = CertificateSubject { organization: "Example".to_owned(), common_name: name.to_owned() };
    KeyRecord {
        version: 1,
        name: space(name),
        generation: 1,
        public_key: PublicKey::from_spki(&spki).unwrap(),
        store: space("software"),
        purpose: form.purpose(),
        form,
        classes: if form.purpose() == Purpose::Code { vec![Class::Release] } else { vec![] },
        not_before: now.before(Duration::from_secs(3_600)),
        not_after: now.after(YEAR),
        rule: None,
        rate: None,
        origin: (form == Form::Checkpoint).then(|| "2026.log.localhost".to_owned()),
        subject: certified.then_some(subject),
    }
}
