use model::{Form, Kind, Purpose, Request};
use quorum::{Change, Entry, KeyState, Registry, RegistryError, Shortfall};

use testkit::Person;

use crate::people::{append, at, digest_of, entry, genesis, genesis_entry, record, request, rule, space};

fn two_administrators() -> (Person, Person, Person, Registry) {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let bytes = genesis_entry(genesis(&[&ada, &ben, &cleo], 2, &[]), &[&ada, &ben, &cleo]);
    let registry = Registry::begin(&bytes).unwrap();
    (ada, ben, cleo, registry)
}

#[test]
fn adding_a_key_needs_the_quorum_and_the_requester_is_not_part_of_it() {
    let (ada, ben, cleo, mut registry) = two_administrators();
    let add = vec![Change::Key(record("k", 1, 50, None))];
    for people in [vec![], vec![&ben], vec![&ada, &ben], vec![&ben, &ben]] {
        let refused =
            append(&mut registry.clone(), &entry(&registry, &ada, add.clone(), &people)).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { source: Shortfall::TooFew { .. }, .. }));
    }
    let endorsed = entry(&registry, &ada, add, &[&ben, &cleo]);
    append(&mut registry, &endorsed).unwrap();
    assert_eq!(registry.entries(), 2);
}

#[test]
fn taking_away_needs_one_administrator_and_restoring_needs_the_quorum() {
    let (ada, ben, cleo, mut registry) = two_administrators();
    let key = record("k", 1, 50, None);
    let add = entry(&registry, &ada, vec![Change::Key(key.clone())], &[&ben, &cleo]);
    append(&mut registry, &add).unwrap();
    let state = |state| {
        vec![Change::KeyState { key: key.id(), state, since: at(0), reason: "found on a bus".to_owned() }]
    };
    let suspend = entry(&registry, &ada, state(KeyState::Suspended), &[&ada]);
    append(&mut registry, &suspend).unwrap();
    assert!(registry.active_key(&space("k")).is_none());
    let restore = entry(&registry, &ada, state(KeyState::Active), &[&ada]);
    assert!(append(&mut registry, &restore).is_err());
    let mixed = [state(KeyState::Suspended), vec![Change::Key(record("evil", 1, 66, None))]].concat();
    let smuggled = entry(&registry, &ada, mixed, &[&ada]);
    assert!(append(&mut registry, &smuggled).is_err(), "an addition rides on a subtraction");
    let restore = entry(&registry, &ada, state(KeyState::Active), &[&ben, &cleo]);
    append(&mut registry, &restore).unwrap();
    assert!(registry.active_key(&space("k")).is_some());
}

#[test]
fn what_is_to_retire_is_retired_sooner_by_one_and_kept_longer_by_a_quorum_alone() {
    let (ada, ben, cleo, mut registry) = two_administrators();
    let key = record("k", 1, 50, None);
    let add = entry(&registry, &ada, vec![Change::Key(key.clone())], &[&ben, &cleo]);
    append(&mut registry, &add).unwrap();
    let state = |state, since| {
        let reason = "a year is over".to_owned();
        vec![Change::KeyState { key: key.id(), state, since: at(since), reason }]
    };
    let retire = entry(&registry, &ada, state(KeyState::Retired, 900), &[&ada]);
    append(&mut registry, &retire).unwrap();
    let known = registry.key(&key.id()).unwrap();
    assert!(known.is_active_at(at(899)) && !known.is_active_at(at(900)), "it signs until then");
    for (kept, since) in [
        (KeyState::Retired, 901),
        (KeyState::Suspended, 100),
        (KeyState::Active, 100),
        (KeyState::Revoked, 100),
        (KeyState::Revoked, 901),
    ] {
        let longer = entry(&registry, &ada, state(kept, since), &[&ada]);
        assert!(append(&mut registry.clone(), &longer).is_err(), "{kept:?}");
        let endorsed = entry(&registry, &ada, state(kept, since), &[&ben, &cleo]);
        append(&mut registry.clone(), &endorsed).unwrap();
    }
    for (sooner, since) in [(KeyState::Retired, 100), (KeyState::Revoked, 0)] {
        let sooner = entry(&registry, &ada, state(sooner, since), &[&ada]);
        append(&mut registry.clone(), &sooner).unwrap();
    }
}

