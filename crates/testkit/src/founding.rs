//! Platforms that people found: a genesis, the entries after it, and records of the keys that they enter.

use std::time::Duration;

use model::{Class, Form, Hex32, Instant, PublicKey, Purpose, Space, TufRole};
use quorum::{
    CertificateSubject, Change, Entry, Genesis, Governance, Group, IdentityProof, KeyRecord, Registry,
    RequesterProof, Requirement, Rule,
};

use crate::Person;

/// The host of every platform that is founded here.
pub const HOST: &str = "localhost";

/// The origin of its log.
pub const LOG_ORIGIN: &str = "2026.log.localhost";

/// The origin of its certificate-transparency log.
pub const CERTIFICATE_LOG_ORIGIN: &str = "ct.localhost/2026";

/// The origin of its log of Rekor v1.
pub const PROMISED_LOG_ORIGIN: &str = "v1.log.localhost - 2026";

const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// A name or a space that is well formed.
pub fn space(text: &str) -> Space {
    match text.parse() {
        Ok(space) => space,
        Err(error) => panic!("{error}"),
    }
}

/// The key of a journal that nobody writes.
pub fn no_journal() -> PublicKey {
    PublicKey::from_ed25519(&[3; 32])
}

/// A rule that asks for so many of one group, within a day, and takes the server's word for who asks.
pub fn rule(group: &str, threshold: u32) -> Rule {
    let requirements = vec![Requirement { group: space(group), threshold }];
    Rule { requirements, independent: 0, period_s_max: 24 * 3_600, requester: RequesterProof::Asserted }
}

/// The record of the first key under a name, valid from an hour ago for a year.
pub fn key_record(name: &str, form: Form, public_key: PublicKey, now: Instant) -> KeyRecord {
    let subject = CertificateSubject { organization: "Example".to_owned(), common_name: name.to_owned() };
    KeyRecord {
        version: 1,
        name: space(name),
        generation: 1,
        public_key,
        store: space("software"),
        purpose: form.purpose(),
        form,
        classes: if form.purpose() == Purpose::Code { vec![Class::Release] } else { Vec::new() },
        not_before: now.before(HOUR),
        not_after: now.after(YEAR),
        takes_over: None,
        rule: None,
        rate: None,
        origin: match form {
            Form::Checkpoint => Some(LOG_ORIGIN.to_owned()),
            Form::Sct => Some(CERTIFICATE_LOG_ORIGIN.to_owned()),
            Form::Set => Some(PROMISED_LOG_ORIGIN.to_owned()),
            _ => None,
        },
        subject: form.names_subject().then_some(subject),
        identity: (form == Form::Certificate).then_some(IdentityProof::Proven),
        role: (form == Form::Tuf).then_some(TufRole::Targets),
        namespaces: if form == Form::SshSig { vec!["file".to_owned()] } else { Vec::new() },
    }
}

/// What the founder of a platform does, who is its only administrator.
impl Person {
    /// A genesis of this founder, with these people in the group `endorsers`, at the key process whose journal's
    /// checkpoints this key signs.
    pub fn genesis(&self, endorsers: &[Self], journal: &PublicKey, now: Instant) -> Genesis {
        let persons = endorsers.iter().map(|one| one.person).collect();
        Genesis {
            version: 1,
            host: HOST.to_owned(),
            instance: space("one"),
            journal: journal.clone(),
            created: now,
            nonce: Hex32([7; 32]),
            governance: Governance::Solo,
            administration: Rule { requester: RequesterProof::Proven, ..rule("administrators", 1) },
            principals: endorsers.iter().chain([self]).map(Self::registered).collect(),
            groups: vec![
                Group { name: space("administrators"), persons: vec![self.person] },
                Group { name: space("endorsers"), persons },
            ],
        }
    }

    /// The first entry of a registry.
    pub fn found(&self, genesis: Genesis, now: Instant) -> Entry {
        Entry::first(genesis).endorsed([self.endorsing(now)])
    }

    /// The next entry of a registry, asked for and endorsed by this founder.
    pub fn enter(&self, registry: &Registry, changes: Vec<Change>, now: Instant) -> Entry {
        let asking = self.asking(now, Duration::from_secs(600));
        Entry::next(registry, asking, changes).endorsed([self.endorsing(now)])
    }
}
