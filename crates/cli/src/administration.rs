//! Changes of the registry, as an administrator asks for them: composed here, endorsed with the administrator's SSH
//! key, and appended by the key process, which checks all of it again.

use std::path::Path;
use std::time::Duration;

use model::{
    Class, Digest, Form, Hex32, Instant, KeyId, PersonId, PrincipalId, PublicKey, RequestId, Space, Tag,
};
use quorum::{
    Asking, CertificateSubject, Change, Credential, Decision, Entry, Genesis, Governance, Group, KeyRecord,
    Principal, Registry, RequesterProof, Requirement, Rule,
};
use serde::{Deserialize, Serialize};
use signer::{AdminAnswer, AdminClient, AdminMessage};

use crate::failure::Failure;
use crate::random;
use crate::ssh::EndorsingKey;

/// How long an administrative request stays open: it is asked and granted in one breath.
const PERIOD: Duration = Duration::from_secs(600);

/// What an administrator needs to remember of themselves: `admin/principal.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// The opaque id under which they stand in the registry.
    pub(crate) principal: PrincipalId,
    /// The person that they are.
    pub(crate) person: PersonId,
    /// What they are called.
    pub(crate) name: String,
    /// The salt of the commitment to the name: with it, the name can be proven.
    pub(crate) salt: Hex32,
}

impl Identity {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            principal: PrincipalId::new(random::bytes()),
            person: PersonId::new(random::bytes()),
            name: name.to_owned(),
            salt: Hex32(random::bytes()),
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let bytes = crate::files::read_bounded(path, 64 * 1024)?;
        serde_json::from_slice(&bytes)
            .map_err(Failure::input(path.display().to_string(), "an administrator's identity"))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("ids and texts always encode as JSON")
    }

    fn commitment(&self) -> Digest {
        Tag::Name.digest(&[&self.salt.0, self.name.as_bytes()])
    }
}

/// An administrator at work.
pub(crate) struct Administrator<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) key: &'a EndorsingKey,
    pub(crate) key_process: &'a AdminClient,
}

/// The name of the group that administers.
fn administrators() -> Space {
    name("administrators")
}

/// The name of something that avouch itself names.
pub(crate) fn name(text: &str) -> Space {
    text.parse().expect("avouch's own names are well formed")
}

impl Administrator<'_> {
    /// Begins a platform with this administrator alone, at the key process whose journal has this key; the registry
    /// that stands then.
    pub(crate) fn begin(&self, host: &str, journal: PublicKey, now: Instant) -> Result<Registry, Failure> {
        let credential = Credential::Ssh { public_key: self.key.wire(), touch: self.key.touch() };
        let genesis = Genesis {
            version: 1,
            host: host.to_owned(),
            instance: instance(),
            journal,
            created: now,
            nonce: Hex32(random::bytes()),
            governance: Governance::Solo,
            administration: Rule {
                requirements: vec![Requirement { group: administrators(), threshold: 1 }],
                independent: 0,
                period_s_max: PERIOD.as_secs(),
                requester: RequesterProof::Proven,
            },
            principals: vec![Principal {
                principal: self.identity.principal,
                person: self.identity.person,
                name: self.identity.commitment(),
                credentials: vec![credential],
            }],
            groups: vec![Group { name: administrators(), persons: vec![self.identity.person] }],
        };
        let entry = self.endorse(Entry::first(genesis), now)?;
        let bytes = entry.encode();
        let registry = Registry::begin(&bytes).map_err(Failure::inside("begin a registry"))?;
        self.send("begin a platform", AdminMessage::Begin { entry: bytes })?;
        Ok(registry)
    }

    /// Has the key process make a key. It is nobody's until an entry names it.
    pub(crate) fn generate(&self, algorithm: model::Algorithm) -> Result<PublicKey, Failure> {
        let action = "make a key";
        let answer = self.send(action, AdminMessage::Generate { store: STORE.to_owned(), algorithm })?;
        let AdminAnswer::Generated { spki } = answer else { return Err(unexpected(action)) };
        PublicKey::from_spki(&spki).map_err(Failure::inside("read the new key's public half"))
    }

    /// Asks for changes on top of this registry, endorses them, and has them appended.
    pub(crate) fn change(
        &self,
        registry: &mut Registry,
        changes: Vec<Change>,
        reason: &str,
        now: Instant,
    ) -> Result<(), Failure> {
        let asking = Asking {
            id: RequestId::new(random::bytes()),
            nonce: Hex32(random::bytes()),
            principal: self.identity.principal,
            person: self.identity.person,
            created: now,
            deadline: now.after(PERIOD),
            reason: reason.to_owned(),
        };
        let entry = self.endorse(Entry::next(registry, asking, changes), now)?;
        let bytes = entry.encode();
        // What the key process will check is checked here first, where the text of a refusal is richer.
        registry.append(&bytes, quorum::Moment::Live(now)).map_err(|source| Failure::Input {
            name: reason.to_owned(),
            expected: "a change that the registry takes",
            source: source.into(),
        })?;
        self.send("change the registry", AdminMessage::Append { entry: bytes })?;
        Ok(())
    }

    fn endorse(&self, mut entry: Entry, now: Instant) -> Result<Entry, Failure> {
        let asked = entry.asked().expect("an entry that was just composed asks for something");
        let by = self.identity.principal;
        let endorsement = self.key.endorse(&asked.platform, &asked.digest, Decision::Endorse, by, now)?;
        entry.endorsements.push(endorsement);
        Ok(entry)
    }

    fn send(&self, action: &'static str, message: AdminMessage) -> Result<AdminAnswer, Failure> {
        match self.key_process.send(&message) {
            Ok(AdminAnswer::Refused(refusal)) => {
                Err(Failure::KeyProcessRefused { action, reason: refusal.text })
            }
            Ok(answer) => Ok(answer),
            Err(source) => Err(Failure::KeyProcess { action, source: source.into() }),
        }
    }
}

