//! What somebody tries who holds one key too few.

use model::{Base64, Digest, Form, Kind, Purpose, Request};
use quorum::{
    Change, Credential, Decision, Endorsement, KeyState, Moment, Registry, RegistryError, Requirement, Rule,
    Shortfall, Touch, count,
};
use testkit::Person;

use crate::people::{append, at, before, entry, genesis, genesis_entry, group, record, request, rule, space};

/// Three administrators of whom two decide, and a key of theirs.
fn revoked() -> (Person, Registry, Vec<Change>) {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let bytes = genesis_entry(genesis(&[&ada, &ben, &cleo], 2, &[]), &[&ada, &ben, &cleo]);
    let mut registry = Registry::begin(&bytes).unwrap();
    let key = record("k", 1, 50, None);
    let add = entry(&registry, &ada, vec![Change::Key(key.clone())], &[&ben, &cleo]);
    append(&mut registry, &add).unwrap();
    let state = |state, since| Change::KeyState { key: key.id(), state, since, reason: "stolen".to_owned() };
    let revoke = entry(&registry, &ada, vec![state(KeyState::Revoked, before(10))], &[&ada]);
    append(&mut registry, &revoke).unwrap();
    let revivals = vec![
        state(KeyState::Suspended, before(10)),
        state(KeyState::Retired, before(10)),
        state(KeyState::Revoked, before(9)),
        state(KeyState::Suspended, at(1_000)),
    ];
    (ada, registry, revivals)
}

#[test]
fn one_administrator_does_not_bring_a_revoked_keys_signatures_back_to_life() {
    let (ada, registry, revivals) = revoked();
    for change in revivals {
        let alone = entry(&registry, &ada, vec![change.clone()], &[&ada]);
        let refused = append(&mut registry.clone(), &alone).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { .. }), "{change:?}");
        let together = entry(&registry, &ada, vec![change], &[&Person::new(2), &Person::new(3)]);
        append(&mut registry.clone(), &together).unwrap();
    }
    let key = record("k", 1, 50, None).id();
    let state = KeyState::Revoked;
    let earlier = Change::KeyState { key, state, since: before(15), reason: "stolen before".to_owned() };
    append(&mut registry.clone(), &entry(&registry, &ada, vec![earlier], &[&ada])).unwrap();
}

/// Two groups with one member in common, and a request of nobody that the registry knows.
struct Scene {
    people: [Person; 3],
    registry: Registry,
    request: Request,
}

fn scene() -> Scene {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let people = [Person::new(3), Person::new(4), Person::new(5)];
    let mut founding = genesis(&[&ada, &ben], 2, &[&people[0], &people[1], &people[2]]);
    founding.groups[1] = group("release", &[&people[0], &people[1]]);
    founding.groups.push(group("security", &[&people[0]]));
    let registry = Registry::begin(&genesis_entry(founding, &[&ada, &ben])).unwrap();
    let request = request(&registry, &Person::new(9), Kind::Admin { changes: Digest::ZERO });
    Scene { people, registry, request }
}

impl Scene {
    fn endorse(&self, n: usize) -> Endorsement {
        let digest = Request::digest(&self.request.encode());
        self.people[n].endorse(&self.registry.platform(), &digest, at(1))
    }

    fn count(&self, rule: &Rule, given: &[Endorsement]) -> Result<usize, Shortfall> {
        let digest = Request::digest(&self.request.encode());
        count(&self.registry, rule, &self.request, &digest, given, Moment::Live(at(2)))
            .map(|counted| counted.persons().len())
    }
}

fn both_groups() -> Rule {
    let of = |group| Requirement { group: space(group), threshold: 1 };
    Rule { requirements: vec![of("release"), of("security")], ..rule("release", 1) }
}

#[test]
fn one_person_in_two_groups_counts_once() {
    let scene = scene();
    let alone = scene.count(&both_groups(), &[scene.endorse(0)]);
    assert!(matches!(alone, Err(Shortfall::TooFew { have: 0, need: 1, .. })), "{alone:?}");
    // Whoever comes first: the one who is in both stands for the group that nobody else can stand for.
    for given in [[0, 1], [1, 0]] {
        assert_eq!(scene.count(&both_groups(), &given.map(|n| scene.endorse(n))), Ok(2));
    }
}

#[test]
fn two_groups_of_the_same_one_administrator_are_no_quorum() {
    let ada = Person::new(1);
    let mut founding = genesis(&[&ada], 1, &[]);
    founding.governance = quorum::Governance::Quorum;
    founding.groups = vec![group("left", &[&ada]), group("right", &[&ada])];
    let of = |group| Requirement { group: space(group), threshold: 1 };
    founding.administration.requirements = vec![of("left"), of("right")];
    let refused = Registry::begin(&genesis_entry(founding, &[&ada])).unwrap_err();
    assert!(matches!(refused, RegistryError::Group { threshold: 1, size: 0, .. }), "{refused}");
}

