//! What `avouch fsck` says of the log of certificates, and of the log's index.

use std::fs;
use std::sync::Arc;

use engine::{IndexedEntry, LogIndex};
use model::Digest;
use store::Store;
use testkit::HandClock;

use crate::drill::promises::propose;
use crate::holders::World;
use crate::site::copy_folder;

const BEN: &str = "ben@example.com";
const ADA: &str = "ada@example.com";

impl World {
    fn fsck(&self) -> (i32, String) {
        self.site.run(&["fsck", &self.site.data()])
    }

    fn agrees(&self) -> String {
        let (code, said) = self.fsck();
        assert!(code == 0 && said.contains("all books agree"), "{said}");
        said
    }
}

#[test]
fn an_index_that_says_other_things_than_the_log_is_named_with_what_makes_it_anew() {
    let mut world = World::new();
    world.sign_as(ADA);
    world.site.stop();
    assert!(!world.agrees().contains("index"), "an index that is whole is no news");
    let (server, origin) = (world.site.dir.join("server"), "2026.log.localhost");
    let open = || Store::open(&server, "a test", Arc::<HandClock>::default()).unwrap();
    let rewrite = |entries: &[IndexedEntry]| {
        let store = open();
        store.forget(origin).unwrap();
        store.extend(origin, 0, entries).unwrap();
    };
    let size = open().reach(origin).unwrap();
    assert!(size > 0);
    let other = IndexedEntry { leaf: Digest::of(b"other"), terms: None };
    for (entries, said_of_it) in [
        (vec![other.clone(); 1], "does not tell what log `2026.log.localhost` has at 0; 1 of its entries"),
        (vec![other; usize::try_from(size + 1).unwrap()], "which has"),
        (Vec::new(), "reaches to 0 of the"),
    ] {
        rewrite(&entries);
        let (code, said) = world.fsck();
        assert_eq!(code, i32::from(!entries.is_empty()), "{said}");
        assert!(said.contains("the log's index") && said.contains(said_of_it), "{said}");
        assert!(code == 0 || said.contains("the next `avouch serve` makes it anew from the log"), "{said}");
    }
    // So it does.
    for name in ["index.sqlite", "index.closed"] {
        fs::remove_file(server.join(name)).unwrap();
    }
    assert!(world.agrees().contains("the next start makes it anew"));
    world.site.start();
    world.site.stop();
    assert!(!world.agrees().contains("index"));
}

#[test]
fn a_log_of_certificates_that_was_put_back_is_named_with_every_timestamp_that_it_broke() {
    let mut world = World::new();
    world.sign_as(ADA);
    world.site.stop();
    let said = world.agrees();
    assert!(said.contains("log ct.localhost") && said.contains("1 entries"), "{said}");
    let (tiles, kept) = (world.site.dir.join("server"), world.site.folder.path().join("kept"));
    copy_folder(&tiles, &kept);
    world.site.start();
    world.sign_as(BEN);
    world.site.stop();
    world.agrees();
    fs::remove_dir_all(&tiles).unwrap();
    copy_folder(&kept, &tiles);
    let (code, said) = world.fsck();
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("the key process signed a checkpoint for 2 entries, and the store knows 1"),
        "{said}"
    );
    assert!(said.contains("is the intent to timestamp a certificate that the log does not hold"), "{said}");
}

#[test]
fn an_entry_of_the_log_of_certificates_is_named_where_what_no_head_covers_was_changed() {
    let mut world = World::new();
    world.sign_as(ADA);
    world.site.stop();
    let server = world.site.dir.join("server");
    // Once a tile is on the disk for good, the database lets go of its copy: here at once.
    let Some(sqlite) = testkit::tool("sqlite3") else { return };
    let mut command = sqlite.command();
    command.arg(server.join("store.sqlite")).arg("DELETE FROM staged_tiles WHERE log = 'certificates'");
    assert!(command.status().unwrap().success());
    let tile = server.join("certificate-tiles/tile/data/000.p/1");
    let whole = fs::read(&tile).unwrap();
    // The fingerprint at the end, and the signature of the precertificate before it: neither is hashed.
    for (from_end, said_of_it) in [
        (1, "names other certificates above it"),
        (40, "holds a precertificate that the authority did not sign"),
    ] {
        let mut changed = whole.clone();
        let at = changed.len() - from_end;
        changed[at] ^= 1;
        fs::write(&tile, &changed).unwrap();
        let (code, said) = world.fsck();
        assert!(code == 1 && said.contains(said_of_it), "{said}");
    }
}

/// Changes the database behind everybody's back.
fn change(world: &World, sql: &str) -> bool {
    let Some(sqlite) = testkit::tool("sqlite3") else { return false };
    let mut command = sqlite.command();
    command.arg(world.site.dir.join("server/store.sqlite")).arg(sql);
    assert!(command.status().unwrap().success());
    true
}

#[test]
fn a_promise_of_rekor_v1_is_held_against_its_entry_its_key_and_the_journal() {
    if testkit::tool("curl").is_none() {
        return;
    }
    let mut world = World::new();
    let (data, passphrase) = (world.site.data(), world.site.path("passphrase"));
    let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
    world.site.good(&[&["key", "create", "platform/rekor-v1", "--form", "set"][..], &endorsed].concat());
    for _ in 0..2 {
        propose(&world.site, world.site.folder.path()).unwrap();
    }
    // A promise bears whole seconds, and the journal is held from before the first of them on.
    world.site.stop();
    assert!(!world.agrees().contains("promise"));
    let sql = "UPDATE promises SET signature = x'00' WHERE position = 0;
        UPDATE promises SET position = 7 WHERE position = 1";
    if !change(&world, sql) {
        return;
    }
    let (code, said) = world.fsck();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the promise of entry 0 is not signed by the log's key"), "{said}");
    assert!(said.contains("the promise of entry 7 is of an entry that the log does not have"), "{said}");
    assert!(change(&world, "UPDATE promises SET origin = 'v1.log.localhost - 1'"));
    let (_, said) = world.fsck();
    assert!(said.contains("log `v1.log.localhost - 1`: the promise of entry 0 and all others"), "{said}");
}

#[test]
fn what_an_outcome_says_was_recalled_is_held_against_log_and_journal() {
    let mut world = World::new();
    assert_eq!(world.site.sign("one.bin").0, 0);
    world.site.stop();
    world.agrees();
    // The outcome names a signature that was never made, as one that was written by somebody else would.
    let recalled = r#"[{"entry":0,"intent":3,"item":0,"signature":"SIGNATURE"}]"#;
    let recalled = recalled.replace("SIGNATURE", &Digest::of(b"another").to_string());
    let set = format!("CAST(json_set(CAST(record AS TEXT), '$.recalled', json('{recalled}')) AS BLOB)");
    if !change(&world, &format!("UPDATE ledger_leaves SET record = {set} WHERE kind = 'outcome'")) {
        return;
    }
    let (code, said) = world.fsck();
    assert_eq!(code, 1, "{said}");
    let named = "its outcome names entry 0 of the log for the signature of item 0, where no log has it";
    assert!(said.contains(named), "{said}");
    assert!(said.contains("its outcome names the journal's leaf 3 for the signature of item 0, "), "{said}");
}