/// A suspension that was dated years ahead made room for a retirement of the same time: until then the key signed again.
#[test]
fn one_administrator_gives_no_suspended_key_back_by_a_date_that_lies_ahead() {
    let (ada, ben, cleo, mut registry) = two_administrators();
    let key = record("k", 1, 50, None);
    let add = entry(&registry, &ada, vec![Change::Key(key.clone())], &[&ben, &cleo]);
    append(&mut registry, &add).unwrap();
    let state = |state, since| {
        vec![Change::KeyState { key: key.id(), state, since, reason: "found on a bus".to_owned() }]
    };
    let far = at(900_000);
    for stopped in [KeyState::Suspended, KeyState::Revoked] {
        let alone = entry(&registry, &ada, state(stopped, far), &[&ada]);
        let refused = append(&mut registry.clone(), &alone).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { .. }), "{stopped:?}");
    }
    // Who stops it together for a later time stops it now, and it is not believed until then.
    let together = entry(&registry, &ada, state(KeyState::Suspended, far), &[&ben, &cleo]);
    append(&mut registry, &together).unwrap();
    let known = registry.key(&key.id()).unwrap();
    assert_eq!((known.since, known.is_active_at(at(2))), (at(0), false));
    for since in [far, at(1)] {
        let retire = entry(&registry, &ada, state(KeyState::Retired, since), &[&ada]);
        let refused = append(&mut registry.clone(), &retire).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { .. }), "{since}");
    }
    let retire = entry(&registry, &ada, state(KeyState::Retired, at(0)), &[&ada]);
    append(&mut registry, &retire).unwrap();
    assert!(!registry.key(&key.id()).unwrap().is_active_at(at(0)));
}

#[test]
fn a_key_of_the_platform_takes_over_within_its_validity_and_no_other_does() {
    let ada = Person::new(1);
    let mut registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let log = |generation, seed, takes_over| {
        let mut log = record("log", generation, seed, None);
        (log.form, log.purpose) = (Form::Checkpoint, Purpose::Checkpoint);
        log.classes.clear();
        (log.origin, log.takes_over) = (Some(format!("{generation}.log.example.test")), takes_over);
        log
    };
    let late = log(1, 50, Some(at(2_000_000)));
    let mut of_code = record("k", 1, 50, None);
    of_code.takes_over = Some(at(100));
    for bad in [late, of_code] {
        let refused = entry(&registry, &ada, vec![Change::Key(bad.clone())], &[&ada]);
        assert!(append(&mut registry.clone(), &refused).is_err(), "{bad:?}");
    }
    for log in [log(1, 50, None), log(2, 51, Some(at(500)))] {
        let add = entry(&registry, &ada, vec![Change::Key(log)], &[&ada]);
        append(&mut registry, &add).unwrap();
    }
    let in_use = |second| registry.in_use(Form::Checkpoint, at(second)).unwrap().record.generation;
    assert_eq!([in_use(10), in_use(499), in_use(500)], [1, 1, 2]);
}

