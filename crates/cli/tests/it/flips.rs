//! One bit of one file of a data folder, and what `avouch fsck` says of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use testkit::Seeded;

use crate::holders::World;
use crate::site::alone;

/// So many bits are flipped, unless `AVOUCH_FLIPS` says otherwise.
const FLIPS: usize = 40;

/// Every file of the two processes.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_unstable();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_flipped_bit_that_matters_is_named_and_every_other_changes_no_meaning() {
    let _alone = alone();
    let mut world = World::new();
    (0..4).for_each(|n| assert_eq!(world.site.sign(&format!("file-{n}.bin")).0, 0));
    // So that there are a log of certificates, and an index that tells of people.
    ["ada@example.com", "ben@example.com"].iter().for_each(|who| world.sign_as(who));
    world.site.stop();
    let site = &world.site;
    let flips = std::env::var("AVOUCH_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(FLIPS);
    let (code, good) = site.run(&["fsck", &site.data(), "--json"]);
    assert_eq!(code, 0, "{good}");
    let mut found = Vec::new();
    ["server", "signerd"].iter().for_each(|part| files(&site.dir.join(part), &mut found));
    found.retain(|path| fs::metadata(path).unwrap().len() > 0);
    for part in ["index.sqlite", "certificate-tiles/checkpoint", "certificate-tiles/tile/data/000.p/2"] {
        assert!(found.iter().any(|path| path.ends_with(part)), "{part} is not among the files");
    }
    let mut seeded = Seeded::new(1_000);
    let mut draw = |limit: usize| {
        let mut bytes = [0; 8];
        seeded.fill(&mut bytes);
        (u64::from_be_bytes(bytes) % limit as u64) as usize
    };
    let (mut named, mut meaningless) = (0, 0);
    for flip in 0..flips {
        let path = &found[draw(found.len())];
        let before = fs::read(path).unwrap();
        // The journal is preallocated, and mostly zeros; half of its flips go where something stands.
        let used = before.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        let at = draw(if flip % 2 == 0 { used } else { before.len() });
        let mut bytes = before.clone();
        bytes[at] ^= 1 << draw(8);
        overwrite(path, &bytes);
        let (code, said) = site.run(&["fsck", &site.data(), "--json"]);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if code == 0 && said == good {
            assert!(is_meaningless(&name, at, used), "flip {flip}: byte {at} of `{name}` is not named");
            meaningless += 1;
        } else {
            assert!(
                code != 0
                    || said.contains("frame that does not hold")
                    || said.contains("writes it once more"),
                "flip {flip}: byte {at} of `{name}`: {said}"
            );
            named += 1;
        }
        overwrite(path, &before);
    }
    let (code, said) = site.run(&["fsck", &site.data(), "--json"]);
    assert_eq!((code, said), (0, good), "all is as it was");
    eprintln!("{flips} bits flipped: {named} named, {meaningless} without a meaning");
    assert!(named > flips / 2);
}

/// In place, so that owner and mode stay.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Bytes that nobody reads: behind the end of the journal, and what SQLite makes anew whenever it opens.
fn is_meaningless(name: &str, at: usize, used: usize) -> bool {
    (name.starts_with("journal-") && at >= used) || name.ends_with("-shm") || name.ends_with("-wal")
}
