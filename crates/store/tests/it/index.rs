//! The index of the log: what is found, and what becomes of a file that is none.

use engine::{IndexedEntry, LogIndex, StoreError};
use envelope::rekor::Terms;
use model::{Digest, Instant, KeyId};
use store::{LogFinds, LogQuery, Store};

use crate::world::World;

const ORIGIN: &str = "2026.log.localhost";

fn second(number: u64) -> Instant {
    Instant::from_seconds(number)
}

/// The entry with this number: every second one by a certificate, every third one by another key.
fn entry(number: u64) -> IndexedEntry {
    let of = |what: &str| Digest::of(format!("{what} {number}").as_bytes());
    let named = number.is_multiple_of(2);
    let terms = Terms {
        identity: named.then(|| format!("somebody{}@example.com", number % 4)),
        issuer: named.then(|| "https://accounts.example.com".to_owned()),
        digest: of("digest").as_bytes().to_vec(),
        key: KeyId::new(Digest::of(&[u8::from(number.is_multiple_of(3))])),
        validity: named.then(|| (second(1_000 + number), second(1_600 + number))),
    };
    IndexedEntry { leaf: of("leaf"), terms: Some(terms) }
}

fn fill(store: &Store, count: u64) {
    let entries: Vec<IndexedEntry> = (0..count).map(entry).collect();
    store.extend(ORIGIN, 0, &entries).unwrap();
}

fn find(store: &Store, query: LogQuery) -> LogFinds {
    store.search_log(ORIGIN, 1_000, &LogQuery { count: 64, ..query }).unwrap()
}

#[test]
fn an_entry_is_found_by_its_leaf_and_by_all_that_it_tells() {
    let (_world, store) = World::new();
    let nothing = find(&store, LogQuery::default());
    assert_eq!(nothing, LogFinds::default(), "an index that was never filled");
    fill(&store, 12);
    assert_eq!(store.reach(ORIGIN).unwrap(), 12);
    let leaves = [entry(3).leaf, Digest::ZERO, entry(11).leaf];
    assert_eq!(store.find(ORIGIN, &leaves).unwrap(), [Some(3), None, Some(11)]);
    assert_eq!(store.find("another.log", &leaves).unwrap(), [None; 3]);
    let terms = entry(6).terms.unwrap();
    let (identity, issuer) = (terms.identity.clone(), terms.issuer.clone());
    let by = |query| find(&store, query).indices;
    assert_eq!(by(LogQuery { digest: Some(terms.digest), ..LogQuery::default() }), [6]);
    assert_eq!(by(LogQuery { identity: identity.clone(), ..LogQuery::default() }), [2, 6, 10]);
    assert_eq!(by(LogQuery { identity, key: Some(terms.key), ..LogQuery::default() }), [6]);
    let valid = LogQuery { since: Some(second(1_604)), until: Some(second(1_008)), ..LogQuery::default() };
    assert_eq!(by(valid.clone()), [4, 6, 8]);
    assert_eq!(by(LogQuery { issuer, since: valid.since, ..LogQuery::default() }), [4, 6, 8, 10]);
}

#[test]
fn a_search_goes_on_where_it_stopped_and_says_how_far_it_looked() {
    let (_world, store) = World::new();
    fill(&store, 12);
    let issuer = entry(0).terms.unwrap().issuer;
    let mut query = LogQuery { issuer, count: 4, ..LogQuery::default() };
    let first = store.search_log(ORIGIN, 12, &query).unwrap();
    assert_eq!(first, LogFinds { reach: 12, indices: vec![0, 2, 4, 6], next: Some(8) });
    query.from = 8;
    let second = store.search_log(ORIGIN, 12, &query).unwrap();
    assert_eq!(second, LogFinds { reach: 12, indices: vec![8, 10], next: None });
    query.from = 0;
    let under_an_older_checkpoint = store.search_log(ORIGIN, 5, &query).unwrap();
    assert_eq!(under_an_older_checkpoint, LogFinds { reach: 5, indices: vec![0, 2, 4], next: None });
}

#[test]
fn entries_are_added_where_the_index_ends_and_nowhere_else() {
    let (_world, store) = World::new();
    fill(&store, 3);
    assert!(matches!(store.extend(ORIGIN, 4, &[entry(4)]), Err(StoreError::Corrupt { .. })));
    // What cannot be gone on with is thrown away, and filled again.
    assert_eq!(store.reach(ORIGIN).unwrap(), 0);
    fill(&store, 5);
    assert_eq!(store.reach(ORIGIN).unwrap(), 5);
    store.forget(ORIGIN).unwrap();
    assert_eq!(store.find(ORIGIN, &[entry(3).leaf]).unwrap(), [None]);
}

#[test]
fn a_file_that_is_no_index_or_of_another_version_is_made_anew() {
    let (world, store) = World::new();
    drop(store);
    let path = world.folder().join("index.sqlite");
    for spoil in [
        &|| {
            std::fs::write(&path, b"not a database, and longer than a header of one is, which has 100 bytes in it; here they are").unwrap()
        },
        &|| rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 77").unwrap(),
    ] as [&dyn Fn(); 2]
    {
        drop(store_with(&world, 2));
        spoil();
        let store = world.open("after").unwrap();
        store.extend(ORIGIN, 0, &[entry(0)]).unwrap();
        assert_eq!(store.find(ORIGIN, &[entry(0).leaf]).unwrap(), [Some(0)]);
    }
}

fn store_with(world: &World, count: u64) -> Store {
    let store = world.open("before").unwrap();
    store.forget(ORIGIN).unwrap();
    fill(&store, count);
    store
}

#[test]
fn a_store_that_only_reads_writes_no_index() {
    let (world, store) = World::new();
    fill(&store, 2);
    drop(store);
    let store = Store::read_only(world.folder(), world.clock()).unwrap();
    assert_eq!(
        find(&store, LogQuery { key: Some(entry(1).terms.unwrap().key), ..LogQuery::default() }).indices,
        [1]
    );
    assert!(matches!(store.extend(ORIGIN, 2, &[entry(2)]), Err(StoreError::ReadOnly { .. })));
}