#[test]
fn of_two_keys_that_take_over_in_one_second_the_one_that_was_added_later_is_in_use() {
    let ada = Person::new(1);
    let log = |name: &str, seed| {
        let mut log = record(name, 1, seed, None);
        (log.form, log.purpose) = (Form::Checkpoint, Purpose::Checkpoint);
        log.classes.clear();
        (log.origin, log.takes_over) = (Some(format!("{name}.log.example.test")), Some(at(500)));
        Change::Key(log)
    };
    for [first, second] in [["b", "a"], ["a", "b"]] {
        let mut registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
        let (one, other) = (log(first, 50), log(second, 51));
        for changes in [vec![one], vec![other]] {
            let added = entry(&registry, &ada, changes, &[&ada]);
            append(&mut registry, &added).unwrap();
        }
        let in_use = registry.in_use(Form::Checkpoint, at(500)).unwrap().record.name.clone();
        assert_eq!(in_use.as_str(), second);
        assert_eq!(registry.platform_key(Form::Checkpoint).unwrap().record.name, in_use);
        let next = |second| {
            let next = registry.in_use_or_next(Form::Checkpoint, at(second));
            next.map(|key| key.record.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((next(499), next(500)), (vec!["a", "b"], vec![second]));
    }
}

#[test]
fn two_keys_never_share_key_material_and_generations_come_one_by_one() {
    let ada = Person::new(1);
    let mut registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let first = entry(&registry, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    append(&mut registry, &first).unwrap();
    let mut other_form = record("other", 1, 50, None);
    other_form.form = Form::Jws;
    for bad in [other_form, record("k", 1, 51, None), record("k", 3, 52, None), record("new", 0, 53, None)] {
        let refused = entry(&registry, &ada, vec![Change::Key(bad)], &[&ada]);
        assert!(append(&mut registry, &refused).is_err());
    }
    let second = entry(&registry, &ada, vec![Change::Key(record("k", 2, 54, None))], &[&ada]);
    append(&mut registry, &second).unwrap();
    assert_eq!(registry.active_key(&space("k")).unwrap().record.generation, 2);
}

/// CVE-2026-23992: a threshold of zero was met by nobody.
#[test]
fn a_record_must_hold_together() {
    let ada = Person::new(1);
    let registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let mut purpose = record("k", 1, 50, None);
    purpose.purpose = Purpose::Timestamp;
    let mut classless = record("k", 1, 50, None);
    classless.classes.clear();
    let mut origin = record("k", 1, 50, None);
    origin.origin = Some("log.example.test".to_owned());
    let mut backwards = record("k", 1, 50, None);
    backwards.not_after = backwards.not_before;
    let nobody = record("k", 1, 50, Some(rule("administrators", 0)));
    let too_many = record("k", 1, 50, Some(rule("administrators", 2)));
    let unknown = record("k", 1, 50, Some(rule("strangers", 1)));
    // A pure algorithm signs no digests, and a blob key nothing else.
    let mut pure = record("k", 1, 50, None);
    pure.form = Form::Blob;
    for bad in [purpose, classless, origin, backwards, nobody, too_many, unknown, pure] {
        let refused = entry(&registry, &ada, vec![Change::Key(bad.clone())], &[&ada]);
        assert!(append(&mut registry.clone(), &refused).is_err(), "{bad:?}");
    }
}

#[test]
fn an_endorsed_entry_holds_exactly_the_changes_that_were_endorsed() {
    let ada = Person::new(1);
    let registry = Registry::begin(&genesis_entry(genesis(&[&ada], 1, &[]), &[&ada])).unwrap();
    let honest = entry(&registry, &ada, vec![Change::Key(record("k", 1, 50, None))], &[&ada]);
    let swapped = Entry { changes: vec![Change::Key(record("k", 1, 66, None))], ..honest.clone() };
    let refused = append(&mut registry.clone(), &swapped).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the administrative request does not fit the entry: its `kind.admin.changes` differs"
    );
    // Naming the swapped changes makes it another request, which nobody endorsed.
    let asked = request(&registry, &ada, Kind::Admin { changes: Entry::changes_digest(&swapped.changes) });
    assert_ne!(digest_of(&asked), digest_of(honest.request.as_ref().unwrap()));
    assert_ne!(Request::digest(&asked.encode()), Request::digest(&honest.request.as_ref().unwrap().encode()));
    let renamed = Entry { request: Some(asked), ..swapped };
    assert!(matches!(append(&mut registry.clone(), &renamed).unwrap_err(), RegistryError::Shortfall { .. }));
}