/// The key store of keys made in software.
const STORE: &str = "software";

fn unexpected(action: &'static str) -> Failure {
    Failure::Process {
        process: "the key process",
        fault: format!("answered something else when it was asked to {action}"),
    }
}

/// The key process's own name, the last part of its journal's origin.
fn instance() -> Space {
    name(&data_encoding::HEXLOWER.encode(&random::bytes::<4>()))
}

/// What a new key is to be.
pub(crate) struct NewKey<'a> {
    pub(crate) name: Space,
    pub(crate) generation: u32,
    pub(crate) form: Form,
    pub(crate) classes: Vec<Class>,
    pub(crate) public_key: PublicKey,
    pub(crate) not_before: Instant,
    pub(crate) validity: Duration,
    /// Whom its certificate names, for forms that have one.
    pub(crate) subject: Option<(&'a str, String)>,
    /// The log whose checkpoints it signs.
    pub(crate) origin: Option<String>,
    pub(crate) rule: Option<Rule>,
}

impl NewKey<'_> {
    pub(crate) fn record(self) -> KeyRecord {
        let subject = self.subject.map(|(organization, common_name)| CertificateSubject {
            organization: organization.to_owned(),
            common_name,
        });
        KeyRecord {
            version: 1,
            name: self.name,
            generation: self.generation,
            public_key: self.public_key,
            store: name(STORE),
            purpose: self.form.purpose(),
            form: self.form,
            classes: self.classes,
            not_before: self.not_before.whole_second(),
            not_after: self.not_before.whole_second().after(self.validity),
            rule: self.rule,
            rate: None,
            origin: self.origin,
            subject,
        }
    }
}

/// Days, as validities of keys are counted.
pub(crate) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

/// The id of a key by its id or its newest generation's name.
pub(crate) fn find_key(registry: &Registry, text: &str) -> Result<KeyId, Failure> {
    let by_id = text.parse::<KeyId>().ok().filter(|id| registry.key(id).is_some());
    let by_name = || {
        let name: Space = text.parse().ok()?;
        registry.keys().filter(|key| key.record.name == name).last().map(|key| key.record.id())
    };
    by_id.or_else(by_name).ok_or_else(|| Failure::Usage {
        what: format!("the registry knows no key `{text}`"),
        advice: "`avouch key list` shows all keys",
    })
}
