//! A platform as `init` leaves it: a registry with its keys, and the profiles that use them.

use std::sync::Arc;
use std::time::Duration;

use identity::Caller;
use keystore::{Cost, KeyStore, Passphrase, SoftwareStore};
use model::{
    Algorithm, Base64, Class, Digest, Form, Hex32, Instant, Kind, Logging, PersonId, PlatformId, PrincipalId,
    Profile, ProfileKey, Proven, PublicKey, Request, RequestId, Requester, Space, Tag, Timestamping,
};
use policy::BuiltIn;
use quorum::{
    CertificateSubject, Change, Credential, Decision, Endorsement, Entry, Genesis, Governance, Group,
    KeyRecord, Principal, Proof, Registry, Requirement, Rule, SSH_NAMESPACE, Touch, message,
};
use signer::{AdminAnswer, AdminMessage};
use signerd::{InProcess, KeyProcess, Parts};
use testkit::{CrashDisk, HandClock, MemoryDisk, Person, Seeded};

/// How long a segment of the journal is here: short, so that a run sees many.
pub(crate) const SEGMENT_BYTES: usize = 64 * 1024;

/// When every platform begins.
pub(crate) const BEGINNING: Instant = Instant::from_seconds(1_795_165_602);

/// A platform that was founded once and is rehearsed many times.
pub struct Platform {
    pub(crate) journal: CrashDisk,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) caller: Caller,
    pub(crate) endorsers: Vec<Person>,
}

pub(crate) fn space(text: &str) -> Space {
    text.parse().expect("names written here are names")
}

/// The person's endorsement of a request.
pub(crate) fn endorse(
    person: &Person,
    platform: &PlatformId,
    request: &Digest,
    time: Instant,
) -> Endorsement {
    let decision = Decision::Endorse;
    let text = message(platform, request, decision, &person.principal, None, time);
    let signature = Base64(person.sshsig(SSH_NAMESPACE, text.as_bytes()));
    Endorsement { principal: person.principal, decision, facet: None, time, proof: Proof::Ssh { signature } }
}

impl Platform {
    /// Founds it: one administrator, three who release, of whom two must agree about the governed key.
    pub fn found() -> Self {
        let clock = Arc::new(HandClock::at(BEGINNING));
        let journal = CrashDisk::default();
        let passphrase = Passphrase::from_file_content(b"correct horse battery".to_vec().into());
        let passphrase = passphrase.expect("long enough");
        let keys: Arc<dyn KeyStore> =
            Arc::new(SoftwareStore::new(Arc::new(MemoryDisk::new()), passphrase, Cost::LEAST));
        let mut dice = Seeded::new(1);
        let process = KeyProcess::open(Parts {
            disk: Arc::new(journal.clone()),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock) as _,
            random: Box::new(move |bytes| dice.fill(bytes)),
            segment_bytes: SEGMENT_BYTES,
        });
        let process = InProcess::new(process.expect("an empty disk is a beginning"));
        let admin = Person::new(1);
        let endorsers = vec![Person::new(2), Person::new(3), Person::new(4)];
        let genesis = genesis(&admin, &endorsers);
        clock.advance(Duration::from_secs(1));
        let registry = begin(&process, &admin, genesis);
        let records = records(&process);
        append(&process, &admin, &registry, records);
        process.settle().expect("nothing fails yet");
        Self { journal, keys, profiles: profiles(), caller: caller(), endorsers }
    }
}

/// The workload that asks, for which nobody's endorser is responsible.
fn caller() -> Caller {
    Caller {
        principal: PrincipalId::new([99; 16]),
        person: PersonId::new([99; 16]),
        name: "pipeline".to_owned(),
        proven: Proven::ApiKey,
        spaces: vec![space("release")],
        profiles: None,
    }
}

fn profiles() -> Vec<Profile> {
    let key = |form, name: &str| ProfileKey { form, key: space(name) };
    let profile = |name: &str, keys, timestamp, log| Profile {
        name: space(name),
        class: Class::Release,
        keys,
        timestamp,
        log,
    };
    vec![
        profile(
            "release/plain",
            vec![key(Form::Blob, "release/blob"), key(Form::Cms, "release/cms")],
            Timestamping::Rfc3161,
            Logging::Transparency,
        ),
        profile(
            "release/governed",
            vec![key(Form::Blob, "release/governed-blob")],
            Timestamping::Rfc3161,
            Logging::Transparency,
        ),
        profile("release/bare", vec![key(Form::Blob, "release/blob")], Timestamping::None, Logging::None),
    ]
}

fn registered(person: &Person) -> Principal {
    Principal {
        principal: person.principal,
        person: person.person,
        name: Tag::Name.digest(&[b"somebody"]),
        credentials: vec![Credential::Ssh { public_key: Base64(person.wire()), touch: Touch::NotRequired }],
    }
}

