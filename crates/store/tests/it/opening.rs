//! Opening: one server a folder, one schema, no store made by accident.

use engine::{RequestStore, State, StoreError};
use store::{OpenError, Store};
use tlog::{TilePath, TileStore};

use crate::world::{World, id, insert, row};

#[test]
fn a_second_server_on_the_folder_is_refused_by_the_name_of_the_first() {
    let (world, first) = World::new();
    let Err(error) = world.open("second") else { panic!("two servers") };
    let text = error.to_string();
    assert!(text.starts_with("server `first` runs on `"), "{text}");
    assert!(
        text.ends_with("(epoch 1, lease until 2026-11-20T09:07:42Z): two servers never share a folder"),
        "{text}"
    );
    drop(first);
    let second = world.open("second").unwrap();
    let lease = second.lease().unwrap();
    assert_eq!((lease.holder.as_str(), lease.epoch), ("second", 2));
}

#[test]
fn a_server_whose_lease_was_taken_writes_nothing_more() {
    let (world, store) = World::new();
    RequestStore::write(&store, &[insert(row(1, State::Waiting))]).unwrap();
    world.meddle("UPDATE lease SET epoch = 5, holder = 'another'");
    let error = RequestStore::write(&store, &[insert(row(2, State::Waiting))]).unwrap_err();
    assert!(matches!(error, StoreError::LeaseLost { epoch: 5 }), "{error}");
    let error = tlog::CheckpointLock::create(&store, "first\n").unwrap_err();
    assert_eq!(error.durability(), tlog::Durability::Nothing);
    assert_eq!(store.load(&[id(2)]).unwrap(), [None]);
}

#[test]
fn a_lease_is_extended_by_writing() {
    let (world, store) = World::new();
    world.clock.advance(std::time::Duration::from_secs(45));
    RequestStore::write(&store, &[insert(row(1, State::Waiting))]).unwrap();
    let Err(OpenError::Held { until, .. }) = world.open("second") else { panic!("two servers") };
    assert_eq!(until.to_string(), "2026-11-20T09:08:27Z");
}

#[test]
fn no_store_is_made_where_one_should_be_and_none_is_made_twice() {
    let (world, store) = World::new();
    let empty = testkit::temp_folder();
    let Err(error) = Store::open(empty.path(), "server", world.clock()) else { panic!("made") };
    assert!(error.to_string().starts_with("there is no store at `"), "{error}");
    assert!(!empty.path().join(store::DATABASE).exists());
    drop(store);
    let Err(error) = Store::create(world.folder(), "server", world.clock()) else { panic!("made twice") };
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
}

#[test]
fn a_store_of_a_later_avouch_is_refused_by_the_name_of_its_schema() {
    let (world, store) = World::new();
    drop(store);
    world.meddle("INSERT INTO migrations (number, name) VALUES (7, '0007_witnesses')");
    let Err(error) = world.open("server") else { panic!("opened") };
    assert_eq!(
        error.to_string(),
        "the store's schema is `0007_witnesses` (number 7), and this avouch knows 1: run the avouch that wrote it, or a later one"
    );
}

#[test]
fn a_database_that_is_not_ours_is_refused() {
    let (world, store) = World::new();
    drop(store);
    world.meddle("UPDATE migrations SET name = '0001_somebody_elses'");
    let Err(error) = world.open("server") else { panic!("opened") };
    assert!(matches!(error, OpenError::OtherMigration { number: 1, .. }), "{error}");
    std::fs::write(
        world.folder().join(store::DATABASE),
        b"not a database, and long enough to be read as one",
    )
    .unwrap();
    for leftover in ["store.sqlite-wal", "store.sqlite-shm"] {
        let _ = std::fs::remove_file(world.folder().join(leftover));
    }
    let Err(error) = world.open("server") else { panic!("opened") };
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let (world, store) = World::new();
    RequestStore::write(&store, &[insert(row(1, State::Intended))]).unwrap();
    drop(store);
    let store = world.open("second").unwrap();
    assert_eq!(store.load(&[id(1), id(2)]).unwrap(), [Some(row(1, State::Intended)), None]);
    assert_eq!(store.unfinished(model::Instant::EPOCH).unwrap(), [id(1)]);
}

#[test]
fn a_store_that_only_reads_shows_everything_and_changes_nothing() {
    let (world, store) = World::new();
    RequestStore::write(&store, &[insert(row(1, State::Done))]).unwrap();
    let path: TilePath = "tile/0/000.p/1".parse().unwrap();
    tlog::CheckpointLock::create(&store, "log\n0\n").unwrap();
    tlog::CheckpointLock::swap(&store, "log\n0\n", "log\n1\n", &[(path, vec![7; 32])]).unwrap();
    drop(store);
    let files = || {
        let names = ["store.sqlite", "store.closed"];
        names.map(|name| std::fs::read(world.folder().join(name)).unwrap())
    };
    let before = files();
    let store = Store::read_only(world.folder(), world.clock()).unwrap();
    assert!(store.lease().is_none());
    assert_eq!(store.load(&[id(1)]).unwrap(), [Some(row(1, State::Done))]);
    assert_eq!(TileStore::read(&store, &[path])[0].as_ref().unwrap(), &[7; 32], "which no file holds yet");
    let refused = RequestStore::write(&store, &[insert(row(2, State::Done))]).unwrap_err();
    assert_eq!(refused.to_string(), "cannot write requests: the store was opened for reading alone");
    assert!(TileStore::write(&store, &[(path, vec![7; 32])])[0].is_err());
    assert!(TileStore::publish(&store, "a note").is_err());
    assert!(tlog::CheckpointLock::swap(&store, "log\n1\n", "log\n2\n", &[]).is_err());
    drop(store);
    assert_eq!(files(), before);
    assert!(!world.folder().join("tiles/tile").exists());
    // Whoever writes is not kept out.
    let reading = Store::read_only(world.folder(), world.clock()).unwrap();
    world.open("writer").unwrap();
    drop(reading);
}
