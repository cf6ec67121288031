//! Logs that follow others: what was shown stays, whatever stops in between.

use std::fs;

use store::{FrozenLogs, LogName, Store};
use tlog::{CheckpointLock, LockError, StagedTile, TilePath, TileStore};

use crate::world::World;

const OLD: &str = "2026.log.localhost\n1\nroot\n";
const NEW: &str = "2027.log.localhost\n0\nroot\n";

fn tile() -> StagedTile {
    (TilePath::hashes(0, 0, 1).unwrap(), vec![7; 32])
}

/// A signed note; nobody here verifies it.
fn note(checkpoint: &str) -> String {
    format!("{checkpoint}\n— 2026.log.localhost AAAAAAAA\n")
}

/// A store whose log has an entry that only the database is known to hold.
fn grown() -> (World, Store) {
    let (world, store) = World::new();
    store.create("2026.log.localhost\n0\nroot\n").unwrap();
    store.swap("2026.log.localhost\n0\nroot\n", OLD, &[tile()]).unwrap();
    store.publish(&note(OLD)).unwrap();
    (world, store)
}

fn assert_followed(world: &World, store: &Store) {
    let locked = CheckpointLock::load(store).unwrap().unwrap();
    assert_eq!((locked.onto.as_str(), locked.checkpoint.as_str()), (NEW, NEW));
    assert!(locked.staged.is_empty() && store.published().unwrap().is_none());
    assert!(store.read(&[tile().0])[0].is_err(), "the new log has no tile");
    let frozen = FrozenLogs::of(world.folder(), LogName::Transparency).find("2026.log.localhost").unwrap();
    assert_eq!(frozen.checkpoint().unwrap().unwrap(), note(OLD));
    assert_eq!(frozen.tile(tile().0).unwrap(), tile().1);
}

#[test]
fn a_log_that_another_follows_is_kept_as_it_was_shown_and_gets_no_further_entry() {
    let (world, store) = grown();
    assert!(matches!(store.succeed("2025.log.localhost\n9\nroot\n", NEW), Err(LockError::Conflict)));
    store.succeed(OLD, NEW).unwrap();
    assert_followed(&world, &store);
    store.succeed(OLD, NEW).unwrap();
    assert_followed(&world, &store);
    assert!(matches!(store.swap(OLD, "2026.log.localhost\n2\nroot\n", &[]), Err(LockError::Conflict)));
    // The new one has tiles of its own under the same names.
    let other = (tile().0, vec![9; 32]);
    store.swap(NEW, "2027.log.localhost\n1\nroot\n", std::slice::from_ref(&other)).unwrap();
    assert!(store.write(std::slice::from_ref(&other))[0].is_ok());
    drop(store);
    let store = world.open("second").unwrap();
    assert_eq!(store.read(&[other.0])[0].as_ref().unwrap(), &other.1);
    let frozen = FrozenLogs::of(world.folder(), LogName::Transparency).find("2026.log.localhost").unwrap();
    assert_eq!(frozen.tile(tile().0).unwrap(), tile().1);
}

#[test]
fn a_crash_before_the_old_files_are_put_aside_is_made_good_by_opening_the_store() {
    let (world, store) = grown();
    store.succeed(OLD, NEW).unwrap();
    drop(store);
    let (tiles, aside) = (world.folder().join("tiles"), world.folder().join("shards/2026.log.localhost"));
    fs::remove_dir_all(&tiles).unwrap();
    fs::rename(&aside, &tiles).unwrap();
    let store = world.open("second").unwrap();
    assert_followed(&world, &store);
}

#[test]
fn a_strangers_name_finds_nothing_but_a_frozen_log() {
    let (world, store) = grown();
    store.succeed(OLD, NEW).unwrap();
    let frozen = FrozenLogs::of(world.folder(), LogName::Transparency);
    for name in [
        "",
        ".",
        "..",
        "../tiles",
        "2026.log.localhost/",
        "2026.log.localhost/tile",
        "2025.log.localhost",
        "a b",
    ] {
        assert!(frozen.find(name).is_none(), "{name}");
    }
    let certificates = FrozenLogs::of(world.folder(), LogName::Certificates);
    assert!(certificates.find("2026.log.localhost").is_none());
}
