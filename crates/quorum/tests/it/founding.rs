use quorum::{Adoption, Change, Entry, KeyState, Registry, RegistryError, Requirement};

use model::Digest;
use testkit::Person;

use crate::people::{append, at, entry, genesis, genesis_entry, record, space};

#[test]
fn one_founder_founds_a_solo_platform_and_adds_a_key() {
    let ada = Person::new(1);
    let mut registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let first = entry(&registry, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    append(&mut registry, &first).unwrap();
    assert_eq!(registry.entries(), 2);
    assert!(registry.active_key(&space("k")).is_some());
}

#[test]
fn every_founder_must_sign_the_genesis() {
    let (ada, ben) = (Person::new(1), Person::new(2));
    let refused = Registry::begin(&genesis_entry(genesis(&[&ada, &ben], 2, &[]), &[&ada])).unwrap_err();
    assert!(matches!(refused, RegistryError::Founder { principal } if principal == ben.principal));
}

/// CVE-2026-23992: a threshold of zero was met by nobody.
#[test]
fn a_genesis_with_a_threshold_of_zero_or_larger_than_its_group_is_refused() {
    let ada = Person::new(1);
    for threshold in [0, 2] {
        let mut founding = genesis(&[&ada], 1, &[]);
        founding.administration.requirements =
            vec![Requirement { group: space("administrators"), threshold }];
        assert!(Registry::begin(&genesis_entry(founding, &[&ada])).is_err());
    }
}

#[test]
fn an_administrator_who_is_also_an_endorser_is_refused_unless_solo() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut founding = genesis(&[&ada, &ben], 2, &[&cleo]);
    founding.groups[1].persons.push(ada.person);
    let refused = Registry::begin(&genesis_entry(founding, &[&ada, &ben])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the genesis cannot stand: somebody is in an administration group and in an endorser group"
    );
}

#[test]
fn two_principals_cannot_share_a_credential() {
    let ada = Person::new(1);
    let mut founding = genesis(&[&ada], 1, &[]);
    let mut twin = founding.principals[0].clone();
    twin.principal = Person::new(2).principal;
    founding.principals.push(twin);
    assert!(Registry::begin(&genesis_entry(founding, &[&ada])).is_err());
}

#[test]
fn a_chain_replays_to_the_same_head_and_no_entry_can_be_left_out_or_changed() {
    let ada = Person::new(1);
    let mut chain = vec![genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])];
    let mut registry = Registry::begin(&chain[0]).unwrap();
    for generation in 1..=3 {
        let next = entry(
            &registry,
            &ada,
            vec![Change::Key(record("k", generation, 50 + u8::try_from(generation).unwrap(), None))],
            &[&ada],
        );
        append(&mut registry, &next).unwrap();
        chain.push(next.encode());
    }
    let replayed = Registry::replay(chain.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(replayed.head(), registry.head());
    let without: Vec<&[u8]> = [0, 2, 3].iter().map(|n| chain[*n].as_slice()).collect();
    assert!(matches!(Registry::replay(without).unwrap_err(), RegistryError::NotNext { .. }));
    for at in (0..chain[2].len()).step_by(7) {
        let mut changed = chain.clone();
        changed[2][at] ^= 1;
        assert!(Registry::replay(changed.iter().map(Vec::as_slice)).is_err(), "byte {at} of entry 2");
    }
}

#[test]
fn an_entry_for_another_platform_does_not_follow() {
    let ada = Person::new(1);
    let mut here = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let mut elsewhere = genesis(&[&ada], 1, &[]);
    elsewhere.host = "other.example.test".to_owned();
    let there = Registry::begin(&genesis_entry(elsewhere, &[&ada])).unwrap();
    let foreign = entry(&there, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    assert!(append(&mut here, &foreign).is_err());
    let moved = Entry { previous: here.head(), ..foreign };
    let refused = append(&mut here, &moved).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the administrative request does not fit the entry: its `platform` differs"
    );
}

#[test]
fn a_genesis_that_takes_the_servers_word_for_who_administers_is_refused() {
    let ada = Person::new(1);
    let mut founding = genesis(&[&ada], 1, &[]);
    founding.administration.requester = quorum::RequesterProof::Asserted;
    let refused = Registry::begin(&genesis_entry(founding, &[&ada])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the genesis cannot stand: its administration takes somebody's word for who asks"
    );
}

#[test]
fn of_an_entry_that_cannot_stand_nothing_stays() {
    let ada = Person::new(1);
    let mut registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let first = entry(&registry, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    append(&mut registry, &first).unwrap();
    let before = format!("{registry:?}");
    let key = record("k", 1, 50, None).id();
    let reason = "a test".to_owned();
    let (state, since) = (KeyState::Suspended, at(1));
    let adoption = Adoption {
        journal_size: 7,
        journal_root: Digest::of(b"root"),
        instance: space("two"),
        reason: reason.clone(),
    };
    let good = vec![
        Change::Key(record("k", 2, 51, None)),
        Change::KeyState { key, state, since, reason: reason.clone() },
        Change::KeyState { key, state: KeyState::Retired, since, reason },
        Change::Policy { digest: Digest::of(b"policy") },
        Change::Adoption(adoption),
    ];
    // The last of them names a place that the first has taken.
    let bad = [good.clone(), vec![Change::Key(record("k", 2, 52, None))]].concat();
    let bad = entry(&registry, &ada, bad, &[&ada]);
    let refused = append(&mut registry, &bad).unwrap_err();
    assert!(matches!(refused, RegistryError::KeyTaken { generation: 2, .. }), "{refused:?}");
    assert_eq!(format!("{registry:?}"), before);
    let good = entry(&registry, &ada, good, &[&ada]);
    append(&mut registry, &good).unwrap();
    assert_ne!(format!("{registry:?}"), before);
}
