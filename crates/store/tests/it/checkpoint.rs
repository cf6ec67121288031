//! The lock on the log: one of two writers wins, and tiles come with the checkpoint or not at all.

use tlog::{CheckpointLock, LockError, StagedTile, TilePath};

use crate::world::World;

fn tile(width: u16) -> StagedTile {
    (TilePath::hashes(0, 0, width).unwrap(), vec![width as u8; 32 * usize::from(width)])
}

#[test]
fn a_log_is_created_once_and_never_by_loading() {
    let (_world, store) = World::new();
    assert!(CheckpointLock::load(&store).unwrap().is_none());
    assert!(matches!(store.swap("one", "two", &[]), Err(LockError::Conflict)));
    store.create("one").unwrap();
    assert!(matches!(store.create("another"), Err(LockError::Exists)));
    let locked = CheckpointLock::load(&store).unwrap().unwrap();
    assert_eq!((locked.onto.as_str(), locked.checkpoint.as_str(), locked.staged.len()), ("one", "one", 0));
}

#[test]
fn a_swap_onto_something_else_changes_nothing() {
    let (_world, store) = World::new();
    store.create("one").unwrap();
    store.swap("one", "two", &[tile(1)]).unwrap();
    assert!(matches!(store.swap("one", "three", &[tile(2)]), Err(LockError::Conflict)));
    let locked = CheckpointLock::load(&store).unwrap().unwrap();
    assert_eq!((locked.onto.as_str(), locked.checkpoint.as_str()), ("one", "two"));
    assert_eq!(locked.staged, [tile(1)]);
}

#[test]
fn checkpoint_and_tiles_are_there_after_a_restart() {
    let (world, store) = World::new();
    store.create("one").unwrap();
    store.swap("one", "two", &[tile(1)]).unwrap();
    store.swap("two", "three", &[tile(2)]).unwrap();
    drop(store);
    let locked = CheckpointLock::load(&world.open("second").unwrap()).unwrap().unwrap();
    assert_eq!((locked.onto.as_str(), locked.checkpoint.as_str()), ("two", "three"));
    assert_eq!(locked.staged, [tile(1), tile(2)]);
}
