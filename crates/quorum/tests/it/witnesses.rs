//! Who witnesses a platform's books: endorsed, more than half, and known for every head that there was.

use model::PublicKey;
use quorum::{Book, Change, Registry, RegistryError, Witness, Witnesses};
use testkit::Person;

use crate::people::{append, entry, genesis, genesis_entry};

fn witness(number: u8) -> Witness {
    Witness { name: format!("witness.example/{number}"), key: PublicKey::from_ed25519(&[number; 32]) }
}

fn named(threshold: u32, numbers: &[u8], books: &[Book]) -> Witnesses {
    let witnesses = numbers.iter().map(|number| witness(*number)).collect();
    Witnesses { threshold, witnesses, books: books.to_vec() }
}

fn registry(people: [&Person; 3]) -> Registry {
    Registry::begin(&genesis_entry(genesis(&people, 2, &[]), &people)).unwrap()
}

#[test]
fn witnesses_are_in_force_from_their_entry_on_and_a_head_before_it_had_none() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut registry = registry([&ada, &ben, &cleo]);
    let before = registry.head();
    let first = named(2, &[1, 2, 3], &[Book::Journal]);
    let asked = entry(&registry, &ada, vec![Change::Witnesses(first.clone())], &[&ben, &cleo]);
    append(&mut registry, &asked).unwrap();
    let between = registry.head();
    assert_eq!(registry.witnesses(Book::Journal), Some(&first));
    assert_eq!(registry.witnesses(Book::Log), None);
    let asked = entry(&registry, &ada, vec![Change::Witnesses(named(0, &[], &[]))], &[&ben, &cleo]);
    append(&mut registry, &asked).unwrap();
    assert_eq!(registry.witnesses(Book::Journal), None, "unanchored again");
    assert_eq!(registry.witnesses_under(&before, Book::Journal), None);
    assert_eq!(registry.witnesses_under(&between, Book::Journal), Some(&first));
    assert_eq!(registry.witnesses_under(&registry.head(), Book::Journal), None);
    assert_eq!(registry.all_witnesses(Book::Journal).count(), 3);
}

#[test]
fn two_histories_never_both_have_enough_witnesses() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut registry = registry([&ada, &ben, &cleo]);
    let before = registry.head();
    let both = [Book::Journal, Book::Log];
    let mut twice = named(2, &[1, 2], &both);
    twice.witnesses[1].name = twice.witnesses[0].name.clone();
    let mut spaced = named(1, &[1], &both);
    spaced.witnesses[0].name = "a witness".to_owned();
    for (witnesses, reason) in [
        (named(1, &[1, 2], &both), "more than half"),
        (named(0, &[1], &both), "more than half"),
        (named(2, &[1], &both), "no more than there are"),
        (named(1, &[], &both), "no more than there are"),
        (named(2, &[1, 1], &both), "one name or one key"),
        (twice, "one name or one key"),
        (spaced, "without spaces"),
        (named(1, &[1], &[]), "each named once"),
        (named(1, &[1], &[Book::Log, Book::Log]), "each named once"),
        (named(17, &(1..=33).collect::<Vec<_>>(), &both), "more than thirty-two"),
    ] {
        let asked = entry(&registry, &ada, vec![Change::Witnesses(witnesses)], &[&ben, &cleo]);
        let refused = append(&mut registry, &asked).unwrap_err();
        assert!(matches!(refused, RegistryError::Witnesses { .. }), "{refused}");
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    assert_eq!(registry.head(), before);
}

#[test]
fn one_administrator_alone_changes_no_witness() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let mut registry = registry([&ada, &ben, &cleo]);
    for witnesses in [named(1, &[1], &[Book::Journal]), named(0, &[], &[])] {
        let asked = entry(&registry, &ada, vec![Change::Witnesses(witnesses)], &[&ben]);
        let refused = append(&mut registry, &asked).unwrap_err();
        assert!(matches!(refused, RegistryError::Shortfall { .. }), "{refused}");
    }
}

/// Whoever has a checkpoint that one witness was shown has none that another would take, and nobody has one by chance.
#[test]
fn each_witness_is_shown_the_journal_under_an_origin_of_its_own() {
    let (ada, ben, cleo) = (Person::new(1), Person::new(2), Person::new(3));
    let registry = registry([&ada, &ben, &cleo]);
    let shown = |witness: &Witness| registry.journal_shown_to(witness);
    let first = shown(&witness(1));
    let (host, instance) = (registry.host(), registry.instance());
    assert!(first.starts_with(&format!("{host}/witnessed/")) && first.ends_with(&format!("/{instance}")));
    let renamed = Witness { name: "witness.example/9".to_owned(), ..witness(1) };
    let anew = Witness { key: PublicKey::from_ed25519(&[9; 32]), ..witness(1) };
    let mut origins: Vec<String> = [&witness(1), &witness(2), &renamed, &anew].map(shown).into();
    origins.extend(registry.journal_origins());
    origins.sort();
    origins.dedup();
    assert_eq!(origins.len(), 5);
    assert_eq!(registry.journal_shown_under(&registry.head(), &witness(1)), Some(first));
    assert_eq!(registry.journal_shown_under(&model::Digest::ZERO, &witness(1)), None);
}