#[test]
fn an_endorser_who_asks_under_another_persons_name_is_not_counted() {
    let mut scene = scene();
    scene.request.requester.principal = scene.people[0].principal;
    let given = [scene.endorse(0), scene.endorse(1)];
    let refused = scene.count(&rule("release", 2), &given).unwrap_err();
    assert!(refused.to_string().ends_with("does not count: is the requester's own"), "{refused}");
}

#[test]
fn an_endorsement_of_a_part_does_not_count_for_all() {
    let scene = scene();
    let digest = Request::digest(&scene.request.encode());
    let part = space("documentation");
    let person = &scene.people[0];
    let platform = scene.registry.platform();
    let text = quorum::message(&platform, &digest, Decision::Endorse, &person.principal, Some(&part), at(1));
    let signature = Base64(person.sshsig(quorum::SSH_NAMESPACE, text.as_bytes()));
    let of_part =
        Endorsement { facet: Some(part), proof: quorum::Proof::Ssh { signature }, ..scene.endorse(0) };
    let refused = scene.count(&rule("release", 2), &[of_part, scene.endorse(1)]).unwrap_err();
    assert!(refused.to_string().ends_with("does not count: is for a part of the request only"), "{refused}");
}

#[test]
fn a_founder_who_rejects_the_genesis_has_not_signed_it() {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let founding = genesis(&[&ada, &ben], 2, &[]);
    let platform = founding.platform();
    let no = ben.say(Decision::Reject, &platform, platform.digest(), at(0));
    let mut bytes = quorum::Entry::parse(&genesis_entry(founding, &[&ada, &ben])).unwrap();
    bytes.endorsements[1] = no;
    let refused = Registry::begin(&bytes.encode()).unwrap_err();
    assert!(matches!(refused, RegistryError::Founder { principal } if principal == ben.principal));
}

#[test]
fn one_key_is_not_two_credentials_by_being_on_a_token_as_well() {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let mut founding = genesis(&[&ada, &ben], 2, &[]);
    let wire = ada.wire();
    let raw = &wire[wire.len() - 32..];
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let token = [string(b"sk-ssh-ed25519@openssh.com"), string(raw), string(b"ssh:")].concat();
    founding.principals[1].credentials =
        vec![Credential::Ssh { public_key: Base64(token), touch: Touch::Required }];
    let refused = Registry::begin(&genesis_entry(founding, &[&ada, &ben])).unwrap_err();
    assert_eq!(refused.to_string(), "the genesis cannot stand: two principals share a credential");
}

#[test]
fn a_key_of_the_platforms_own_has_no_rule_that_nobody_would_count() {
    let ada = Person::new(1);
    let registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let mut log = record("log", 1, 50, Some(rule("administrators", 1)));
    (log.form, log.purpose) = (Form::Checkpoint, Purpose::Checkpoint);
    log.origin = Some("log.example.test".to_owned());
    log.classes.clear();
    let add = |record| entry(&registry, &ada, vec![Change::Key(record)], &[&ada]);
    let refused = append(&mut registry.clone(), &add(log.clone())).unwrap_err();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(source, "a key of form checkpoint must not have `rule`");
    log.rule = None;
    append(&mut registry.clone(), &add(log)).unwrap();
}

#[test]
fn an_administrator_does_not_ask_in_the_name_of_another_to_be_counted() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let bytes = genesis_entry(genesis(&[&ada, &ben, &cleo], 2, &[]), &[&ada, &ben, &cleo]);
    let registry = Registry::begin(&bytes).unwrap();
    let add = vec![Change::Key(record("k", 1, 50, None))];
    let nobody = Person::new(9);
    let mut with_cleos_person = Person::new(9);
    with_cleos_person.person = cleo.person;
    for requester in [&cleo, &nobody, &with_cleos_person] {
        let mut forged = entry(&registry, requester, add.clone(), &[&ada, &ben]);
        let forgery = append(&mut registry.clone(), &forged);
        assert_eq!(forgery.is_ok(), requester.principal == cleo.principal);
        forged.endorsements.retain(|endorsement| endorsement.principal != requester.principal);
        let refused = append(&mut registry.clone(), &forged).unwrap_err();
        let RegistryError::Shortfall { source, .. } = refused else { panic!("{refused}") };
        assert!(matches!(source, Shortfall::Requester { .. }), "{source}");
    }
}
