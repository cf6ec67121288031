//! People with SSH keys, and platforms that they found.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use model::{
    Algorithm, Class, Digest, Form, Hex32, Instant, Kind, Proven, PublicKey, Request, RequestId, Requester,
    to_canonical,
};
use quorum::{
    Change, Entry, Genesis, Governance, Group, KeyRecord, Moment, Registry, RegistryError, RequesterProof,
    Rule,
};
use testkit::Person;
use testkit::founding::no_journal;
pub(crate) use testkit::founding::{rule, space};

pub(crate) const T0: Instant = Instant::from_seconds(1_795_000_000);

pub(crate) fn at(seconds: u64) -> Instant {
    Instant::from_seconds(T0.seconds() + seconds)
}

/// A time before anything here was asked for.
pub(crate) fn before(seconds: u64) -> Instant {
    Instant::from_seconds(T0.seconds() - seconds)
}

pub(crate) fn group(name: &str, people: &[&Person]) -> Group {
    Group { name: space(name), persons: people.iter().map(|human| human.person).collect() }
}

/// The same rule, for requesters who say themselves that they ask.
pub(crate) fn proven(rule: Rule) -> Rule {
    Rule { requester: RequesterProof::Proven, ..rule }
}

/// A genesis of these administrators and endorsers, under a rule for the former.
pub(crate) fn genesis(administrators: &[&Person], threshold: u32, endorsers: &[&Person]) -> Genesis {
    Genesis {
        version: 1,
        host: "sign.example.test".to_owned(),
        instance: space("one"),
        journal: no_journal(),
        created: T0,
        nonce: Hex32([7; 32]),
        governance: if threshold < 2 { Governance::Solo } else { Governance::Quorum },
        administration: proven(rule("administrators", threshold)),
        principals: administrators.iter().chain(endorsers).map(|human| human.registered()).collect(),
        groups: vec![group("administrators", administrators), group("release", endorsers)],
    }
}

pub(crate) fn genesis_entry(genesis: Genesis, founders: &[&Person]) -> Vec<u8> {
    Entry::first(genesis).endorsed(founders.iter().map(|human| human.endorsing(T0))).encode()
}

pub(crate) fn request(registry: &Registry, requester: &Person, kind: Kind) -> Request {
    Request {
        version: 1,
        id: RequestId::new([9; 16]),
        space: space("platform"),
        platform: registry.platform(),
        registry: registry.head(),
        policy: registry.policy(),
        nonce: Hex32([3; 32]),
        created: T0,
        deadline: at(3_600),
        requester: Requester {
            principal: requester.principal,
            person: requester.person,
            proven: Proven::Endorsement,
        },
        reason: String::new(),
        kind,
    }
}

/// An entry that asks for changes on top of a registry, endorsed by these people.
pub(crate) fn entry(
    registry: &Registry,
    requester: &Person,
    changes: Vec<Change>,
    people: &[&Person],
) -> Entry {
    // Whoever asks endorses too, as the proof that they did.
    let others = people.iter().copied().filter(|human| human.principal != requester.principal);
    let endorsers = std::iter::once(requester).chain(others);
    Entry::next(registry, requester.asking(T0, Duration::from_secs(3_600)), changes)
        .endorsed(endorsers.map(|human| human.endorsing(at(1))))
}

pub(crate) fn append(registry: &mut Registry, entry: &Entry) -> Result<(), RegistryError> {
    registry.append(&entry.encode(), Moment::Live(at(2)))
}

pub(crate) fn record(name: &str, generation: u32, seed: u8, rule: Option<Rule>) -> KeyRecord {
    let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let raw: [u8; 32] = key.public_key().as_ref().try_into().unwrap();
    let public_key = PublicKey::from_ed25519(&raw);
    assert_eq!(public_key.algorithm(), Algorithm::Ed25519);
    KeyRecord {
        version: 1,
        name: space(name),
        generation,
        public_key,
        store: space("software"),
        purpose: model::Purpose::Code,
        form: Form::Dsse,
        classes: vec![Class::Release],
        not_before: T0,
        not_after: at(1_000_000),
        takes_over: None,
        rule,
        rate: None,
        origin: None,
        subject: None,
        identity: None,
        role: None,
        namespaces: Vec::new(),
    }
}

/// A digest over which people may endorse where no request is needed.
pub(crate) fn digest_of<T: serde::Serialize>(value: &T) -> Digest {
    Digest::of(&to_canonical(value))
}
