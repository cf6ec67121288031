//! The lock on the log: one of two writers wins, and tiles come with the checkpoint or not at all.

use std::sync::Arc;

use store::CertificateLog;
use tlog::{CheckpointLock, LockError, StagedTile, TilePath, TileStore};

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

#[test]
fn the_log_of_certificates_has_a_checkpoint_and_tiles_of_its_own() {
    let (world, store) = World::new();
    let (store, of_signatures) = (Arc::new(store), (tile(1), "signatures"));
    let certificates = CertificateLog::new(Arc::clone(&store));
    store.create(of_signatures.1).unwrap();
    assert!(CheckpointLock::load(&certificates).unwrap().is_none());
    certificates.create("certificates").unwrap();
    let other = (tile(1).0, vec![7; 32]);
    store.swap("signatures", "one", &[tile(1)]).unwrap();
    certificates.swap("certificates", "one certificate", std::slice::from_ref(&other)).unwrap();
    assert!(certificates.write(std::slice::from_ref(&other))[0].is_ok());
    assert!(store.write(&[tile(1)])[0].is_ok());
    assert_eq!(certificates.read(&[other.0])[0].as_ref().unwrap(), &other.1);
    assert_eq!(store.read(&[other.0])[0].as_ref().unwrap(), &tile(1).1);
    drop((store, certificates));
    let certificates = CertificateLog::new(Arc::new(world.open("second").unwrap()));
    let locked = CheckpointLock::load(&certificates).unwrap().unwrap();
    assert_eq!((locked.checkpoint.as_str(), locked.staged.as_slice()), ("one certificate", &[other][..]));
}
