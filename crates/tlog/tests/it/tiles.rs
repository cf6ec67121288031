//! Paths and contents of tiles.

use model::Digest;
use tlog::TilePath;
use tlog::tile::{self, FULL_WIDTH, TileFormatError, TileKind};

#[test]
fn paths_are_written_as_the_specification_writes_them() {
    let hashes = |level, index, width| TilePath::hashes(level, index, width).unwrap().to_string();
    let entries = |index, width| TilePath::entries(index, width).unwrap().to_string();
    assert_eq!(hashes(0, 0, 256), "tile/0/000");
    assert_eq!(hashes(0, 999, 1), "tile/0/999.p/1");
    assert_eq!(hashes(1, 1000, 255), "tile/1/x001/000.p/255");
    assert_eq!(hashes(0, 1_234_067, 8), "tile/0/x001/x234/067.p/8");
    assert_eq!(hashes(2, 1_234_067, 256), "tile/2/x001/x234/067");
    assert_eq!(entries(0, 5), "tile/entries/000.p/5");
    assert_eq!(entries(1_234_067, 256), "tile/entries/x001/x234/067");
    assert_eq!(entries(1_000_000_000, 256), "tile/entries/x001/x000/x000/000");
}

#[test]
fn a_path_that_was_written_is_read_as_the_same_tile() {
    for index in [0, 1, 255, 999, 1000, 1001, 999_999, 1_000_000, 123_456_789_012] {
        for width in [1, 2, 255, 256] {
            for level in 0..=2 {
                let path = TilePath::hashes(level, index, width).unwrap();
                assert_eq!(path.to_string().parse::<TilePath>().unwrap(), path);
                assert_eq!(path.kind(), TileKind::Hashes { level });
            }
            let path = TilePath::entries(index, width).unwrap();
            assert_eq!(path.to_string().parse::<TilePath>().unwrap(), path);
            assert_eq!((path.kind(), path.index(), path.width()), (TileKind::Entries, index, width));
            assert_eq!(path.full().unwrap().width(), FULL_WIDTH);
        }
    }
}

#[test]
fn the_last_tile_of_a_level_is_never_full() {
    let last = "tile/7/000.p/127".parse::<TilePath>().unwrap();
    assert_eq!(last.full(), None);
    assert!("tile/7/000".parse::<TilePath>().is_err());
}

#[test]
fn a_path_in_any_other_spelling_is_refused() {
    for text in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/x001/x002",
        "tile/0/xx01/002",
        "tile/00/001",
        "tile/+0/001",
        "tile/-1/001",
        "tile/8/000",
        "tile/64/000",
        "tile/7/x999/999",
        "tile/0/+01",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/0/001 ",
        "/tile/0/001",
        "tile/0/001/",
        "tile/0//001",
        "tile/0/001.p",
        "tile/0/001.p/",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/+1",
        "tile/0/001.p/1/",
        "tile/0/001.p/1.p/1",
        "tile/0/001.P/1",
        "tile/Entries/001",
        "tile/data/1",
        "tile/entries",
        "tile/entries/1",
        "tile/entries/x001/x002",
        "tile/0/../000",
        "tile/entries/%30",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/\u{0660}\u{0660}\u{0661}",
    ] {
        assert!(matches!(text.parse::<TilePath>(), Err(TileFormatError::NotAPath { .. })), "{text}");
    }
}

/// CVE-2026-24137: a name from outside led to a file elsewhere.
#[test]
fn a_tile_that_no_tree_has_cannot_be_named() {
    for (level, index, width) in
        [(0, 0, 0), (0, 0, 257), (8, 0, 1), (0, u64::MAX, 1), (0, 1 << 55, 1), (7, 0, 128)]
    {
        assert!(TilePath::hashes(level, index, width).is_err(), "{level} {index} {width}");
    }
    TilePath::hashes(7, 0, 127).unwrap();
    TilePath::hashes(0, (1 << 55) - 1, 255).unwrap();
}

#[test]
fn a_bundle_gives_back_its_entries_and_nothing_less_or_more() {
    let entries: [&[u8]; 4] = [b"", b"a", &[7; 300], &[9; 65_535]];
    let mut bundle = Vec::new();
    for entry in entries {
        tile::encode_entry(entry, &mut bundle).unwrap();
    }
    let path = |width| TilePath::entries(0, width).unwrap();
    assert_eq!(tile::decode_entries(path(4), &bundle).unwrap(), entries);
    for width in [3, 5, 256] {
        assert!(tile::decode_entries(path(width), &bundle).is_err());
    }
    for length in [0, 1, 2, 4, 5, 6, 306, 307, 308, bundle.len() - 1] {
        assert!(tile::decode_entries(path(4), &bundle[..length]).is_err(), "{length}");
    }
    assert!(tile::decode_entries(path(4), &[bundle.clone(), vec![0]].concat()).is_err());
    let before = bundle.clone();
    let refused = tile::encode_entry(&[0; 65_536], &mut bundle);
    assert_eq!(refused, Err(TileFormatError::EntryTooLong { length: 65_536 }));
    assert_eq!(bundle, before);
}

#[test]
fn a_tile_gives_back_its_hashes_and_nothing_less_or_more() {
    let hashes = [Digest::of(b"a"), Digest::of(b"b"), Digest::of(b"c")];
    let bytes = tile::encode_hashes(&hashes);
    let path = |width| TilePath::hashes(0, 0, width).unwrap();
    assert_eq!(tile::decode_hashes(path(3), &bytes).unwrap(), hashes);
    for (width, length) in [(3, 95), (3, 64), (2, 96), (4, 96), (3, 0)] {
        assert!(tile::decode_hashes(path(width), &bytes[..length]).is_err());
    }
}
