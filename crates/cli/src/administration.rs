//! Changes of the registry, as an administrator asks for them: composed here, endorsed with administrators' SSH keys, and
//! appended by the key process, which checks all of it again.

mod pending;
mod succession;
mod words;

use std::time::Duration;

use model::{
    Class, Digest, Form, Hex32, Instant, KeyId, PersonId, PrincipalId, PublicKey, RequestId, Space, Tag,
};
use quorum::{
    Asking, CertificateSubject, Change, Credential, Decision, Entry, Genesis, Governance, Group,
    IdentityProof, KeyRecord, KeyState, Principal, Registry, RequesterProof, Requirement, Rule,
};
use serde::{Deserialize, Serialize};
use signer::{AdminAnswer, AdminClient, AdminMessage};

use crate::config::Folder;
use crate::failure::Failure;
use crate::random;
use crate::ssh::EndorsingKey;

pub(crate) use pending::{Granted, Pending, Then};
pub(crate) use succession::{Successor, promised_origin};
pub(crate) use words::show as show_entry;

/// How long an administrative request stays open where one person governs: it is asked and granted in one breath.
const PERIOD_ALONE: Duration = Duration::from_secs(600);
/// How long it stays open where several must be found.
const PERIOD: Duration = Duration::from_secs(7 * 24 * 3_600);

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

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("ids and texts always encode as JSON")
    }

    fn commitment(&self) -> Digest {
        Tag::Name.digest(&[&self.salt.0, self.name.as_bytes()])
    }

    /// The administrator as the registry knows them, with this key.
    pub(crate) fn principal(&self, key: &EndorsingKey) -> Principal {
        Principal {
            principal: self.principal,
            person: self.person,
            name: self.commitment(),
            credentials: vec![Credential::Ssh { public_key: key.wire(), touch: key.touch() }],
        }
    }
}

/// The rule under which these many of the administrators change the registry.
pub(crate) fn administration(threshold: u32) -> Rule {
    Rule {
        requirements: vec![Requirement { group: administrators(), threshold }],
        independent: 0,
        period_s_max: if threshold < 2 { PERIOD_ALONE } else { PERIOD }.as_secs(),
        requester: RequesterProof::Proven,
    }
}

/// The group of those who administer.
pub(crate) fn administrator_group(principals: &[Principal]) -> Group {
    Group { name: administrators(), persons: principals.iter().map(|one| one.person).collect() }
}

/// How many of so many administrators a change asks for, unless it was said: most of them. Whoever asks does not count,
/// so that one of them must be left over.
pub(crate) fn majority(administrators: u32) -> u32 {
    (administrators / 2 + 1).min(administrators.saturating_sub(1))
}

/// Could so many administrators ever change anything under this threshold?
pub(crate) fn check_threshold(administrators: u32, threshold: u32) -> Result<(), Failure> {
    let what = match (administrators, threshold) {
        (_, 0 | 1) => "several administrators govern by two endorsements at least".to_owned(),
        (there, asked) if asked >= there => format!(
            "{asked} of {there} administrators can never endorse a change: whoever asks for it is not counted"
        ),
        _ => return Ok(()),
    };
    Err(Failure::Usage {
        what,
        advice: "name one administrator (`solo`), or at least three with a threshold below their number",
    })
}

/// The genesis of a platform of these founders, at the key process whose journal has this key.
pub(crate) fn genesis(
    host: &str,
    journal: PublicKey,
    founders: Vec<Principal>,
    threshold: u32,
    now: Instant,
) -> Genesis {
    Genesis {
        version: 1,
        host: host.to_owned(),
        instance: instance(),
        journal,
        created: now,
        nonce: Hex32(random::bytes()),
        governance: if threshold < 2 { Governance::Solo } else { Governance::Quorum },
        administration: administration(threshold),
        groups: vec![administrator_group(&founders)],
        principals: founders,
    }
}

/// An administrator at work.
pub(crate) struct Administrator<'a> {
    pub(crate) key: &'a EndorsingKey,
    pub(crate) key_process: &'a AdminClient,
    /// Where requests wait that one administrator is not enough for.
    pub(crate) folder: &'a Folder,
}

/// The name of the group that administers.
fn administrators() -> Space {
    name("administrators")
}

/// The name of something that avouch itself names.
pub(crate) fn name(text: &str) -> Space {
    text.parse().expect("avouch's own names are well formed")
}

/// The principal of the registry who has this key.
pub(crate) fn holder<'a>(
    principals: impl IntoIterator<Item = &'a Principal>,
    key: &EndorsingKey,
) -> Option<&'a Principal> {
    principals.into_iter().find(|principal| {
        principal.credentials.iter().any(|credential| match credential {
            Credential::Ssh { public_key, .. } => *public_key == key.wire(),
            _ => false,
        })
    })
}

