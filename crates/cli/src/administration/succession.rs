//! Who follows a key of the platform itself: the next generation, and the name of the log that begins with it.

use std::time::Duration;

use model::{Form, Instant, PublicKey, Space};
use quorum::{CertificateSubject, KeyRecord, Registry};

use super::days;

/// The longest common name that a certificate has.
const COMMON_NAME_MAX: usize = 64;

/// What is new about the key that follows another; all else stays as it was.
pub(crate) struct Successor {
    pub(crate) public_key: PublicKey,
    /// Where its private half is.
    pub(crate) store: Space,
    /// From when on verifiers know it.
    pub(crate) published: Instant,
    /// From when on it signs; `None` for one that signs at once, because those before it do no more.
    pub(crate) takes_over: Option<Instant>,
    /// For how many days it may sign.
    pub(crate) days: u64,
}

impl Successor {
    /// The record of the key that follows this one.
    pub(crate) fn of(self, old: &KeyRecord, registry: &Registry) -> KeyRecord {
        let generations = registry.keys().filter(|key| key.record.name == old.name);
        let generation = generations.map(|key| key.record.generation).max().unwrap_or(0) + 1;
        let begins = self.takes_over.unwrap_or(self.published);
        let not_before = self.published.whole_second();
        // What is certified ends with the root above it; one that certifies holders of ID tokens is its own.
        let root = registry.platform_key(Form::Ca).filter(|_| old.form == Form::Timestamp);
        let not_after = not_before.after(days(self.days));
        KeyRecord {
            generation,
            public_key: self.public_key,
            store: self.store,
            not_before,
            not_after: root.map_or(not_after, |root| not_after.min(root.record.not_after)),
            takes_over: self.takes_over,
            origin: old.origin.as_ref().map(|_| next_origin(registry, old.form, begins)),
            subject: old.subject.as_ref().map(|subject| numbered(subject, generation)),
            ..old.clone()
        }
    }
}

/// The name of a certificate is another in each generation, so that people can tell them apart.
fn numbered(subject: &CertificateSubject, generation: u32) -> CertificateSubject {
    let base = subject.common_name.split(", generation ").next().unwrap_or_default();
    let ending = format!(", generation {generation}");
    let room = COMMON_NAME_MAX - ending.len();
    let base: String = base.chars().take(room).collect();
    CertificateSubject { common_name: format!("{base}{ending}"), ..subject.clone() }
}

/// The origin of a log of Rekor v1 that begins then: a host of its own, and the number of its tree, which is another for
/// each that ever begins.
pub(crate) fn promised_origin(host: &str, begins: Instant) -> String {
    format!("v1.log.{host} - {}", begins.seconds())
}

/// The origin of the next log that begins in this year: `2026-2.log.HOST` after `2026.log.HOST`, `ct.HOST/2026-2` after
/// `ct.HOST/2026`.
fn next_origin(registry: &Registry, form: Form, begins: Instant) -> String {
    let year: String = begins.to_string().chars().take(4).collect();
    let host = registry.host();
    let taken = |origin: &String| registry.keys().any(|key| key.record.origin.as_ref() == Some(origin));
    if form == Form::Set {
        let mut later = (0..).map(|seconds| begins.after(Duration::from_secs(seconds)));
        let free = later.find_map(|begins| Some(promised_origin(host, begins)).filter(|one| !taken(one)));
        return free.expect("numbers do not end");
    }
    let named = |shard: String| match form {
        Form::Sct => format!("ct.{host}/{shard}"),
        _ => format!("{shard}.log.{host}"),
    };
    let later = (2_u32..).map(|number| format!("{year}-{number}"));
    let mut origins = std::iter::once(year.clone()).chain(later).map(named);
    origins.find(|origin| !taken(origin)).expect("numbers do not end")
}
