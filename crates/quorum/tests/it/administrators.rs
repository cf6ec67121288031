//! The way out of `solo`: several govern, who all said so.

use quorum::{Administrators, Change, Entry, Governance, KeyState, Registry, RegistryError};
use testkit::Person;

use crate::people::{T0, append, at, entry, genesis, genesis_entry, group, proven, record, rule, space};

fn solo(ada: &Person) -> Registry {
    Registry::begin(&genesis_entry(genesis(&[ada], 1, &[]), &[ada])).unwrap()
}

fn several(people: &[&Person], new: &[&Person], threshold: u32) -> Change {
    Change::Administrators(Administrators {
        rule: proven(rule("administrators", threshold)),
        principals: new.iter().map(|one| one.registered()).collect(),
        groups: vec![group("administrators", people)],
    })
}

#[test]
fn a_platform_leaves_solo_by_an_entry_that_all_its_administrators_endorse() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut registry = solo(&ada);
    assert_eq!((registry.governance(), registry.several_since()), (Governance::Solo, None));
    let change = several(&[&ada, &ben, &cleo], &[&ben, &cleo], 2);
    let asked = entry(&registry, &ada, vec![change], &[&ada, &ben, &cleo]);
    append(&mut registry, &asked).unwrap();
    assert_eq!((registry.governance(), registry.several_since()), (Governance::Quorum, Some(1)));
    assert_eq!(registry.administrators().count(), 3);
    // From here on one is not enough, and whoever asks is not counted.
    let key = || vec![Change::Key(record("k", 1, 50, None))];
    for endorsers in [vec![&ada], vec![&ada, &ben]] {
        let refused = entry(&registry, &ada, key(), &endorsers);
        let refused = append(&mut registry, &refused).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { number: 2, .. }), "{refused}");
    }
    let granted = entry(&registry, &ada, key(), &[&ben, &cleo]);
    append(&mut registry, &granted).unwrap();
    // Taking away still needs one.
    let key = registry.active_key(&space("k")).unwrap().record.id();
    let (state, since) = (KeyState::Suspended, T0);
    let away = Change::KeyState { key, state, since, reason: "lost".to_owned() };
    let away = entry(&registry, &cleo, vec![away], &[&cleo]);
    append(&mut registry, &away).unwrap();
}

#[test]
fn nobody_becomes_an_administrator_unasked() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut registry = solo(&ada);
    let before = registry.head();
    let change = || vec![several(&[&ada, &ben, &cleo], &[&ben, &cleo], 2)];
    let without = entry(&registry, &ada, change(), &[&ada, &ben]);
    let refused = append(&mut registry, &without).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("{} is to administer from this entry on, and has not endorsed it", cleo.principal)
    );
    // Somebody else's signature under her name, and one of another time, are not hers.
    let mut forged = entry(&registry, &ada, change(), &[&ada, &ben, &Person::new(4)]);
    forged.endorsements.last_mut().unwrap().principal = cleo.principal;
    assert!(matches!(append(&mut registry, &forged), Err(RegistryError::Consent { .. })));
    let late = Entry::next(&registry, ada.asking(T0, std::time::Duration::from_secs(3_600)), change())
        .endorsed([ada.endorsing(at(1)), ben.endorsing(at(1)), cleo.endorsing(at(9_000))]);
    assert!(matches!(append(&mut registry, &late), Err(RegistryError::Consent { .. })));
    // What was refused left nothing behind.
    assert_eq!((registry.head(), registry.governance()), (before, Governance::Solo));
    assert_eq!(registry.principals().count(), 1);
    // Nor do those who join decide without the one who governs.
    let alone = entry(&registry, &ben, change(), &[&ben, &cleo]);
    assert!(append(&mut registry, &alone).is_err());
}

#[test]
fn administrators_who_cannot_govern_together_are_refused() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let everybody = [&ada, &ben, &cleo];
    let mut registry = solo(&ada);
    for (change, expected) in [
        (
            several(&[&ada, &ben], &[&ben], 1),
            "the new administrators cannot stand: it asks for fewer than two",
        ),
        (several(&[&ada, &ben], &[&ben], 3), "a rule asks for 3 of group `administrators`, which has 2"),
        (several(&[&ada, &ben], &[], 2), "the new administrators cannot stand: a group names somebody twice"),
        (several(&[&ada, &ben], &[&ben, &ada], 2), "the new administrators cannot stand: a principal stands"),
    ] {
        let refused = entry(&registry, &ada, vec![change], &everybody);
        let refused = append(&mut registry, &refused).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
    }
    let two = entry(&registry, &ada, vec![several(&[&ada, &ben], &[&ben], 2)], &everybody);
    append(&mut registry, &two).unwrap();
    let again = entry(&registry, &ada, vec![several(&everybody, &[&cleo], 2)], &everybody);
    let refused = append(&mut registry, &again).unwrap_err();
    assert!(matches!(refused, RegistryError::Shortfall { .. }), "{refused}");
}

#[test]
fn an_entry_that_shows_other_changes_than_its_request_names_asks_for_nothing() {
    let ada = Person::new(1);
    let registry = solo(&ada);
    let asked = entry(&registry, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    assert!(asked.asked().is_some());
    let shown = Entry { changes: vec![Change::Key(record("harmless", 1, 51, None))], ..asked };
    assert_eq!(shown.asked(), None);
    let unsigned = Entry { endorsements: vec![], ..shown }.endorsed([ada.endorsing(at(1))]);
    assert!(unsigned.endorsements.is_empty(), "and nobody endorses it");
}
