//! Tiles: immutable, whole, and held by the database until their files are on the disk.

use std::fs;

use tlog::{CheckpointLock, StagedTile, TileError, TilePath, TileStore};

use crate::world::World;

fn path(index: u64, width: u16) -> TilePath {
    TilePath::hashes(0, index, width).unwrap()
}

fn tile(index: u64, byte: u8) -> StagedTile {
    (path(index, 256), vec![byte; 32 * 256])
}

#[test]
fn a_tile_gets_one_content_ever_staged_or_not() {
    let (_world, store) = World::new();
    store.create("one").unwrap();
    store.swap("one", "two", &[tile(1, 1)]).unwrap();
    for index in [0, 1] {
        for _ in 0..2 {
            assert!(TileStore::write(&store, &[tile(index, 1)])[0].is_ok());
        }
        let results = TileStore::write(&store, &[tile(index, 2), tile(7 + index, 7)]);
        assert!(matches!(results[0], Err(TileError::Differs { .. })), "{:?}", results[0]);
        assert!(results[1].is_ok());
        assert_eq!(TileStore::read(&store, &[path(index, 256)])[0].as_ref().unwrap(), &tile(index, 1).1);
    }
    let missing = TileStore::read(&store, &[path(5, 256)]);
    assert!(matches!(missing[0], Err(TileError::Missing { .. })));
}

#[test]
fn a_staged_tile_is_read_before_it_is_written_and_a_torn_file_is_written_once_more() {
    let (world, store) = World::new();
    store.create("one").unwrap();
    store.swap("one", "two", &[tile(0, 1)]).unwrap();
    assert_eq!(TileStore::read(&store, &[path(0, 256)])[0].as_ref().unwrap(), &tile(0, 1).1);
    assert!(TileStore::write(&store, &[tile(0, 1)])[0].is_ok());
    drop(store);
    let file = world.folder().join("tiles/tile/0/000");
    for torn in [Vec::new(), vec![0; 32 * 256], vec![1; 100]] {
        fs::write(&file, torn).unwrap();
        let store = world.open("again").unwrap();
        assert_eq!(TileStore::read(&store, &[path(0, 256)])[0].as_ref().unwrap(), &tile(0, 1).1);
        assert!(TileStore::write(&store, &[tile(0, 1)])[0].is_ok());
        assert_eq!(fs::read(&file).unwrap(), tile(0, 1).1);
    }
}

#[test]
fn the_database_lets_go_of_tiles_only_once_their_files_are_on_the_disk() {
    let (world, store) = World::new();
    store.create("0").unwrap();
    for round in 0..300_u64 {
        let staged = [tile(round, 3)];
        store.swap(&round.to_string(), &(round + 1).to_string(), &staged).unwrap();
        if round != 17 {
            assert!(TileStore::write(&store, &staged)[0].is_ok());
        }
    }
    let staged = CheckpointLock::load(&store).unwrap().unwrap().staged;
    assert!(staged.len() < 60, "{} are still held", staged.len());
    assert!(staged.contains(&tile(17, 3)), "one that was never written is held for ever");
    drop(store);
    let store = world.open("again").unwrap();
    let paths: Vec<TilePath> = (0..300).map(|index| path(index, 256)).collect();
    assert!(TileStore::read(&store, &paths).into_iter().all(|read| read.unwrap() == tile(0, 3).1));
}

#[test]
fn the_shown_checkpoint_is_replaced_whole_and_a_torn_one_counts_as_none() {
    let (world, store) = World::new();
    assert_eq!(store.published().unwrap(), None);
    let note =
        "log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u{2014} log.example AAAAAAAA\n";
    store.publish(note).unwrap();
    assert_eq!(store.published().unwrap().as_deref(), Some(note));
    for torn in ["", "log.example\n0\n", "\0\0\0\0"] {
        fs::write(world.folder().join("tiles/checkpoint"), torn).unwrap();
        assert_eq!(store.published().unwrap(), None, "{torn:?}");
    }
}