impl Administrator<'_> {
    /// Begins a platform of which this administrator is the only founder.
    pub(crate) fn begin(&self, genesis: Genesis, now: Instant) -> Result<Registry, Failure> {
        let founder = genesis.principals.first().map(|founder| founder.principal);
        let founder = founder.expect("a genesis of one founder names that one");
        let entry = self.endorse(Entry::first(genesis), founder, now)?;
        let bytes = entry.encode();
        let registry = Registry::begin(&bytes).map_err(Failure::inside("begin a registry"))?;
        send(self.key_process, "begin a platform", AdminMessage::Begin { entry: bytes })?;
        Ok(registry)
    }

    /// Asks for changes on top of this registry, endorses them, and has them appended if that is enough.
    pub(crate) fn change(
        &self,
        registry: &mut Registry,
        changes: Vec<Change>,
        reason: &str,
        now: Instant,
    ) -> Result<Granted, Failure> {
        let own = holder(registry.administrators(), self.key).ok_or_else(|| Failure::Usage {
            what: format!("no administrator has the key `{}`", self.key.line()),
            advice: "name the public key of one with `--admin FILE.pub`",
        })?;
        let principal = own.principal;
        let asking = asking(registry, own, reason, now);
        let id = asking.id;
        let entry = self.endorse(Entry::next(registry, asking, changes), principal, now)?;
        let path = self.folder.at(format!("admin/requests/{id}.json"));
        Pending::new(path, entry).grant(registry, self.key_process, now)
    }

    fn endorse(&self, mut entry: Entry, by: PrincipalId, now: Instant) -> Result<Entry, Failure> {
        let asked = entry.asked().expect("an entry that was just composed asks for something");
        let endorsement = self.key.endorse(&asked.platform, &asked.digest, Decision::Endorse, by, now)?;
        entry.endorsements.push(endorsement);
        Ok(entry)
    }
}

/// How an administrator asks for something.
pub(crate) fn asking(registry: &Registry, by: &Principal, reason: &str, now: Instant) -> Asking {
    Asking {
        id: RequestId::new(random::bytes()),
        nonce: Hex32(random::bytes()),
        principal: by.principal,
        person: by.person,
        created: now,
        deadline: now.after(Duration::from_secs(registry.administration().period_s_max)),
        reason: reason.to_owned(),
    }
}

fn send(
    key_process: &AdminClient,
    action: &'static str,
    message: AdminMessage,
) -> Result<AdminAnswer, Failure> {
    match key_process.send(&message) {
        Ok(AdminAnswer::Refused(refusal)) => Err(Failure::KeyProcessRefused { action, reason: refusal.text }),
        Ok(answer) => Ok(answer),
        Err(source) => Err(Failure::KeyProcess { action, source: source.into() }),
    }
}

/// The word for a key's state.
pub(crate) const fn key_state(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Suspended => "suspended",
        KeyState::Retired => "retired",
        _ => "revoked",
    }
}

/// Has the key process make a key in one of its stores. It is nobody's until an entry names it.
pub(crate) fn generate(
    key_process: &AdminClient,
    store: &Space,
    algorithm: model::Algorithm,
) -> Result<PublicKey, Failure> {
    let action = "make a key";
    let answer = send(key_process, action, AdminMessage::Generate { store: store.to_string(), algorithm })?;
    let AdminAnswer::Generated { spki } = answer else { return Err(unexpected(action)) };
    PublicKey::from_spki(&spki).map_err(Failure::inside("read the new key's public half"))
}

/// The key store of sealed files, which every key process has.
pub(crate) fn sealed_files() -> Space {
    name(signerd::SOFTWARE)
}

fn unknown_key(registry: &Registry, text: &str) -> Failure {
    if registry.journal_key().id().to_string() == text {
        return Failure::Usage {
            what: format!(
                "`{text}` is the journal's own key, which the genesis names for as long as there is the platform"
            ),
            advice: "nothing takes its place: docs/operate/rotate.md says what is left to do where it may be stolen",
        };
    }
    Failure::Usage {
        what: format!("the registry knows no key `{text}`"),
        advice: "`avouch key list` shows all keys",
    }
}

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
    /// Where its private half is.
    pub(crate) store: Space,
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
            store: self.store,
            purpose: self.form.purpose(),
            form: self.form,
            classes: self.classes,
            not_before: self.not_before.whole_second(),
            not_after: self.not_before.whole_second().after(self.validity),
            takes_over: None,
            rule: self.rule,
            rate: None,
            origin: self.origin,
            subject,
            // A token is believed by its issuer's signature, where nobody says otherwise.
            identity: (self.form == Form::Certificate).then_some(IdentityProof::Proven),
            role: None,
            namespaces: Vec::new(),
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
    by_id.or_else(by_name).ok_or_else(|| unknown_key(registry, text))
}
