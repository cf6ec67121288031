//! A platform as `init` leaves it: a registry with its keys, and the profiles that use them.

use std::sync::Arc;
use std::time::Duration;

use identity::Caller;
use model::{
    Algorithm, Base64, Class, Form, Hex32, Instant, Logging, PersonId, PrincipalId, Profile, ProfileKey,
    Proven, PublicKey, Space, Tag, Timestamping,
};
use policy::BuiltIn;
use quorum::{
    CertificateSubject, Change, Credential, Entry, Genesis, Governance, Group, KeyRecord, Principal,
    Registry, RequesterProof, Requirement, Rule, Touch,
};
use signer::{AdminAnswer, AdminMessage, Signer as _};
use signerd::{InProcess, KeyProcess, Parts};
use testkit::{CrashDisk, HandClock, Person, Seeded};

use crate::administration::entry;
use crate::disk::JournalDisk;
use crate::keys::WatchedKeys;
use crate::stores::{self, Store};
use crate::truth::{QUORUM, Truth};

/// How long a segment of the journal is here: short, so that a run sees many.
pub(crate) const SEGMENT_BYTES: usize = 16 * 1024;

/// When every platform begins.
pub(crate) const BEGINNING: Instant = Instant::from_seconds(1_795_165_602);

/// A platform that was founded once and is rehearsed many times.
pub struct Platform {
    pub(crate) journal: CrashDisk,
    pub(crate) keys: stores::All,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) people: People,
    entries: Vec<Vec<u8>>,
}

/// Everybody there is.
pub(crate) struct People {
    /// Two of these three must agree about what is added.
    pub(crate) administrators: Vec<Person>,
    /// Those who release: two persons of three must agree. The last two are one person with two principals.
    pub(crate) endorsers: Vec<Person>,
    /// The workload that asks, for which none of the others is responsible.
    pub(crate) pipeline: Caller,
    /// An endorser who asks as well.
    pub(crate) engineer: Caller,
    /// Somebody without a grant.
    pub(crate) guest: Caller,
}

impl People {
    fn gather() -> Self {
        let mut endorsers: Vec<Person> = [2, 3, 4, 14].map(Person::new).into();
        endorsers[3].person = endorsers[2].person;
        let caller = |principal: u8, name: &str, reach: &str| Caller {
            principal: PrincipalId::new([principal; 16]),
            person: PersonId::new([principal; 16]),
            name: name.to_owned(),
            proven: Proven::ApiKey,
            spaces: vec![space(reach)],
            profiles: None,
        };
        Self {
            administrators: [1, 11, 12].map(Person::new).into(),
            endorsers,
            pipeline: caller(99, "pipeline", "release"),
            engineer: caller(3, "engineer", "release"),
            guest: caller(98, "guest", "elsewhere"),
        }
    }

    pub(crate) fn callers(&self) -> Vec<Caller> {
        vec![self.pipeline.clone(), self.engineer.clone(), self.guest.clone()]
    }
}

pub(crate) fn space(text: &str) -> Space {
    text.parse().expect("names written here are names")
}

impl Platform {
    /// Founds it: three administrators, and four principals who release.
    pub fn found() -> Self {
        let clock = Arc::new(HandClock::at(BEGINNING));
        let journal = CrashDisk::default();
        let keys = stores::empty();
        let disk = JournalDisk::new(journal.clone());
        let watched = WatchedKeys::new(keys.clone(), disk, Arc::clone(&clock), Truth::default());
        let mut dice = Seeded::new(1);
        let process = KeyProcess::open(Parts {
            disk: Arc::new(journal.clone()),
            keys: watched.stores(),
            clock: clock.clone(),
            random: Box::new(move |bytes| dice.fill(bytes)),
            segment_bytes: SEGMENT_BYTES,
        });
        let process = InProcess::new(process.expect("an empty disk is a beginning"));
        let people = People::gather();
        clock.advance(Duration::from_secs(1));
        let registry = begin(&process, &people);
        let [first, others @ ..] = people.administrators.as_slice() else { unreachable!("there are three") };
        let others: Vec<&Person> = others.iter().collect();
        let records = records(&process);
        let keys_entry = entry(&registry, first, &others, records, BEGINNING, &mut Seeded::new(2));
        administer(&process, &AdminMessage::Append { entry: keys_entry.encode() });
        let entries = process.state().expect("nothing fails yet").registry;
        process.stop().expect("nothing fails yet");
        Self { journal, keys, profiles: profiles(), people, entries }
    }

    /// The registry as it was founded.
    pub(crate) fn registry(&self) -> Registry {
        let entries = self.entries.iter().map(Vec::as_slice);
        Registry::replay(entries).expect("what the key process tells replays")
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

fn rule(group: &str) -> Rule {
    let threshold = u32::try_from(QUORUM).expect("two");
    Rule {
        requirements: vec![Requirement { group: space(group), threshold }],
        independent: 0,
        period_s_max: 86_400,
        requester: RequesterProof::Asserted,
    }
}

fn genesis(people: &People, journal: PublicKey) -> Genesis {
    let group = |name: &str, people: &[Person]| {
        let mut persons: Vec<PersonId> = people.iter().map(|person| person.person).collect();
        persons.dedup();
        Group { name: space(name), persons }
    };
    let People { administrators, endorsers, .. } = people;
    Genesis {
        version: 1,
        host: "sign.example.test".to_owned(),
        instance: space("one"),
        journal,
        created: BEGINNING,
        nonce: Hex32([5; 32]),
        governance: Governance::Quorum,
        administration: Rule { requester: RequesterProof::Proven, ..rule("administrators") },
        principals: administrators.iter().chain(endorsers).map(registered).collect(),
        groups: vec![group("administrators", administrators), group("release", endorsers)],
    }
}

fn begin(process: &InProcess, people: &People) -> Registry {
    let state = process.state().expect("nothing fails yet");
    let journal = PublicKey::from_spki(&state.journal_key).expect("the journal's key is a key");
    let genesis = genesis(people, journal);
    let founders = people.administrators.iter();
    let entry = Entry::first(genesis).endorsed(founders.map(|person| person.endorsing(BEGINNING)));
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

fn generate(process: &InProcess, store: Store, algorithm: Algorithm) -> PublicKey {
    let message = AdminMessage::Generate { store: store.word().to_owned(), algorithm };
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
            public_key: generate(process, Store::of(name), algorithm),
            store: space(Store::of(name).word()),
            purpose: form.purpose(),
            form,
            classes: if is_code { vec![Class::Release] } else { Vec::new() },
            not_before: BEGINNING,
            not_after: BEGINNING.after(Duration::from_secs(400 * 86_400)),
            takes_over: None,
            rule: None,
            rate: None,
            origin: (form == Form::Checkpoint).then(|| "2026.log.sign.example.test".to_owned()),
            subject: certified.then(|| CertificateSubject {
                organization: "Example".to_owned(),
                common_name: name.replace('/', " "),
            }),
            identity: None,
            role: None,
            namespaces: Vec::new(),
        }
    };
    let governed = KeyRecord {
        rule: Some(rule("release")),
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