fn rule(group: &str, threshold: u32) -> Rule {
    Rule {
        requirements: vec![Requirement { group: space(group), threshold }],
        independent: 0,
        period_s_max: 86_400,
    }
}

fn genesis(admin: &Person, endorsers: &[Person]) -> Genesis {
    let group = |name: &str, people: Vec<PersonId>| Group { name: space(name), persons: people };
    Genesis {
        version: 1,
        host: "sign.example.test".to_owned(),
        instance: space("one"),
        created: BEGINNING,
        nonce: Hex32([5; 32]),
        governance: Governance::Solo,
        administration: rule("administrators", 1),
        principals: std::iter::once(admin).chain(endorsers).map(registered).collect(),
        groups: vec![
            group("administrators", vec![admin.person]),
            group("release", endorsers.iter().map(|person| person.person).collect()),
        ],
    }
}

fn begin(process: &InProcess, admin: &Person, genesis: Genesis) -> Registry {
    let platform = genesis.platform();
    let entry = Entry {
        version: 1,
        number: 0,
        previous: Digest::ZERO,
        request: None,
        changes: vec![Change::Genesis(genesis)],
        endorsements: vec![endorse(admin, &platform, platform.digest(), BEGINNING)],
    };
    let bytes = entry.encode();
    administer(process, &AdminMessage::Begin { entry: bytes.clone() });
    Registry::begin(&bytes).expect("the key process took it")
}

fn administer(process: &InProcess, message: &AdminMessage) -> AdminAnswer {
    match process.administer(message).expect("nothing fails yet") {
        AdminAnswer::Refused(refusal) => unreachable!("a founding is refused: {refusal}"),
        answer => answer,
    }
}

fn generate(process: &InProcess, algorithm: Algorithm) -> PublicKey {
    let message = AdminMessage::Generate { store: "software".to_owned(), algorithm };
    let AdminAnswer::Generated { spki } = administer(process, &message) else {
        unreachable!("a key was asked for")
    };
    PublicKey::from_spki(&spki).expect("the key process makes keys that are keys")
}

fn records(process: &InProcess) -> Vec<Change> {
    let record = |name: &str, form: Form, algorithm| {
        let certified = matches!(form, Form::Ca | Form::Cms | Form::Timestamp);
        let is_code = form.purpose() == model::Purpose::Code;
        KeyRecord {
            version: 1,
            name: space(name),
            generation: 1,
            public_key: generate(process, algorithm),
            store: space("software"),
            purpose: form.purpose(),
            form,
            classes: if is_code { vec![Class::Release] } else { Vec::new() },
            not_before: BEGINNING,
            not_after: BEGINNING.after(Duration::from_secs(400 * 86_400)),
            rule: None,
            rate: None,
            origin: (form == Form::Checkpoint).then(|| "2026.log.sign.example.test".to_owned()),
            subject: certified.then(|| CertificateSubject {
                organization: "Example".to_owned(),
                common_name: name.replace('/', " "),
            }),
        }
    };
    let governed = KeyRecord {
        rule: Some(rule("release", 2)),
        ..record("release/governed-blob", Form::Blob, Algorithm::EcdsaP256)
    };
    vec![
        Change::Key(record("platform/ca", Form::Ca, Algorithm::EcdsaP256)),
        Change::Key(record("platform/timestamp", Form::Timestamp, Algorithm::EcdsaP256)),
        Change::Key(record("platform/log", Form::Checkpoint, Algorithm::Ed25519)),
        Change::Key(record("release/blob", Form::Blob, Algorithm::EcdsaP256)),
        Change::Key(record("release/cms", Form::Cms, Algorithm::EcdsaP256)),
        Change::Key(governed),
        Change::Policy { digest: BuiltIn::digest() },
    ]
}

fn append(process: &InProcess, admin: &Person, registry: &Registry, changes: Vec<Change>) {
    let request = Request {
        version: 1,
        id: RequestId::new([1; 16]),
        space: space("platform"),
        platform: registry.platform(),
        registry: registry.head(),
        policy: registry.policy(),
        nonce: Hex32([6; 32]),
        created: BEGINNING,
        deadline: BEGINNING.after(Duration::from_secs(3_600)),
        requester: Requester {
            principal: admin.principal,
            person: admin.person,
            proven: Proven::Endorsement,
        },
        reason: "founding".to_owned(),
        kind: Kind::Admin { changes: Entry::changes_digest(&changes) },
    };
    let digest = Request::digest(&request.encode());
    let entry = Entry {
        version: 1,
        number: registry.entries(),
        previous: registry.head(),
        request: Some(request),
        changes,
        endorsements: vec![endorse(admin, &registry.platform(), &digest, BEGINNING)],
    };
    administer(process, &AdminMessage::Append { entry: entry.encode() });
}
